import AtomicStateSchema
import AtomicStateValues
import ReferenceModel
import Testing

@testable import AtomicStateEngine

/// What long texts lead to is bounded, however small the requests are that name them.
@Suite final class LargeValueTests {
    private static let longText = String(repeating: "ä", count: 32_000)
    private let program: Program
    private var engine: Engine

    init() throws {
        program = try Program(compiling: Schema(parsing: Self.documents))
        engine = Engine(program: program, schemaVersion: testSchemaVersion)
        for key: Int64 in 1...2 {
            let outcome = try execute("write", [[.int(key), .text(Self.longText)]])
            try #require(outcome.acceptedCount == 1)
        }
        _ = engine.closeGroup(firstSequence: 1)
    }

    private func execute(
        _ operation: String, _ transactions: [[Argument]], isAtomic: Bool = false
    ) throws -> BatchOutcome {
        let index = try #require(program.operation(named: operation))
        return try engine.execute([(.operation(index), transactions)], isAtomic: isAtomic)
    }

    /// A rejection keeps no more of a text than it shows.
    @Test func rejectionsOfLongTexts() throws {
        let count = 1_000
        let outcome = try execute("shrink", Array(repeating: [1], count: count))
        #expect(outcome.rejections.count == count)
        #expect(outcome.text.count < count * 1_000, "\(outcome.text.count)")
        let shown = try #require(outcome.describeRejections(program.schema).first?.observations)
        let body = try #require(shown.first { $0.name == "self.body" })
        #expect(body.value == String(repeating: "ä", count: 128) + "…")
        #expect(body.before == body.value)
    }

    /// No more are described than are told.
    @Test func manyRejections() throws {
        let count = 50_000
        let outcome = try execute("shrink", Array(repeating: [1], count: count))
        #expect(outcome.rejections.count == count)
        #expect(outcome.text.count < 1_001 * 1_000, "\(outcome.text.count)")
        #expect(outcome.observations.count <= 1_001 * 6)
        #expect(outcome.rejections.allSatisfy { $0.code == .invariantViolated })
        let told = outcome.describeRejections(program.schema, limit: 1_000)
        #expect(told.allSatisfy { $0.entityKey == "1" && !$0.observations.isEmpty })
    }

    /// What an atomic batch has to keep, to be undone, is bounded.
    @Test func rowsAsTheyWere() throws {
        let fields = (0..<64).map { "f\($0): { type: timestamp, default: '1970-01-01T00:00:00Z' }" }
        let program = try Program(
            compiling: Schema(
                parsing: """
                    schema: 1
                    name: wide
                    entities:
                      Wide: { key: uint64, fields: { \(fields.joined(separator: ", ")) } }
                    operations:
                      make: { parameters: { wide: uint64 }, effects: ['create Wide(wide) {}'] }
                      touch: { parameters: { wide: { ref: Wide } }, effects: ["wide.f0 = timestamp(1)"] }
                    """))
        engine = Engine(program: program, schemaVersion: testSchemaVersion)
        func execute(_ operation: Int, _ count: Int, isAtomic: Bool) throws -> BatchOutcome {
            try engine.execute(
                [(.operation(operation), Array(repeating: [1], count: count))], isAtomic: isAtomic)
        }
        #expect(try execute(0, 1, isAtomic: false).acceptedCount == 1)
        let rejected = try execute(1, 100_000, isAtomic: true)
        #expect(rejected.rejections.map(\.code) == [.batchTooLarge])
        #expect(rejected.acceptedCount == 0)
        for isAtomic in [true, false] {
            let count = isAtomic ? 20_000 : 100_000
            #expect(try execute(1, count, isAtomic: isAtomic).acceptedCount == count)
        }
    }

    @Test(arguments: [false, true]) func theRecordOfABatch(isAtomic: Bool) throws {
        // Each stores 64,000 bytes anew.
        let count = 2_000
        let outcome = try execute(
            "copy", Array(repeating: [1, 2], count: count), isAtomic: isAtomic)
        #expect(outcome.rejections.allSatisfy { $0.code == .batchTooLarge })
        let byteCount = engine.groupByteCount
        #expect(byteCount < EngineLimits.journalRecordByteCountMax + 100_000)
        if isAtomic {
            #expect(outcome.acceptedCount == 0 && outcome.rejections.count == 1)
            let isEmpty = engine.groupIsEmpty
            #expect(isEmpty)
            return
        }
        #expect(outcome.acceptedCount + outcome.rejections.count == count)
        #expect(
            outcome.acceptedCount * 64_000 >= EngineLimits.journalRecordByteCountMax,
            "\(outcome.acceptedCount)")
        // It can be carried out again, and the next batch has a record of its own.
        let record = StoredRecord(firstSequence: 3, bytes: engine.closeGroup(firstSequence: 3))
        var repeated = Engine(program: program, schemaVersion: testSchemaVersion)
        _ = try repeated.execute(
            try #require(program.operation(named: "write")),
            [[1, .text(Self.longText)], [2, .text(Self.longText)]])
        _ = repeated.closeGroup(firstSequence: 1)
        #expect(try repeated.repeat(record) == record.bytes)
        #expect(try execute("copy", [[1, 2]]).acceptedCount == 1)
    }

    @Test func aLookUpOfMuch() {
        let memory = ArgumentMemory((0..<100).map { _ in [1] })
        func found(byteCountMax: Int) -> Int? {
            withExtendedLifetime(memory) {
                engine.read(
                    type: 0, keys: memory.columns[0], count: 100, byteCountMax: byteCountMax)
            }?.found.count
        }
        #expect(found(byteCountMax: 6_300_000) == nil)
        #expect(found(byteCountMax: 6_500_000) == 100)
    }

    private static let documents = """
        schema: 1
        name: documents
        entities:
          Document:
            key: uint64
            fields:
              body: { type: string, max_length: 65535 }
              other: { type: string, max_length: 65535, default: '' }
              is_small: { type: bool, default: false }
            invariants:
              - { id: small, rule: '!self.is_small || size(self.body) < 100' }
        operations:
          write:
            parameters: { document: uint64, body: { type: string, max_length: 65535 } }
            effects: ['create Document(document) { body: body }']
          shrink:
            parameters: { document: { ref: Document } }
            effects: [document.is_small = true]
          copy:
            parameters: { document: { ref: Document }, from: { ref: Document } }
            effects: [document.other = from.body]
        """
}

/// Contents that differ have different hashes, but for chance.
@Suite struct ContentHashTests {
    @Test func nanosecondsBelongToTheirArgument() {
        func hash(_ first: TimeValue, _ second: TimeValue) -> UInt64 {
            let memory = ArgumentMemory([[.time(first), .time(second)]])
            let run = TransactionRun(
                form: .operation(0), transactionCount: 1, arguments: memory.columns)
            return withExtendedLifetime(memory) {
                ContentHashes(run, form: 1, firstIndex: 0).sum
            }
        }
        let one = TimeValue(seconds: 1, nanoseconds: 0)
        let oneAndFive = TimeValue(seconds: 1, nanoseconds: 5)
        let five = TimeValue(seconds: 5, nanoseconds: 0)
        let fiveAndFive = TimeValue(seconds: 5, nanoseconds: 5)
        #expect(hash(oneAndFive, five) != hash(one, fiveAndFive))
        #expect(hash(oneAndFive, five) == hash(oneAndFive, five))
    }
}
