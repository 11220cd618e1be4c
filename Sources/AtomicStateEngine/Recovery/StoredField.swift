internal import AtomicStateSchema
internal import AtomicStateValues

/// A field as storage has it, on its way into a row: what that needs of the schema, looked up ahead. To ask the
/// schema takes longer than to store a value.
struct StoredField: BitwiseCopyable {
    enum Form: BitwiseCopyable {
        case word(greatest: UInt64)
        case text(TextKind)
        case time(TimeKind)
        case reference(type: Int)
    }

    private let type: Int
    /// Among the type's fields.
    let index: Int
    /// In the row.
    let offset: Int
    let form: Form
    let presence: RowLayout.Presence?

    init(_ index: Int, ofType type: Int, in program: Program) {
        let field = program.schema.entities[type].fields[index]
        let layout = program.layouts[type]
        self.type = type
        self.index = index
        offset = layout.fieldOffsets[index]
        presence = layout.presence(of: .field(index))
        form =
            switch field.type {
            case .string: .text(.string(byteCountMax: field.maximumByteCount ?? 0))
            case .bytes: .text(.bytes(byteCountMax: field.maximumByteCount ?? 0))
            case .uuid: .text(.uuid(isOptional: field.isOptional))
            case .timestamp: .time(.timestamp)
            case .duration: .time(.duration)
            case .entity(let referred): .reference(type: referred)
            case .bool: .word(greatest: 1)
            case .enumeration(let values): .word(greatest: UInt64(values.count - 1))
            case .int, .uint, .double, .decimal, .null, .list: .word(greatest: .max)
            }
    }

    /// Those of each type.
    static func all(in program: Program) -> [[StoredField]] {
        program.schema.entities.enumerated().map { type, entity in
            entity.fields.indices.map { StoredField($0, ofType: type, in: program) }
        }
    }

    func name(in program: Program) -> String {
        program.schema.entities[type].fields[index].name
    }
}

// MARK: Values

extension Engine {
    /// Stores the word in the field, if it is a value of it.
    func store(
        _ word: UInt64, in row: Row, _ field: StoredField, greatest: UInt64
    ) throws(CorruptionError) {
        guard word <= greatest else {
            throw CorruptionError(
                "\(word) as \(field.name(in: program)): expected at most \(greatest)")
        }
        row[field.offset] = word
    }

    /// Stores the time in the field, if it is a value of it.
    func store(
        _ time: TimeValue, in row: Row, _ field: StoredField, _ kind: TimeKind
    ) throws(CorruptionError) {
        guard kind.contains(time) else {
            throw CorruptionError(
                "\(time.seconds) s as \(field.name(in: program)): out of range")
        }
        row[field.offset] = UInt64(bitPattern: time.seconds)
        row[field.offset + 1] = UInt64(bitPattern: time.nanoseconds)
    }

    /// Stores the text in the field, in the place of the one that it has, if it is a value of it.
    mutating func store(
        _ text: UnsafeRawBufferPointer, in row: Row, _ field: StoredField, _ kind: TextKind
    ) throws(CorruptionError) {
        if let misfit = kind.misfit(of: text) {
            throw CorruptionError("\(field.name(in: program)) \(misfit)")
        }
        textHeap.free(row[field.offset])
        row[field.offset] = textHeap.allocate(text)
    }
}

/// What texts a field or a key takes.
enum TextKind: BitwiseCopyable {
    case string(byteCountMax: Int)
    case bytes(byteCountMax: Int)
    /// A field without a value holds an empty text.
    case uuid(isOptional: Bool)

    /// What is wrong with a text, behind the name of what it is to be.
    func misfit(of text: UnsafeRawBufferPointer) -> String? {
        switch self {
        case .string(let byteCountMax), .bytes(let byteCountMax):
            if text.count > byteCountMax {
                return "of \(text.count) bytes: expected at most \(byteCountMax)"
            }
            if case .string = self, !isUTF8(text) { return "that is not UTF-8" }
        case .uuid(let isOptional):
            guard text.count == UUIDValue.byteCount || isOptional && text.isEmpty else {
                return "of \(text.count) bytes: expected \(UUIDValue.byteCount)"
            }
        }
        return nil
    }
}

extension KeyType {
    /// Of a key that is no number.
    var textKind: TextKind {
        self == .uuid
            ? .uuid(isOptional: false) : .string(byteCountMax: EngineLimits.keyByteCountMax)
    }
}
