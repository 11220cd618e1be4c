import AtomicStateEngine
import Testing

@testable import AtomicStateServer

/// A round of the materialiser ends within some journal, however many entities have changed: a start has to
/// replay what was written since the round before the last began.
@Suite struct MaterialisationTests {
    private static let entityCount = 20 * ServerLimits.drainedEntityCountPerGroup
    private static let afterByteCount = 1 << 20

    private func engineWithAccounts() throws -> Engine {
        let schema = SimulatedWorld.schema
        var engine = Engine(program: schema.program, schemaVersion: 1)
        let numbers = Array(1...UInt64(Self.entityCount))
        let owners = [UInt8](repeating: UInt8(ascii: "A"), count: Self.entityCount)
        let lengths = [UInt32](repeating: 1, count: Self.entityCount)
        try numbers.withUnsafeBufferPointer { numbers in
            try owners.withUnsafeBytes { owners in
                try lengths.withUnsafeBufferPointer { lengths in
                    let number = ArgumentColumn(words: numbers)
                    let owner = ArgumentColumn(text: owners, lengths: lengths)
                    let run = TransactionRun(
                        form: .operation(SimulatedWorld.operations.open),
                        transactionCount: Self.entityCount, arguments: [number, owner, number])
                    let outcome = try engine.execute([run])
                    try #require(outcome.acceptedCount == Self.entityCount)
                }
            }
        }
        return engine
    }

    /// - Parameter groupCount: the groups that the round's journal comes in.
    @Test(arguments: [1, 4, 1_000])
    func aRoundEndsWithinItsJournal(groupCount: Int) throws {
        var engine = try engineWithAccounts()
        var materialisation = Materialisation(
            afterByteCount: Self.afterByteCount, journalByteCount: Self.afterByteCount)
        let roundByteCount = ServerLimits.roundLength * Self.afterByteCount
        var takenCount: Int { Self.entityCount - engine.drainingCount }
        var completeSequence: UInt64?
        for index in 0...groupCount where completeSequence == nil {
            completeSequence = materialisation.step(&engine)?.completeSequence
            // The first step sets the entities aside, and takes as few as if there was time.
            if index == 0 { #expect(takenCount == ServerLimits.drainedEntityCountPerGroup) }
            materialisation.noteJournal(byteCount: (roundByteCount + groupCount - 1) / groupCount)
        }
        #expect(takenCount == Self.entityCount)
        #expect(completeSequence == engine.lastSequence)
    }
}
