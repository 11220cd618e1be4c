internal import AtomicStateProtocol

/// Values as text, in the form that people read and write.
extension SchemaDescription {
    /// Reads the text as a value of the kind and appends it.
    ///
    /// - Parameter name: what to call the value in an error.
    func append(
        _ text: String, of kind: ValueKind, named name: String, to column: inout Column
    ) throws(ArgumentError) {
        guard append(text, of: transported(kind), to: &column) else {
            throw .invalidValue(name: name, value: text, expected: expectation(of: kind))
        }
    }

    private func append(_ text: String, of kind: ValueKind, to column: inout Column) -> Bool {
        switch kind {
        case .bool:
            guard let value = Bool(text) else { return false }
            column.append(value)
        case .int:
            guard let value = Int64(text) else { return false }
            column.append(value)
        case .uint:
            guard let value = UInt64(text) else { return false }
            column.append(value)
        case .decimal(let scale):
            guard let value = DecimalText.units(of: text, scale: scale) else { return false }
            column.append(value)
        case .string(let byteCountMax):
            guard text.utf8.count <= byteCountMax else { return false }
            column.append(text)
        case .enumeration(let values):
            guard let index = values.firstIndex(of: text) else { return false }
            column.append(UInt64(index))
        case .reference:
            preconditionFailure("a reference is transported as a key, which is no reference")
        }
        return true
    }

    private func expectation(of kind: ValueKind) -> String {
        switch kind {
        case .bool: "true or false"
        case .int: "a whole number from \(Int64.min) to \(Int64.max)"
        case .uint: "a whole number from 0 to \(UInt64.max)"
        case .decimal(let scale): "a decimal number with at most \(scale) fraction digits"
        case .string(let byteCountMax): "text of at most \(byteCountMax) bytes"
        case .enumeration(let values): "one of \(values.joined(separator: ", "))"
        case .reference(let entity):
            "a key of \(entities[entity].name), \(expectation(of: entities[entity].key))"
        }
    }

    /// The values of a column that came from the server.
    ///
    /// - Throws: `internal` for a column that contradicts its kind or count.
    func texts(
        of column: Column, kind: ValueKind, count: Int, named name: String
    ) throws(Status) -> [String] {
        let kind = transported(kind)
        if case .string = kind {
            let byteCount = column.lengths.reduce(0) { $0 + Int($1) }
            guard column.lengths.count == count, column.text.count == byteCount else {
                throw Status(
                    .internal, "'\(name)': the server sent a column that contradicts itself")
            }
            return column.strings
        }
        guard column.words.count == count else {
            throw Status(
                .internal, "'\(name)': the server sent \(column.words.count) values for \(count)")
        }
        var texts: [String] = []
        texts.reserveCapacity(count)
        for word in column.words {
            guard let text = text(of: word, kind: kind) else {
                throw Status(
                    .internal, "'\(name)': the server sent \(word), which is no value of it")
            }
            texts.append(text)
        }
        return texts
    }

    private func text(of word: UInt64, kind: ValueKind) -> String? {
        switch kind {
        case .bool: word > 1 ? nil : "\(word == 1)"
        case .int: "\(Int64(bitPattern: word))"
        case .uint: "\(word)"
        case .decimal(let scale): DecimalText.text(of: Int64(bitPattern: word), scale: scale)
        case .enumeration(let values): word < values.count ? values[Int(word)] : nil
        case .string, .reference: nil
        }
    }
}
