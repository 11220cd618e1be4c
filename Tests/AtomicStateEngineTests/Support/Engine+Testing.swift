import AtomicStateEngine
import AtomicStateSchema
import AtomicStateValues
import ReferenceModel

extension Engine {
    /// Executes a batch.
    mutating func execute(
        _ runs: [(form: TransactionRun.Form, transactions: [[Argument]])], isAtomic: Bool = false
    ) throws(StepError) -> BatchOutcome {
        let memory = runs.map { ArgumentMemory($0.transactions) }
        defer { withExtendedLifetime(memory) {} }
        return try execute(
            zip(runs, memory).map { run, memory in
                TransactionRun(
                    form: run.form, transactionCount: run.transactions.count,
                    arguments: memory.columns)
            },
            isAtomic: isAtomic)
    }

    /// Executes a run of transactions of one operation.
    mutating func execute(_ operation: Int, _ transactions: [[Argument]]) throws -> BatchOutcome {
        try execute([(.operation(operation), transactions)])
    }

    /// What a look-up of the keys finds.
    func snapshot(ofType type: Int, keys: [Argument]) -> [Argument: EntitySnapshot] {
        guard !keys.isEmpty else { return [:] }
        let memory = ArgumentMemory(keys.map { [$0] })
        let result = withExtendedLifetime(memory) {
            read(type: type, keys: memory.columns[0], count: keys.count, byteCountMax: .max)
        }
        guard let result else { preconditionFailure("there is no limit") }
        let entity = program.schema.entities[type]
        let types = entity.fields.map(\.type) + entity.derived.map(\.type)
        let columns = zip(result.columns, types).map { $0.arguments(of: $1) }
        var entities: [Argument: EntitySnapshot] = [:]
        var row = 0
        for (key, found) in zip(keys, result.found) where found {
            entities[key] = EntitySnapshot(
                version: result.versions[row], values: columns.map { $0[row] })
            row += 1
        }
        return entities
    }

    /// Ends the group; its record.
    mutating func closeGroup(firstSequence: UInt64) -> [UInt8] {
        var buffer = ByteBuffer()
        finishGroup(firstSequence: firstSequence, record: &buffer)
        return buffer.withBytes { Array($0) }
    }
}

extension ReadResult.Column {
    /// The column's values; one of text has lengths.
    func arguments(of type: ValueType) -> [Argument] {
        let values = presentArguments(of: type)
        guard !isPresent.isEmpty else { return values }
        return zip(values, isPresent).map { $1 ? $0 : .absent }
    }

    private func presentArguments(of type: ValueType) -> [Argument] {
        if type == .timestamp || type == .duration {
            return zip(words, nanoseconds).map { seconds, nanoseconds in
                .time(
                    TimeValue(
                        seconds: Int64(bitPattern: seconds), nanoseconds: Int64(nanoseconds)))
            }
        }
        guard !lengths.isEmpty else { return words.map { .word($0) } }
        var start = 0
        return lengths.map { length in
            defer { start += Int(length) }
            return .bytes(Array(text[start..<(start + Int(length))]))
        }
    }
}

extension Program {
    func operation(named name: String) -> Int? {
        schema.operations.firstIndex { $0.name == name }
    }
}
