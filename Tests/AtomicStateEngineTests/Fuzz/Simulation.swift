import AtomicStateEngine
import AtomicStateSchema
import Testing

/// The engine beside the reference model, with a journal and row storage that may be cut off at any
/// moment. Every difference is reported with the run's name, which tells how to repeat it.
final class Simulation {
    let name: String
    let program: Program
    private var engine: Engine
    private var model: ReferenceModel
    private var generator: TransactionGenerator
    private var random: SplitMix64

    /// The records of the groups that are durable, by first sequence.
    private(set) var records: [(firstSequence: UInt64, bytes: [UInt8])] = []
    private(set) var storage = RowStorage()
    /// The model as of the last durable group.
    private var durableModel: ReferenceModel
    private(set) var acceptedCount = 0
    private(set) var rejectedCount = 0

    init(name: String, program: Program, seed: UInt64) {
        self.name = "\(name), seed \(seed)"
        self.program = program
        engine = Engine(program: program, schemaVersion: 3)
        model = ReferenceModel(schema: program.schema)
        durableModel = model
        random = SplitMix64(state: seed)
        generator = TransactionGenerator(
            schema: program.schema, random: SplitMix64(state: random.next()))
    }

    /// Everything that happens between two looks at the state.
    func step() throws {
        try executeBatch()
        if random.oneIn(2) {
            let limit = Int.random(in: 0...6, using: &random)
            try storage.takeImages(from: &engine, limit: limit) { engine in
                if random.oneIn(2) { try executeBatch(&engine) }
            }
        }
        if random.oneIn(2) { closeGroup() }
        try engine.compare(with: model, name)
        if random.oneIn(8) { try crashAndRecover() }
    }

    func closeGroup() {
        guard !engine.groupIsEmpty else { return }
        let first = durableModel.sequence + 1
        records.append((first, engine.closeGroup(firstSequence: first)))
        durableModel = model
        storage.storePending()
    }
}

// MARK: Transactions

extension Simulation {
    private func executeBatch() throws { try executeBatch(&engine) }

    private func executeBatch(_ engine: inout Engine) throws {
        var outcome = BatchOutcome()
        var expected: [Int: ModelRejection] = [:]
        let sequenceBefore = model.sequence
        var transactions: [String] = []
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let operation = generator.operation()
            let run = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                generator.arguments(for: operation)
            }
            engine.execute(operation, run, firstIndex: transactions.count, outcome: &outcome)
            for arguments in run {
                expected[transactions.count] = model.execute(
                    operation: operation, arguments: arguments)
                transactions.append("\(program.schema.operations[operation].name)\(arguments)")
            }
        }
        try compare(outcome.describeRejections(program), with: expected, transactions)
        let acceptedCount = Int(model.sequence - sequenceBefore)
        try #require(outcome.firstSequence == (acceptedCount == 0 ? 0 : sequenceBefore + 1), "\(name)")
        try #require(engine.lastSequence == model.sequence, "\(name)")
        try #require(outcome.acceptedCount == acceptedCount, "\(name): \(transactions)")
        self.acceptedCount += acceptedCount
        rejectedCount += expected.count
    }

    private func compare(
        _ rejections: [RejectionDescription],
        with expected: [Int: ModelRejection], _ transactions: [String]
    ) throws {
        var found: [Int: ModelRejection] = [:]
        for rejection in rejections {
            found[rejection.index] = ModelRejection(
                code: rejection.code, rule: rejection.rule, entityType: rejection.entityType,
                entityKey: rejection.entityKey)
        }
        for index in transactions.indices {
            try #require(found[index] == expected[index], "\(name): \(transactions[index])")
        }
        try #require(rejections.map(\.index) == expected.keys.sorted(), "\(name)")
    }

}

extension Engine {
    /// Expects every entity to be as the model has it, and no other.
    func compare(with model: ReferenceModel, _ name: String) throws {
        try #require(lastSequence == model.sequence, "\(name)")
        try #require(entityCount == model.state.entities.count, "\(name)")
        for type in program.schema.entities.indices {
            let expected = try model.snapshot(ofType: type)
            let found = snapshot(ofType: type, keys: Array(expected.keys))
            for (key, entity) in expected {
                try #require(
                    found[key] == entity, "\(name): \(program.schema.entities[type].name) \(key)")
            }
        }
    }
}

// MARK: Recovery

extension Simulation {
    /// What is not durable is gone; everything else is there, whatever was stored when.
    private func crashAndRecover() throws {
        if random.oneIn(2) { closeGroup() }
        storage.crash()
        model = durableModel
        do { engine = try recoveredEngine() } catch { dump(); throw error }
        try engine.compare(with: model, name)
    }

    func dump() {
        print("DUMP complete", storage.completeSequence)
        for (k, v) in storage.images { print("DUMP", k, String(decoding: k, as: UTF8.self), v) }
        for record in records where record.firstSequence > storage.completeSequence {
            _ = try? JournalRecord.withRecord(record.bytes, program) { r throws(CorruptionError) in
                var q = r.firstSequence
                for run in r.runs { print("DUMP", q, program.schema.operations[run.operation].name, run.transactionCount, run.columns.map { ($0.words, $0.text.map { String(decoding: $0, as: UTF8.self) }) }); q += UInt64(run.transactionCount) }
            }
        }
        print("DUMP", try! (0..<3).map { try model.snapshot(ofType: $0) })
    }
    private func recoveredEngine() throws -> Engine {
        var recovered = Engine(program: program, schemaVersion: 3)
        let keys = storage.images.keys.sorted { $0.lexicographicallyPrecedes($1) }
        for key in keys.shuffled(using: &random) {
            let image = try #require(storage.images[key])
            try key.withUnsafeBytes { key in
                try image.withUnsafeBytes { image in try recovered.load(key: key, image: image) }
            }
        }
        recovered.resume(after: storage.completeSequence)
        for record in records where record.firstSequence > storage.completeSequence {
            try JournalRecord.withRecord(record.bytes, program) { record throws(CorruptionError) in
                try recovered.replay(record)
            }
        }
        try recovered.finishLoading()
        return recovered
    }

    /// The journal alone leads to the same state; and what it records, executed again, to itself.
    func replayJournal() throws {
        var replayed = Engine(program: program, schemaVersion: 3)
        var repeated = Engine(program: program, schemaVersion: 3)
        for (firstSequence, bytes) in records {
            try JournalRecord.withRecord(bytes, program) { record throws(CorruptionError) in
                try replayed.replay(record)
                repeated.repeat(record)
            }
            #expect(
                repeated.closeGroup(firstSequence: firstSequence) == bytes,
                "\(name): the record of \(firstSequence)")
        }
        try replayed.finishLoading()
        try replayed.compare(with: durableModel, name)
        try repeated.compare(with: durableModel, name)
    }
}

extension Engine {
    /// Executes a record's transactions, all of which are accepted again.
    mutating func `repeat`(_ record: JournalRecord) {
        var outcome = BatchOutcome()
        for run in record.runs {
            run.withArguments { arguments in
                execute(
                    operation: run.operation, arguments: arguments,
                    transactionCount: run.transactionCount, firstIndex: 0, outcome: &outcome)
            }
        }
        #expect(outcome.rejections.isEmpty)
    }
}
