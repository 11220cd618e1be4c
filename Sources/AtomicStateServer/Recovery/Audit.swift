internal import AtomicStateEngine
package import AtomicStateStorage

/// What an audit looked at, and what it found wrong.
package struct AuditReport: Sendable {
    package internal(set) var entityCount = 0
    package internal(set) var transactionCount: UInt64 = 0
    package internal(set) var lastSequence: UInt64 = 0
    /// Whether the journal goes back to the first transaction. Otherwise what it no longer holds can't
    /// be compared with the rows.
    package internal(set) var journalIsComplete = true
    /// What differs; empty if everything is as it should be.
    package internal(set) var findings: [String] = []

    package var isIntact: Bool { findings.isEmpty }
}

/// Checks a data folder against itself:
///
/// - The folder and its data are of the same schema.
/// - The journal's sequences have no gaps.
/// - Carrying every journaled transaction out again, on an empty state and with all rules of the
///   schema's version at that time, accepts each of them and produces the same journal records, byte
///   for byte. The data in between satisfies each version that came to be in force.
/// - The rows that a restart would serve are the same as those that this leads to.
/// - Every invariant holds for every row.
/// - Every total, as kept up to date by the transactions, equals its computation from the rows.
/// - What is remembered of keyed transactions and named batches can be read, and tells of no transaction
///   that the state does not have.
package struct Audit: ~Copyable {
    private static let findingCountMax = 100

    private var report = AuditReport()
    private var trimmedUntil: UInt64 = 0

    /// - Parameter schemaName: of the schema that the folder says it is of.
    package static func run(
        _ database: Database, schemaName: String
    ) throws(RecoveryError) -> AuditReport {
        var audit = Audit()
        try audit.run(database, schemaName: schemaName)
        return audit.report
    }

    private mutating func run(
        _ database: Database, schemaName: String
    ) throws(RecoveryError) {
        let versions = try SchemaVersion.all(database)
        let inForce = versions[versions.count - 1]
        let name = inForce.compiled.schema.name
        if name != schemaName {
            find("IDENTITY is of the schema \(schemaName), the data is of \(name)")
        }
        var served = try LoadedState(database, inForce)
        report.entityCount = served.engine.entityCount
        report.lastSequence = served.engine.lastSequence

        trimmedUntil = try database.number(.journalTrimmedUntil)
        var repeated = RepeatedState(versions)
        try describingFailures("journal") { () throws(IterationError<CorruptionError>) in
            try database.forEachJournalRecord(holding: 1) {
                (firstSequence, bytes) throws(CorruptionError) in
                try carryOutAgain(bytes, firstSequence: firstSequence, on: &repeated)
            }
        }
        // What an empty journal stands for can't be carried out again either.
        if report.transactionCount == 0 && report.lastSequence > 0 {
            report.journalIsComplete = false
        }
        if report.journalIsComplete {
            do throws(CorruptionError) {
                try move(&repeated, to: inForce.number)
            } catch {
                throw RecoveryError("schema: \(error)")
            }
            if repeated.engine.lastSequence != served.engine.lastSequence {
                find(
                    "the journal ends at sequence \(repeated.engine.lastSequence), the state at "
                        + "\(served.engine.lastSequence)")
            }
            for difference in served.engine.differences(
                from: repeated.engine, limit: Self.findingCountMax)
            {
                find(difference)
            }
        }
        let outcomes = try OutcomeMemory(
            database, capacity: Configuration.rememberedOutcomeCounts.lowerBound)
        if outcomes.loadedSequenceMax > report.lastSequence {
            find(
                "an outcome tells of sequence \(outcomes.loadedSequenceMax), and the state ends at "
                    + "\(report.lastSequence)")
        }
        for violation in served.engine.inspectInvariants(limit: Self.findingCountMax) {
            find(violation)
        }
    }

    private mutating func carryOutAgain(
        _ bytes: UnsafeRawBufferPointer, firstSequence: UInt64, on state: inout RepeatedState
    ) throws(CorruptionError) {
        let header = try JournalRecordHeader(bytes, key: firstSequence)
        if report.transactionCount == 0 && firstSequence > 1 { report.journalIsComplete = false }
        report.transactionCount += header.transactionCount
        guard report.journalIsComplete else {
            let program = try state.version(header.schemaVersion).compiled.program
            _ = try JournalRecord(bytes, forms: TransactionForms(program: program))
            return
        }
        try move(&state, to: header.schemaVersion)
        let record = try JournalRecord(bytes, forms: state.engine.forms)
        guard header.firstSequence == state.engine.lastSequence + 1 else {
            guard header.firstSequence > trimmedUntil else {
                report.journalIsComplete = false
                return
            }
            find(
                "the journal continues at sequence \(header.firstSequence): expected "
                    + "\(state.engine.lastSequence + 1)")
            state.engine.resume(after: header.lastSequence)
            return
        }
        var again = ByteBuffer()
        let outcome = state.engine.carryOutAgain(record, into: &again)
        if let rejection = outcome.describeRejections(state.schema.compiled.schema, limit: 1).first
        {
            find(
                "the record from sequence \(header.firstSequence) holds a transaction that "
                    + "\(rejection.rule) rejects: \(rejection.message)")
        }
        if !again.withBytes({ $0.elementsEqual(bytes) }) {
            find(
                "the record from sequence \(header.firstSequence) differs from what its "
                    + "transactions lead to")
        }
    }

    private mutating func move(
        _ state: inout RepeatedState, to version: UInt16
    ) throws(CorruptionError) {
        for violation in try state.move(to: version).described {
            find(
                "at sequence \(state.engine.lastSequence), when schema version "
                    + "\(state.schema.number) came: \(violation)")
        }
    }

    private mutating func find(_ difference: String) {
        if report.findings.count < Self.findingCountMax { report.findings.append(difference) }
    }
}
