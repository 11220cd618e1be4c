internal import AtomicStateEngine
package import AtomicStateSchema
package import AtomicStateStorage

/// What would become of a folder's data if a schema came to be in force.
package struct SchemaTrial: Sendable {
    package enum Outcome: Sendable {
        /// It is in force, word for word.
        case isInForce
        /// Only comments and the form of the YAML differ; the text is noted and nothing else happens.
        case meansTheSame
        /// The data can have it.
        case isPossible
        case isRefused(SchemaRefusal)
    }

    package struct Replay: Sendable {
        package internal(set) var transactionCount: UInt64 = 0
        /// Of them, those that would have been refused.
        package internal(set) var refusedCount: UInt64 = 0
        /// The first of those, in words.
        package internal(set) var refused: [String] = []
        /// Why operations can't be called as they were, by name, and how many calls that concerns.
        package internal(set) var uncallable: [String: (reason: String, callCount: UInt64)] = [:]
    }

    /// The version in force.
    package let schema: SchemaVersion
    package let entityCount: Int
    package let lastSequence: UInt64
    package let outcome: Outcome
    /// Nil if there was nothing to be learnt; then `replayObstacle` tells why, if there is a reason.
    package let replay: Replay?
    package let replayObstacle: String?

    package var isPossible: Bool {
        switch outcome {
        case .isInForce, .meansTheSame, .isPossible: true
        case .isRefused: false
        }
    }

    /// Tries a schema on a database that is not changed by it.
    ///
    /// - Parameter replayCount: how many of the last transactions are carried out again under it.
    package init(
        of offered: CompiledSchema, on database: Database, replayCount: UInt64
    ) throws(RecoveryError) {
        let versions = try SchemaVersion.all(database)
        schema = versions[versions.count - 1]
        // Its memory is given back before the journal is carried out again.
        let (outcome, valuesAreKept, entityCount, lastSequence) = try Self.judge(
            offered, schema, database)
        self.outcome = outcome
        self.entityCount = entityCount
        self.lastSequence = lastSequence
        switch outcome {
        case .isInForce, .meansTheSame:
            (replay, replayObstacle) = (nil, nil)
            return
        case .isPossible, .isRefused: break
        }
        if replayCount == 0 || lastSequence == 0 {
            (replay, replayObstacle) = (nil, nil)
        } else if !valuesAreKept {
            (replay, replayObstacle) = (nil, "the entities can't be taken over")
        } else {
            let first = lastSequence - min(replayCount, lastSequence) + 1
            var repetition = Repetition(versions, offered, from: first)
            try repetition.run(database)
            (replay, replayObstacle) = (repetition.replay, repetition.obstacle)
        }
    }

    private static func judge(
        _ offered: CompiledSchema, _ schema: SchemaVersion, _ database: Database
    ) throws(RecoveryError) -> (
        outcome: Outcome, valuesAreKept: Bool, entityCount: Int, lastSequence: UInt64
    ) {
        let state = try LoadedState(database, schema)
        let (entityCount, lastSequence) = (state.engine.entityCount, state.engine.lastSequence)
        let outcome: Outcome
        var valuesAreKept = true
        if offered.fingerprint == schema.compiled.fingerprint {
            outcome = .isInForce
        } else if offered.schema.meaning == schema.compiled.schema.meaning {
            outcome = .meansTheSame
        } else if offered.schema.name != schema.compiled.schema.name {
            valuesAreKept = false
            outcome = .isRefused(
                SchemaRefusal(
                    fingerprint: offered.fingerprint,
                    reason:
                        "the data is of the schema \(schema.compiled.schema.name), and a schema "
                        + "keeps its name: found \(offered.schema.name)"))
        } else {
            var findings = MigrationFindings(limit: ServerLimits.describedViolationCountMax)
            do throws(SchemaChangeError) {
                _ = try Engine(
                    migrating: state.engine, to: offered.program,
                    schemaVersion: schema.number + 1, findings: &findings)
                valuesAreKept = !findings.isIncomplete
                outcome =
                    findings.isEmpty
                    ? .isPossible
                    : .isRefused(SchemaRefusal(fingerprint: offered.fingerprint, findings))
            } catch {
                valuesAreKept = false
                outcome = .isRefused(SchemaRefusal(fingerprint: offered.fingerprint, error))
            }
        }
        return (outcome, valuesAreKept, entityCount, lastSequence)
    }
}

/// Carries the journal out again, the last transactions of it under the offered schema.
private struct Repetition: ~Copyable {
    private let offered: CompiledSchema
    /// The first transaction to be carried out under the offered schema.
    private let firstSequence: UInt64
    private let offeredNumber: UInt16
    private var state: RepeatedState
    /// The state under the offered schema, from the first transaction on.
    private var trial: Engine?
    /// Of the next record.
    private var expectedSequence: UInt64 = 1
    private(set) var replay = SchemaTrial.Replay()
    /// Why the transactions could not be carried out.
    private(set) var obstacle: String?

    init(_ versions: [SchemaVersion], _ offered: CompiledSchema, from firstSequence: UInt64) {
        self.offered = offered
        self.firstSequence = firstSequence
        offeredNumber = UInt16(versions.count) + 1
        state = RepeatedState(versions)
    }

    mutating func run(_ database: Database) throws(RecoveryError) {
        try describingFailures("journal") { () throws(IterationError<CorruptionError>) in
            try database.forEachJournalRecord(holding: 1) {
                (firstSequence, bytes) throws(CorruptionError) in
                guard obstacle == nil else { return }
                let header = try JournalRecordHeader(bytes, key: firstSequence)
                guard firstSequence == expectedSequence else {
                    obstacle = "the journal no longer goes back to the first one"
                    return
                }
                expectedSequence = header.lastSequence + 1
                let schema = try state.version(header.schemaVersion).compiled
                // Forms of its own: those of an engine are forgotten from time to time.
                let forms = TransactionForms(program: schema.program)
                let record = try JournalRecord(bytes, forms: forms)
                if trial == nil { _ = try state.move(to: header.schemaVersion) }
                var sequence = header.firstSequence
                for run in record.runs where obstacle == nil {
                    try carryOut(
                        PastRun(
                            run: run, firstSequence: sequence, steps: forms.steps(of: run),
                            microseconds: header.microseconds, schema: schema.schema))
                    sequence += UInt64(run.transactionCount)
                }
            }
        }
    }

    private struct PastRun {
        let run: JournalRecord.Run
        let firstSequence: UInt64
        let steps: [TransactionStep]
        let microseconds: UInt64
        /// That it was accepted under.
        let schema: Schema

        var name: String {
            let names = steps.map { step in
                switch step {
                case .operation(let index): schema.operations[index].name
                case .create(let type, _): "create \(schema.entities[type].name)"
                case .update(let type, _, _): "update \(schema.entities[type].name)"
                case .delete(let type, _): "delete \(schema.entities[type].name)"
                }
            }
            return names.joined(separator: " + ")
        }
    }

    private mutating func carryOut(_ past: PastRun) throws(CorruptionError) {
        let count = past.run.transactionCount
        let end = past.firstSequence + UInt64(count)
        let split = Int(min(max(firstSequence, past.firstSequence), end) - past.firstSequence)
        if split > 0 {
            do throws(StepError) {
                _ = try state.engine.tryAgain(
                    past.run, 0..<split, past.steps, microseconds: past.microseconds)
            } catch {
                throw CorruptionError("sequence \(past.firstSequence): \(error)")
            }
        }
        guard split < count else { return }
        if trial == nil { begin() }
        if obstacle == nil { carryOutUnderOffered(past, split..<count) }
    }

    /// Gives the state so far to the offered schema. It need not satisfy it: what is looked for are
    /// the transactions that break it.
    private mutating func begin() {
        var findings = MigrationFindings(limit: 0)
        do throws(SchemaChangeError) {
            trial = try Engine(
                migrating: state.engine, to: offered.program, schemaVersion: offeredNumber,
                findings: &findings)
        } catch {
            obstacle = "before them, \(error.refusals[0].reason)"
            return
        }
        if findings.isIncomplete { obstacle = "before them, the entities can't be taken over" }
    }

    private mutating func carryOutUnderOffered(_ past: PastRun, _ transactions: Range<Int>) {
        let count = UInt64(transactions.count)
        replay.transactionCount += count
        let outcome: BatchOutcome
        do {
            let change = try TransactionChange(
                of: past.steps, from: past.schema, to: offered.schema)
            guard
                let result = try trial?.tryAgain(
                    past.run, transactions, as: change, microseconds: past.microseconds)
            else { return }
            outcome = result
        } catch {
            trial?.resume(after: past.firstSequence + UInt64(transactions.upperBound) - 1)
            replay.refusedCount += count
            let callCount = replay.uncallable[past.name]?.callCount ?? 0
            replay.uncallable[past.name] = ("\(error)", callCount + count)
            return
        }
        replay.refusedCount += UInt64(outcome.rejections.count)
        let first = past.firstSequence + UInt64(transactions.lowerBound)
        let room = ServerLimits.describedViolationCountMax - replay.refused.count
        for rejection in outcome.describeRejections(offered.schema, limit: room) {
            let entity =
                rejection.entityType.isEmpty
                ? "" : "\(rejection.entityType) \(rejection.entityKey): "
            replay.refused.append(
                "sequence \(first + UInt64(rejection.index)): \(past.name): "
                    + "\(entity)\(rejection.summary)")
        }
    }
}
