import AtomicStateEngine
import AtomicStateSchema
import AtomicStateStorage
import Testing

@testable import AtomicStateServer

/// A journal that lacks records, as when one of RocksDB's logs is gone.
@Suite struct JournalGapTests: StoredItemTests {
    /// - Parameter lacking: of four records, with a transaction each.
    private func withJournal(
        lacking numbers: [UInt64], completeSequence: UInt64, _ body: (Database) throws -> Void
    ) throws {
        try withData { path in
            try withDatabase(path) { database in
                var opened = try open(database, Self.first)
                for number: UInt64 in 1...4 {
                    try execute(
                        &opened, database, operation: 0, [number],
                        isCommitted: !numbers.contains(number))
                    if number == completeSequence {
                        try database.enforce(
                            SchemaMove.writeRows(
                                of: &opened.state.engine, behind: .none, to: database
                            ).rows)
                    }
                }
            }
            try withDatabase(path, body)
        }
    }

    @Test(arguments: [
        ([1 as UInt64], "the journal continues at sequence 2: expected 1"),
        ([2, 3], "the journal continues at sequence 4: expected 2"),
    ])
    func anAuditFindsAGapBehindCompleteRows(numbers: [UInt64], finding: String) throws {
        try withJournal(lacking: numbers, completeSequence: 3) { database in
            let report = try Audit.run(database, schemaName: "test")
            #expect(report.findings == [finding])
            #expect(!report.journalIsComplete)
        }
    }

    @Test(arguments: [[4 as UInt64], [3, 4], [1, 2, 3, 4]])
    func aStartNeedsTheJournalThatRowsAreCompleteUpTo(numbers: [UInt64]) throws {
        try withJournal(lacking: numbers, completeSequence: 4) { database in
            let error = #expect(throws: RecoveryError.self) {
                _ = try LoadedState(database, .inForce(database))
            }
            #expect(error?.description.contains("its end is gone") == true)
        }
    }

    @Test func aStartNeedsTheJournalFromThereOn() throws {
        try withJournal(lacking: [3], completeSequence: 2) { database in
            #expect(throws: RecoveryError.self) {
                _ = try LoadedState(database, .inForce(database))
            }
        }
    }

    @Test func aTrialTellsOfTheGap() throws {
        try withJournal(lacking: [2], completeSequence: 4) { database in
            let offered = try CompiledSchema(text: Self.text(fields: "", rule: "self.stock < 9"))
            let trial = try SchemaTrial(of: offered, on: database, replayCount: 4)
            #expect(trial.replayObstacle == "the journal no longer goes back to the first one")
        }
    }
}
