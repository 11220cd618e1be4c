internal import AtomicStateSchema

// The journal record: what one commit group changed, as one value of RocksDB's journal family, whose
// key is the group's first sequence as eight big-endian bytes. All numbers are little-endian.
//
// Record:
//
//     0   1   format, `JournalFormat.version`
//     1   1   0
//     2   2   the version of the schema that the record's numbers refer to
//     4   4   how many runs follow
//     8   8   the sequence of the first transaction
//     16  8   how many transactions follow; their sequences have no gaps
//     24  8   the commit time, microseconds since 1970-01-01T00:00:00Z
//     32      the runs
//
// Run: consecutive transactions of one form, an operation or several steps:
//
//     0   2   the operation's index in the schema; 0xFFFF for steps
//     2   2   how many columns follow
//     4   4   how many transactions; each column has a value for each
//     8       the steps, if there are any: `TransactionStep+Coding.swift`
//             the columns
//
// The columns are, in this order: the arguments, a reference being its entity's key; then, for each of
// the form's `WriteTarget`s, its key if it is not an argument, and the fields that it changes as
// they are after the transaction, a reference being its target's key. A timestamp or duration takes two
// columns, its seconds and its nanoseconds; an optional field one more before its value, 1 if there is
// a value. Replaying a record twice leads
// to the same rows as once. Totals are not recorded: they follow from the rows.
//
// Column of words: `PackedColumn.swift`.
//
// Column of text: a column of words with the byte counts, then all texts without separators.

enum JournalFormat {
    static let version: UInt8 = 1
    static let recordHeaderByteCount = 32
    static let runHeaderByteCount = 8
    /// In place of an operation's index.
    static let stepsMark = UInt16.max
}

/// What a journal record's column holds, and where the value is when a transaction is accepted.
enum JournalColumn: BitwiseCopyable {
    /// A word of the operation's arguments.
    case argumentWord(parameter: Int)
    case argumentText(parameter: Int)
    /// Of a timestamp or duration; its seconds are a word.
    case argumentNanoseconds(parameter: Int)
    /// The key of the row in a register.
    case keyWord(row: Register)
    case keyText(row: Register)
    case fieldWord(row: Register, offset: Int)
    case fieldText(row: Register, offset: Int)
    /// Whether an optional field has a value.
    case presence(row: Register, offset: Int, bit: Int)
    /// The key of the row that a field refers to; 0 or an empty text for none.
    case referenceWord(row: Register, offset: Int)
    case referenceText(row: Register, offset: Int)

    var isText: Bool {
        switch self {
        case .argumentText, .keyText, .fieldText, .referenceText: true
        case .argumentWord, .argumentNanoseconds, .keyWord, .fieldWord, .presence, .referenceWord:
            false
        }
    }

    /// The parameter whose argument the column holds, or holds a part of.
    var parameter: Int? {
        switch self {
        case .argumentWord(let parameter), .argumentText(let parameter),
            .argumentNanoseconds(let parameter):
            parameter
        case .keyWord, .keyText, .fieldWord, .fieldText, .presence, .referenceWord, .referenceText:
            nil
        }
    }

    /// The columns of a form's runs.
    static func columns(of form: TransactionForm, in program: Program) -> [JournalColumn] {
        let schema = program.schema
        var columns: [JournalColumn] = []
        for (index, parameter) in form.parameters.enumerated() {
            columns += arguments(of: index, parameter.type, in: schema)
        }
        for target in form.routine.targets {
            let type = schema.entities[target.type]
            if target.keyParameter == nil {
                columns.append(
                    type.keyType.isText ? .keyText(row: target.row) : .keyWord(row: target.row))
            }
            for field in target.fields {
                columns += fields(
                    of: target.row, field, type.fields[field].type, program.layouts[target.type],
                    in: schema)
            }
        }
        return columns
    }

    private static func arguments(
        of parameter: Int, _ type: ValueType, in schema: Schema
    ) -> [JournalColumn] {
        if case .entity(let target) = type {
            let isText = schema.entities[target].keyType.isText
            return isText
                ? [.argumentText(parameter: parameter)] : [.argumentWord(parameter: parameter)]
        }
        switch type.form {
        case .word: return [.argumentWord(parameter: parameter)]
        case .text: return [.argumentText(parameter: parameter)]
        case .time:
            return [
                .argumentWord(parameter: parameter), .argumentNanoseconds(parameter: parameter),
            ]
        }
    }

    private static func fields(
        of row: Register, _ field: Int, _ type: ValueType, _ layout: RowLayout, in schema: Schema
    ) -> [JournalColumn] {
        let offset = layout.fieldOffsets[field]
        var columns: [JournalColumn] = []
        if let presence = layout.presence(of: .field(field)) {
            columns.append(.presence(row: row, offset: presence.offset, bit: presence.bit))
        }
        if case .entity(let target) = type {
            let isText = schema.entities[target].keyType.isText
            columns.append(
                isText
                    ? .referenceText(row: row, offset: offset)
                    : .referenceWord(row: row, offset: offset))
            return columns
        }
        switch type.form {
        case .word: columns.append(.fieldWord(row: row, offset: offset))
        case .text: columns.append(.fieldText(row: row, offset: offset))
        case .time: columns += [0, 1].map { .fieldWord(row: row, offset: offset + $0) }
        }
        return columns
    }
}
