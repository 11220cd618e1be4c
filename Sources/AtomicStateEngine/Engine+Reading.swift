internal import AtomicStateSchema

/// What a look-up of several keys found, as columns.
package struct ReadResult: Sendable {
    /// The values of one field or total, or versions: words, or texts with their byte counts.
    package struct Column: Sendable {
        package var words: [UInt64] = []
        package var text: [UInt8] = []
        package var lengths: [UInt32] = []
    }

    /// One for each key.
    package internal(set) var found: [Bool] = []
    /// The sequence of the last change, for each entity found.
    package internal(set) var versions: [UInt64] = []
    /// One for each field, then one for each derived value, with a value for each entity found.
    package internal(set) var columns: [Column]
}

extension Engine {
    /// Looks entities up.
    ///
    /// - Parameter type: an index into `Schema.entities`.
    /// - Parameter keys: a column of the type's key kind, with `count` keys.
    package func read(type: Int, keys: ArgumentColumn, count: Int) -> ReadResult {
        let entity = program.schema.entities[type]
        let layout = program.layouts[type]
        let offsets = layout.fieldOffsets + layout.derivedOffsets
        let types = entity.fields.map(\.type) + entity.derived.map(\.type)
        var result = ReadResult(columns: types.map { _ in ReadResult.Column() })
        var cursor = ArgumentCursor([keys])
        for _ in 0..<count {
            let key: Key =
                entity.keyType == .string ? .text(cursor.text(of: 0)) : .number(cursor.word(of: 0))
            cursor.advance()
            guard let row = stores[type].find(key) else {
                result.found.append(false)
                continue
            }
            result.found.append(true)
            result.versions.append(row[RowLayout.versionOffset])
            for index in types.indices {
                append(row[offsets[index]], of: types[index], to: &result.columns[index])
            }
        }
        return result
    }

    private func append(_ word: UInt64, of type: ValueType, to column: inout ReadResult.Column) {
        switch type {
        case .string:
            column.append(TextHeap.text(at: word))
        case .entity(let target):
            switch stores[target].key(of: rowAt(word)) {
            case .number(let number): column.words.append(number)
            case .text(let text): column.append(text)
            }
        case .bool, .int, .uint, .decimal, .enumeration, .list:
            column.words.append(word)
        }
    }
}

extension ReadResult.Column {
    fileprivate mutating func append(_ bytes: UnsafeRawBufferPointer) {
        text.append(contentsOf: bytes)
        lengths.append(UInt32(bytes.count))
    }
}
