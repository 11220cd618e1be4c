internal import AtomicStateSchema

/// What a look-up of several keys found, as columns.
package struct ReadResult: Sendable {
    /// The values of one field or total, or versions: words, to which timestamps and durations add
    /// their nanoseconds, or texts with their byte counts.
    package struct Column: Sendable {
        /// Of an optional member, whether there is a value; where there is none, a zero or an empty text
        /// stands in its place.
        package var isPresent: [Bool] = []
        package var words: [UInt64] = []
        package var nanoseconds: [UInt32] = []
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
    /// - Parameter byteCountMax: of what is found.
    /// - Returns: nil if that would take more.
    package func read(
        type: Int, keys: ArgumentColumn, count: Int, byteCountMax: Int
    ) -> ReadResult? {
        let entity = program.schema.entities[type]
        let layout = program.layouts[type]
        let offsets = layout.fieldOffsets + layout.derivedOffsets
        let types = entity.fields.map(\.type) + entity.derived.map(\.type)
        let members =
            entity.fields.indices.map(Member.field) + entity.derived.indices.map(Member.derived)
        var result = ReadResult(columns: types.map { _ in ReadResult.Column() })
        var keys = ArgumentColumn.Keys(ArgumentSource(keys))
        var byteCount = count
        for index in 0..<count {
            guard byteCount <= byteCountMax else { return nil }
            guard let row = stores[type].find(keys.next(index)) else {
                result.found.append(false)
                continue
            }
            result.found.append(true)
            result.versions.append(row[RowLayout.versionOffset])
            byteCount += 8
            for index in types.indices {
                byteCount += append(
                    row + offsets[index], of: types[index], to: &result.columns[index])
                if let presence = layout.presence(of: members[index]) {
                    result.columns[index].isPresent.append(
                        row[presence.offset] & presence.mask != 0)
                    byteCount += 1
                }
            }
        }
        return byteCount <= byteCountMax ? result : nil
    }

    /// - Returns: the bytes that it takes in a reply, at most.
    private func append(
        _ place: Row, of type: ValueType, to column: inout ReadResult.Column
    ) -> Int {
        if case .entity(let target) = type {
            switch key(ofReference: place[0], type: target) {
            case .number(let number): return column.append(number)
            case .text(let text): return column.append(text)
            }
        }
        switch type.form {
        case .word: return column.append(place[0])
        case .text: return column.append(TextHeap.text(at: place[0]))
        case .time:
            column.nanoseconds.append(UInt32(truncatingIfNeeded: place[1]))
            return column.append(place[0]) + 4
        }
    }
}

extension ReadResult.Column {
    fileprivate mutating func append(_ word: UInt64) -> Int {
        words.append(word)
        return 8
    }

    fileprivate mutating func append(_ bytes: UnsafeRawBufferPointer) -> Int {
        text.append(contentsOf: bytes)
        lengths.append(UInt32(bytes.count))
        // Its length is a varint of at most 32 bits.
        return bytes.count + 5
    }
}
