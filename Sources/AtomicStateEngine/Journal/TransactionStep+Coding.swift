internal import AtomicStateSchema

// The steps of a run, in a journal record. All numbers are little-endian.
//
//     0   1   how many steps follow
//
// Step:
//
//     0   1   0 operation, 1 create, 2 update, 3 delete
//     1   2   the operation's or the type's index in the schema
//             create: in two bytes how many fields, then each one's index in two bytes
//             update: in one byte whether it expects a version, in two bytes how many changes, then of
//             each the field's index in two bytes and its kind in one, `FieldChange.Kind`
//             delete: in one byte whether it expects a version

private enum StepKind: UInt8 {
    case operation, create, update, delete
}

extension ByteBuffer {
    mutating func append(_ steps: [TransactionStep]) {
        append(UInt8(steps.count))
        for step in steps { append(step) }
    }

    private mutating func append(_ step: TransactionStep) {
        switch step {
        case .operation(let index):
            append(.operation, index)
        case .create(let type, let fields):
            append(.create, type)
            append(UInt16(fields.count))
            for field in fields { append(UInt16(field)) }
        case .update(let type, let changes, let expectsVersion):
            append(.update, type)
            append(UInt8(expectsVersion ? 1 : 0))
            append(UInt16(changes.count))
            for change in changes {
                append(UInt16(change.field))
                append(change.kind.rawValue)
            }
        case .delete(let type, let expectsVersion):
            append(.delete, type)
            append(UInt8(expectsVersion ? 1 : 0))
        }
    }

    private mutating func append(_ kind: StepKind, _ index: Int) {
        append(kind.rawValue)
        append(UInt16(index))
    }
}

extension ByteReader {
    mutating func readSteps() throws(CorruptionError) -> [TransactionStep] {
        let count: UInt8 = try read("how many steps a transaction has")
        var steps: [TransactionStep] = []
        for _ in 0..<count { steps.append(try readStep()) }
        return steps
    }

    private mutating func readStep() throws(CorruptionError) -> TransactionStep {
        let kind: UInt8 = try read("a step's kind")
        let index = Int(try read("a step's operation or type") as UInt16)
        switch StepKind(rawValue: kind) {
        case .operation:
            return .operation(index)
        case .create:
            let count: UInt16 = try read("a step's field count")
            var fields: [Int] = []
            for _ in 0..<count { fields.append(Int(try read("a step's field") as UInt16)) }
            return .create(type: index, fields: fields)
        case .update:
            let expectsVersion = try readFlag()
            let count: UInt16 = try read("a step's change count")
            var changes: [TransactionStep.FieldChange] = []
            for _ in 0..<count { changes.append(try readChange()) }
            return .update(type: index, changes: changes, expectsVersion: expectsVersion)
        case .delete:
            return .delete(type: index, expectsVersion: try readFlag())
        case nil:
            throw CorruptionError("step of kind \(kind): expected 0 to 3")
        }
    }

    private mutating func readChange() throws(CorruptionError) -> TransactionStep.FieldChange {
        let field: UInt16 = try read("a changed field")
        let rawKind: UInt8 = try read("a change's kind")
        guard let kind = TransactionStep.FieldChange.Kind(rawValue: rawKind) else {
            throw CorruptionError("change of kind \(rawKind): expected 1 to 3")
        }
        return TransactionStep.FieldChange(field: Int(field), kind: kind)
    }

    private mutating func readFlag() throws(CorruptionError) -> Bool {
        let flag: UInt8 = try read("whether a step expects a version")
        guard flag <= 1 else { throw CorruptionError("flag \(flag): expected 0 or 1") }
        return flag == 1
    }
}
