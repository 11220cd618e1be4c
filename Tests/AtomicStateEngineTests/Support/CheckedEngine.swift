import AtomicStateEngine
import AtomicStateSchema
import ReferenceModel
import Testing

/// The engine beside the reference model, with a journal and row storage. Everything it is asked to do
/// is compared; the first difference ends the test with the name, which tells how to repeat it.
final class CheckedEngine {
    struct Run {
        let form: TransactionRun.Form
        let transactions: [[Argument]]
    }

    /// What has come up, for tests of the tests.
    struct Tally {
        var acceptedCount = 0
        /// Of several steps.
        var composedCount = 0
        var keptBatchCount = 0
        var turnedBackBatchCount = 0
        var codes: Set<RejectionCode> = []
        var rules: Set<String> = []
    }

    let name: String
    let program: Program
    private var engine: Engine
    private var model: ReferenceModel
    /// The model as of the last durable group.
    private var durableModel: ReferenceModel
    /// The records of the groups that are durable.
    private(set) var records: [StoredRecord] = []
    private(set) var storage = RowStorage()
    private(set) var tally = Tally()
    /// The time that the next group takes for its own.
    private var clockMicroseconds: UInt64 = 0

    init(_ program: Program, name: String) {
        self.name = name
        self.program = program
        engine = Engine(program: program, schemaVersion: testSchemaVersion)
        model = ReferenceModel(schema: program.schema)
        durableModel = model
    }

    /// The versions of all entities, by type and key.
    var versions: [[Argument: UInt64]] {
        program.schema.entities.indices.map { model.snapshot(ofType: $0).mapValues(\.version) }
    }

    /// The keys of all entities, by type.
    var keys: [[Argument]] {
        program.schema.entities.indices.map { type in
            model.snapshot(ofType: type).keys
                .sorted { "\($0)".utf8.lexicographicallyPrecedes("\($1)".utf8) }
        }
    }

    /// Executes the runs as one batch. Returns what was rejected.
    @discardableResult
    func execute(_ runs: [Run], isAtomic: Bool = false) throws -> [RejectionDescription] {
        let outcome = try engine.execute(
            runs.map { ($0.form, $0.transactions) }, isAtomic: isAtomic)
        let transactions = runs.flatMap { run in run.transactions.map { (run.form, $0) } }
        let sequenceBefore = model.sequence
        let expected = model.execute(
            transactions.map { (ReferenceModel.Form($0.0), $0.1) }, isAtomic: isAtomic)
        try compare(
            outcome.describeRejections(program.schema), with: expected,
            transactions.map { "\(describe($0.0))\($0.1)" })
        let acceptedCount = Int(model.sequence - sequenceBefore)
        try #require(outcome.acceptedCount == acceptedCount, "\(name)")
        try #require(
            outcome.firstSequence == (acceptedCount == 0 ? 0 : sequenceBefore + 1), "\(name)")
        try engine.compare(with: model, name)
        let rejections = outcome.describeRejections(program.schema)
        count(runs, acceptedCount, rejections, isAtomic: isAtomic)
        return rejections
    }

    private func count(
        _ runs: [Run], _ acceptedCount: Int, _ rejections: [RejectionDescription], isAtomic: Bool
    ) {
        tally.acceptedCount += acceptedCount
        tally.codes.formUnion(rejections.map(\.code))
        tally.rules.formUnion(rejections.map(\.rule))
        if isAtomic, rejections.isEmpty { tally.keptBatchCount += 1 }
        if isAtomic, !rejections.isEmpty { tally.turnedBackBatchCount += 1 }
        guard !isAtomic || rejections.isEmpty else { return }
        let rejected = Set(rejections.map(\.index))
        var index = 0
        for run in runs {
            for _ in run.transactions {
                if case .steps = run.form, !rejected.contains(index) { tally.composedCount += 1 }
                index += 1
            }
        }
    }

    private func describe(_ form: TransactionRun.Form) -> String {
        switch form {
        case .operation(let index): program.schema.operations[index].name
        case .steps(let steps): "\(steps)"
        }
    }

    private func compare(
        _ rejections: [RejectionDescription], with expected: [Int: ModelRejection],
        _ transactions: [String]
    ) throws {
        let found = rejections.map { rejection in
            (
                rejection.index,
                ModelRejection(
                    code: rejection.code, rule: rejection.rule, entityType: rejection.entityType,
                    entityKey: rejection.entityKey)
            )
        }
        let foundByIndex = Dictionary(uniqueKeysWithValues: found)
        for index in transactions.indices {
            try #require(
                foundByIndex[index] == expected[index], "\(name): \(transactions[index])")
        }
        try #require(found.map(\.0) == expected.keys.sorted(), "\(name)")
    }
}

// MARK: Durability

extension CheckedEngine {
    /// - Parameter later: how much later the next group begins, in microseconds.
    func closeGroup(nextBegins later: UInt64 = 1_500_000) {
        if !engine.groupIsEmpty {
            let first = durableModel.sequence + 1
            let bytes = engine.closeGroup(firstSequence: first)
            records.append(StoredRecord(firstSequence: first, bytes: bytes))
            durableModel = model
        }
        storage.storePending()
        clockMicroseconds += later
        beginGroup()
    }

    private func beginGroup() {
        engine.beginGroup(microseconds: clockMicroseconds)
        model.beginGroup(microseconds: clockMicroseconds)
    }

    /// Takes images of changed entities, and more of them after the body has run.
    ///
    /// - Parameter ofAll: whether a round that begins is of all entities.
    func takeImages(
        ofAll: Bool = false, before: Int = 0, then body: () throws -> Void = {}, after: Int = .max
    ) throws {
        guard var rows = storage.beginTaking(from: &engine, ofAll: ofAll) else { return }
        engine.drain(limit: before, into: &rows)
        try body()
        engine.drain(limit: after, into: &rows)
        storage.endTaking(rows, isLast: !engine.isDraining)
    }

    /// What is not durable is gone; everything else is there, whatever was stored when.
    func crashAndRecover() throws {
        storage.crash()
        model = durableModel
        do throws(CorruptionError) {
            engine = try Engine(
                program: program, blocks: storage.blocks,
                completeSequence: storage.completeSequence, records: records)
        } catch {
            Issue.record("\(name): \(error)")
            throw error
        }
        beginGroup()
        try engine.compare(with: model, name)
    }

    /// The journal alone leads to the same state; and what it records, executed again, to itself.
    func replayJournal() throws {
        var replayed = try Engine(
            program: program, blocks: [], completeSequence: 0, records: records)
        try replayed.compare(with: durableModel, name)
        var repeated = Engine(program: program, schemaVersion: testSchemaVersion)
        for record in records {
            try #require(
                repeated.repeat(record) == record.bytes,
                "\(name): the record of \(record.firstSequence)")
        }
        try repeated.compare(with: durableModel, name)
        try #require(repeated.differences(from: replayed, limit: 10) == [], "\(name)")
        try #require(replayed.inspectInvariants(limit: 10) == [], "\(name)")
    }
}

// MARK: By name

extension CheckedEngine {
    /// - Parameter schema: the text of its file.
    convenience init(_ schema: String) throws {
        let program = try Program(compiling: Schema(parsing: schema))
        self.init(program, name: program.schema.name)
    }

    convenience init(_ schema: TestSchema) throws {
        self.init(try schema.program(), name: schema.rawValue)
    }

    /// Executes one transaction, which the engine and the model have to accept.
    func accept(_ operation: String, _ arguments: Argument...) throws {
        let rejections = try execute([run(operation, [arguments])])
        try #require(rejections.isEmpty, "\(operation) was rejected")
    }

    /// Executes one transaction, which the engine and the model have to reject alike.
    @discardableResult
    func reject(_ operation: String, _ arguments: Argument...) throws -> RejectionDescription {
        let rejections = try execute([run(operation, [arguments])])
        return try #require(rejections.first, "\(operation) was accepted")
    }

    /// The same for a transaction of several steps.
    func accept(_ steps: [TransactionStep], _ arguments: Argument...) throws {
        let rejections = try execute([Run(form: .steps(steps), transactions: [arguments])])
        try #require(rejections.isEmpty, "\(steps) were rejected")
    }

    @discardableResult
    func reject(_ steps: [TransactionStep], _ arguments: Argument...) throws
        -> RejectionDescription
    {
        let rejections = try execute([Run(form: .steps(steps), transactions: [arguments])])
        return try #require(rejections.first, "\(steps) were accepted")
    }

    func run(_ operation: String, _ transactions: [[Argument]]) throws -> Run {
        let index = try #require(program.operation(named: operation))
        return Run(form: .operation(index), transactions: transactions)
    }

    func call(_ operation: String) throws -> TransactionStep {
        .operation(try #require(program.operation(named: operation)))
    }

    /// A member's value, as the engine has it.
    func value(_ path: String, of key: Argument) throws -> Argument {
        let parts = path.split(separator: ".").map(String.init)
        let type = try #require(program.schema.entities.firstIndex { $0.name == parts[0] })
        let entity = program.schema.entities[type]
        let names = entity.fields.map(\.name) + entity.derived.map(\.name)
        let member = try #require(names.firstIndex(of: parts[1]))
        let found = try #require(engine.snapshot(ofType: type, keys: [key])[key])
        return found.values[member]
    }

    func version(of type: String, _ key: Argument) throws -> UInt64 {
        let type = try #require(program.schema.entities.firstIndex { $0.name == type })
        return try #require(versions[type][key])
    }
}
