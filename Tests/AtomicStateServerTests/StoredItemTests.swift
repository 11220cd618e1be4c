import AtomicStateEngine
import AtomicStateSchema
import AtomicStateStorage
import Foundation
import Logging
import Testing

@testable import AtomicStateServer

/// Tests of a data folder with a database in it, whose only operations add and remove items.
protocol StoredItemTests {}

extension StoredItemTests {
    static func text(fields: String, rule: String = "true") -> String {
        """
        schema: 1
        name: test
        entities:
          Item:
            key: uint64
            fields: { stock: int\(fields) }
            invariants: [{ id: rule, rule: \(rule) }]
        operations:
          add: { parameters: { item: uint64, stock: int }, effects: ['create Item(item) { stock: stock }'] }
          remove: { parameters: { item: { ref: Item } }, effects: [delete item] }

        """
    }

    /// The schema at first.
    static var first: String { text(fields: "") }

    func withData(_ body: (String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory
            .appending(path: "atomic-state-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        var folder = try DataFolder(opening: path, schemaName: "test")
        let database = try Database(
            path: folder.databasePath, stagingPath: folder.stagingPath, mayCreate: true)
        try database.enforce(schemaVersion: 1, text: Self.first, .none)
        try folder.markReady()
        _ = consume database
        _ = consume folder
        try body(path)
    }

    /// Opens the folder and the database as a new process would.
    func withDatabase(_ path: String, _ body: (Database) throws -> Void) throws {
        let folder = try DataFolder(opening: path, schemaName: nil)
        try folder.clearStaging()
        try body(
            try Database(
                path: folder.databasePath, stagingPath: folder.stagingPath, mayCreate: false))
    }

    func open(_ database: Database, _ text: String) throws -> OpenedState {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return try OpenedState(database, offered: CompiledSchema(text: text), logger: logger)
    }

    /// Carries out a transaction for each number, whose stock is the number, and commits them.
    func execute(
        _ opened: inout OpenedState, _ database: Database, operation: Int, _ items: [UInt64],
        isCommitted: Bool = true
    ) throws {
        let first = opened.state.engine.lastSequence + 1
        try items.withUnsafeBufferPointer { items in
            let column = ArgumentColumn(words: items)
            let outcome = try opened.state.engine.execute([
                TransactionRun(
                    form: .operation(operation), transactionCount: items.count,
                    arguments: operation == 0 ? [column, column] : [column])
            ])
            try #require(outcome.acceptedCount == items.count)
        }
        var record = ByteBuffer()
        opened.state.engine.finishGroup(firstSequence: first, record: &record)
        guard isCommitted else { return }
        try record.withBytes {
            try database.commit(
                journal: .init(number: first, bytes: $0), outcomes: nil, forgottenUntil: nil)
        }
    }
}
