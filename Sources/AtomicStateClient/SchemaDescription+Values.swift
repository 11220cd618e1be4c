internal import AtomicStateProtocol
internal import AtomicStateValues

/// A value on its way into a column.
struct Argument {
    let text: String
    let kind: SchemaDescription.ValueKind
    /// What to call the value in an error.
    let name: String
}

extension Argument {
    init(key: ArgumentValue, of entity: SchemaDescription.Entity) {
        self.init(text: key.text, kind: entity.key, name: "the key of \(entity.name)")
    }

    init(version: UInt64) {
        self.init(text: "\(version)", kind: .uint, name: "the expected version")
    }
}

/// Values as text, in the form that people read and write.
extension SchemaDescription {
    /// Reads the text as a value of its kind and appends it.
    func append(_ argument: Argument, to column: inout Column) throws(ArgumentError) {
        guard append(argument.text, of: transported(argument.kind), to: &column) else {
            throw .invalidValue(
                name: argument.name, value: argument.text,
                expected: expectation(of: argument.kind))
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
        case .bytes(let byteCountMax):
            guard let bytes = HexText.parse(text), bytes.count <= byteCountMax else { return false }
            column.append(bytes: bytes)
        case .uuid:
            guard let value = UUIDValue(text) else { return false }
            column.append(bytes: value.bytes)
        case .timestamp: return append(text, .timestamp, to: &column)
        case .duration: return append(text, .duration, to: &column)
        case .enumeration(let values):
            guard let index = values.firstIndex(of: text) else { return false }
            column.append(UInt64(index))
        case .reference:
            preconditionFailure("a reference is transported as a key, which is no reference")
        }
        return true
    }

    private func append(_ text: String, _ kind: TimeKind, to column: inout Column) -> Bool {
        guard let value = kind.parse(text) else { return false }
        column.append(seconds: value.seconds, nanoseconds: UInt32(value.nanoseconds))
        return true
    }

    private func expectation(of kind: ValueKind) -> String {
        switch kind {
        case .bool: "true or false"
        case .int: "a whole number from \(Int64.min) to \(Int64.max)"
        case .uint: "a whole number from 0 to \(UInt64.max)"
        case .decimal(let scale):
            "a decimal number from \(DecimalText.text(of: .min, scale: scale)) to "
                + "\(DecimalText.text(of: .max, scale: scale)), with at most \(scale) fraction digits"
        case .string(let byteCountMax): "text of at most \(byteCountMax) bytes"
        case .bytes(let byteCountMax):
            "at most \(byteCountMax) bytes, each of two hexadecimal digits"
        case .uuid: "a uuid as f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
        case .timestamp: "a timestamp as 2009-02-13T23:31:30Z, of the years 1 to 9999"
        case .duration: "a duration as 1h30m or 0.5s, of at most 315576000000s"
        case .enumeration(let values): "one of \(values.joined(separator: ", "))"
        case .reference(let entity):
            "a key of \(entities[entity].name), \(expectation(of: entities[entity].key))"
        }
    }

    /// The values of a column that came from the server; nil where an optional member has none.
    ///
    /// - Throws: `internal` for a column that contradicts its kind or count.
    func texts(
        of column: Column, member: Member, count: Int
    ) throws(Status) -> [String?] {
        let kind = transported(member.kind)
        let presentCount = member.isOptional ? count : 0
        guard column.present.count == presentCount, column.valueCount(of: kind) == count else {
            throw Status(
                .internal, "'\(member.name)': the server sent a column that contradicts itself")
        }
        var texts: [String?] = []
        texts.reserveCapacity(count)
        let parts = column.parts
        for index in 0..<count {
            guard column.present.isEmpty || column.present[index] else {
                texts.append(nil)
                continue
            }
            let text =
                kind.isText
                ? text(of: parts[index], kind: kind)
                : text(
                    of: column.words[index], kind: kind,
                    nanoseconds: column.nanoseconds.isEmpty ? 0 : column.nanoseconds[index])
            guard let text else {
                throw Status(
                    .internal, "'\(member.name)': the server sent what is no value of it")
            }
            texts.append(text)
        }
        return texts
    }

    private func text(of bytes: ArraySlice<UInt8>, kind: ValueKind) -> String? {
        switch kind {
        case .bytes: HexText.text(of: bytes)
        case .uuid: UUIDValue(bytes)?.text
        default: String(decoding: bytes, as: UTF8.self)
        }
    }

    private func text(of word: UInt64, kind: ValueKind, nanoseconds: UInt32) -> String? {
        let time = TimeValue(
            seconds: Int64(bitPattern: word), nanoseconds: Int64(nanoseconds))
        return switch kind {
        case .timestamp: TimeKind.timestamp.contains(time) ? TimeKind.timestamp.text(of: time) : nil
        case .duration: TimeKind.duration.contains(time) ? TimeKind.duration.text(of: time) : nil
        case .bool: word > 1 ? nil : "\(word == 1)"
        case .int: "\(Int64(bitPattern: word))"
        case .uint: "\(word)"
        case .decimal(let scale): DecimalText.text(of: Int64(bitPattern: word), scale: scale)
        case .enumeration(let values): word < values.count ? values[Int(word)] : nil
        case .string, .bytes, .uuid, .reference: nil
        }
    }
}

extension SchemaDescription.ValueKind {
    fileprivate var isText: Bool {
        switch self {
        case .string, .bytes, .uuid: true
        case .bool, .int, .uint, .decimal, .timestamp, .duration, .enumeration, .reference: false
        }
    }
}

extension Column {
    /// How many values of the kind the column holds; nil if its parts contradict one another.
    fileprivate func valueCount(of kind: SchemaDescription.ValueKind) -> Int? {
        guard kind.isText else {
            return nanoseconds.isEmpty || nanoseconds.count == words.count ? words.count : nil
        }
        return lengths.reduce(0) { $0 + Int($1) } == text.count ? lengths.count : nil
    }
}
