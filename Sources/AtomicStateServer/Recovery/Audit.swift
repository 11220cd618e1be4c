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
    /// The end of the journal so far.
    private var journalEnd: UInt64 = 0
    /// Whether there is a state to carry transactions out on.
    private var isCarryingOut = true

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

        trimmedUntil = try describingFailures { () throws(StorageError) in
            try database.number(.journalTrimmedUntil)
        }
        var repeated = RepeatedState(versions)
        try describingFailures("journal") { () throws(IterationError<CorruptionError>) in
            try database.forEachJournalRecord(holding: 1) {
                (firstSequence, bytes) throws(CorruptionError) in
                try carryOutAgain(bytes, firstSequence: firstSequence, on: &repeated)
            }
        }
        if journalEnd != report.lastSequence {
            find("the journal ends at sequence \(journalEnd), the state at \(report.lastSequence)")
        }
        if isCarryingOut {
            do throws(CorruptionError) {
                try move(&repeated, to: inForce.number)
            } catch {
                throw RecoveryError("schema: \(error)")
            }
        }
        if isCarryingOut {
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
        report.transactionCount += header.transactionCount
        let expected = journalEnd + 1
        journalEnd = header.lastSequence
        if firstSequence != expected {
            // What was dropped on purpose can't be carried out again, nor what came after it.
            isCarryingOut = false
            report.journalIsComplete = false
            if firstSequence > trimmedUntil {
                find("the journal continues at sequence \(firstSequence): expected \(expected)")
            }
        }
        guard isCarryingOut else {
            let program = try state.version(header.schemaVersion).compiled.program
            _ = try JournalRecord(bytes, forms: TransactionForms(program: program))
            return
        }
        try move(&state, to: header.schemaVersion)
        guard isCarryingOut else { return }
        let record = try JournalRecord(bytes, forms: state.engine.forms)
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
        let findings = try state.move(to: version)
        // Not all values could be kept: there is no state then.
        if findings.isIncomplete { isCarryingOut = false }
        for violation in findings.described {
            find(
                "at sequence \(state.engine.lastSequence), when schema version "
                    + "\(state.schema.number) came: \(violation)")
        }
    }

    private mutating func find(_ difference: String) {
        if report.findings.count < Self.findingCountMax { report.findings.append(difference) }
    }
}
