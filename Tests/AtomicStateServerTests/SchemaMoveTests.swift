import AtomicStateEngine
import AtomicStateSchema
import AtomicStateStorage
import Foundation
import Logging
import Testing

@testable import AtomicStateServer

/// A change of schema that comes to an end at some point of its way.
@Suite struct SchemaMoveTests: StoredItemTests {
    private static let second = text(fields: ", note: { type: string, default: second }")
    private static let third = text(fields: ", number: { type: int, default: 3 }")

    /// Rows of the next version are there, whole or in part, and the version before is in force.
    @Test func rowsAreWrittenAndNotEnforced() throws {
        try withData { path in
            try withDatabase(path) { database in
                var opened = try open(database, Self.first)
                try execute(&opened, database, operation: 0, [1, 2, 3])
            }
            try withDatabase(path) { database in
                let state = try LoadedState(database, .inForce(database))
                var findings = MigrationFindings()
                var engine = try Engine(
                    migrating: state.engine, to: CompiledSchema(text: Self.second).program,
                    schemaVersion: 2, findings: &findings)
                let (rows, volume) = try SchemaMove.writeRows(
                    of: &engine, behind: state.rows, to: database)
                #expect(rows == RowsInForce(blocks: 0..<1, completeSequence: 3))
                #expect(volume.imageCount == 3 && volume.fileCount == 1)
                #expect(try database.rowsInForce() == .none)
                #expect(try database.rowsReachSequence() == 3)
            }
            // The old schema goes on, and an entity goes that has a row of the next version.
            try withDatabase(path) { database in
                var opened = try open(database, Self.first)
                #expect(opened.schema.number == 1)
                #expect(opened.state.engine.entityCount == 3)
                #expect(try database.rowsReachSequence() == nil)
                try execute(&opened, database, operation: 1, [2])
            }
            // Another schema gets the same number.
            for start in 1...2 {
                try withDatabase(path) { database in
                    let opened = try open(database, Self.third)
                    #expect(opened.refusal == nil)
                    #expect(opened.schema.number == 2, "start \(start)")
                    #expect(opened.state.engine.entityCount == 2)
                    #expect(opened.state.replayedTransactionCount == 0)
                    #expect(
                        try database.rowsInForce()
                            == RowsInForce(blocks: 0..<1, completeSequence: 4))
                }
            }
            try withDatabase(path) { database in
                let report = try Audit.run(database, schemaName: "test")
                #expect(report.findings == [])
                #expect(report.transactionCount == 4)
                #expect(report.entityCount == 2)
            }
        }
    }

    /// The version is in force, and the rows of the one before are still there.
    @Test func oldRowsAreNotDiscarded() throws {
        try withData { path in
            try withDatabase(path) { database in
                var opened = try open(database, Self.first)
                try execute(&opened, database, operation: 0, [1, 2, 3])
                try database.enforce(
                    SchemaMove.writeRows(of: &opened.state.engine, behind: .none, to: database).rows
                )
            }
            try withDatabase(path) { database in
                let state = try LoadedState(database, .inForce(database))
                var findings = MigrationFindings()
                var engine = try Engine(
                    migrating: state.engine, to: CompiledSchema(text: Self.second).program,
                    schemaVersion: 2, findings: &findings)
                try database.enforce(
                    schemaVersion: 2, text: Self.second,
                    SchemaMove.writeRows(of: &engine, behind: state.rows, to: database).rows)
            }
            try withDatabase(path) { database in
                #expect(try blockCount(database, in: 0..<2) == 2)
                var opened = try open(database, Self.second)
                #expect(opened.schema.number == 2)
                #expect(opened.state.engine.entityCount == 3)
                #expect(throws: (any Error).self) { try blockCount(database, in: 0..<2) }
                #expect(try blockCount(database, in: 1..<2) == 1)
                try execute(&opened, database, operation: 1, [1])
                let report = try Audit.run(database, schemaName: "test")
                #expect(report.findings == [])
                #expect(report.entityCount == 2)
            }
        }
    }

    /// An audit notices a version that its data did not satisfy.
    @Test func versionThatShouldNotBeInForce() throws {
        try withData { path in
            try withDatabase(path) { database in
                var opened = try open(database, Self.first)
                try execute(&opened, database, operation: 0, [1, 2])
                let state = try LoadedState(database, .inForce(database))
                var findings = MigrationFindings()
                let text = Self.text(fields: "", rule: "self.stock != 2")
                var engine = try Engine(
                    migrating: state.engine, to: CompiledSchema(text: text).program,
                    schemaVersion: 2, findings: &findings)
                #expect(findings.count == 1)
                try database.enforce(
                    schemaVersion: 2, text: text,
                    SchemaMove.writeRows(of: &engine, behind: state.rows, to: database).rows)
            }
            try withDatabase(path) { database in
                let report = try Audit.run(database, schemaName: "test")
                #expect(
                    report.findings.first
                        == "at sequence 2, when schema version 2 came: Item 2: rule: the invariant "
                        + "would not hold (self.stock = 2)", "\(report.findings)")
            }
        }
    }

    private func blockCount(_ database: Database, in blocks: Range<UInt64>) throws -> Int {
        var count = 0
        try database.forEachRowBlock(in: blocks) { _ in count += 1 }
        return count
    }
}
