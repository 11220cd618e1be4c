import AtomicStateEngine
import AtomicStateSchema
import Testing

/// Steps in journal records that nobody can have written.
@Suite struct StepDamageTests {
    /// Where a record's steps begin: after its header and that of its first run.
    private static let start = 32 + 8

    static let update = TransactionStep.set(ClubSchema.player, 1, expectsVersion: true)

    /// A byte of the steps, what it becomes, and what is said.
    static let changes: [(step: TransactionStep, offset: Int, byte: UInt8, message: String)] = [
        (update, 0, 0, "run of steps: 0 steps: expected 1 to 16"),
        (update, 1, 4, "step of kind 4: expected 0 to 3"),
        (update, 2, 3, "run of steps: steps[0]: entity type 3: the schema has 3 types"),
        (update, 4, 2, "flag 2: expected 0 or 1"),
        (update, 7, 9, "run of steps: steps[0]: field 9: Player has 3 fields"),
        (update, 9, 0, "change of kind 0: expected 1 to 3"),
        (update, 9, 4, "change of kind 4: expected 1 to 3"),
        (update, 9, 3, "run of steps: steps[0]: Player.points always has a value"),
        (.delete(type: ClubSchema.player, expectsVersion: false), 4, 2, "flag 2: expected 0 or 1"),
        (.operation(0), 2, 77, "run of steps: steps[0]: operation 77: "),
    ]

    @Test(arguments: changes.indices) func refused(index: Int) throws {
        let (step, offset, byte, message) = Self.changes[index]
        let (program, record) = try Self.record(of: step)
        var bytes = record.bytes
        #expect(bytes[Self.start] == 1)
        bytes[Self.start + offset] = byte
        let error = #expect(throws: CorruptionError.self) {
            let damaged = StoredRecord(firstSequence: record.firstSequence, bytes: bytes)
            _ = try Engine(program: program, blocks: [], completeSequence: 7, records: [damaged])
                .lastSequence
        }
        #expect(error?.description.hasPrefix(message) == true, "\(error?.description ?? "")")
    }

    @Test func aTypeThatIsNotGeneric() throws {
        let (program, record) = try Self.record(
            of: .delete(type: ClubSchema.player, expectsVersion: false))
        var bytes = record.bytes
        bytes[Self.start + 2] = UInt8(ClubSchema.league)
        let error = #expect(throws: CorruptionError.self) {
            let damaged = StoredRecord(firstSequence: record.firstSequence, bytes: bytes)
            _ = try Engine(program: program, blocks: [], completeSequence: 7, records: [damaged])
                .lastSequence
        }
        #expect(error?.description.contains("League is changed by operations only") == true)
    }

    /// The record of one step, after seven transactions.
    private static func record(of step: TransactionStep) throws -> (Program, StoredRecord) {
        let checked = try ClubSchema.checked()
        checked.closeGroup()
        switch step {
        case .operation: try checked.accept([step], "east")
        case .update:
            try checked.accept([step], 10, .word(try checked.version(of: "Player", 10)), 3)
        case .create, .delete: try checked.accept([step], 10)
        }
        checked.closeGroup()
        return (checked.program, checked.records[1])
    }
}
