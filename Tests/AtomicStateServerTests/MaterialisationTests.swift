import AtomicStateEngine
import Testing

@testable import AtomicStateServer

/// A round of the materialiser ends within some journal, however many entities have changed: a start has to
/// replay what was written since the round before the last began.
@Suite struct MaterialisationTests {
    private static let entityCount = 20 * ServerLimits.drainedEntityCountPerGroup
    private static let afterByteCount = 1 << 20
    private static let roundByteCount = Int(ServerLimits.roundLength * Double(afterByteCount))

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
            afterByteCount: Self.afterByteCount, journalByteCount: Self.afterByteCount,
            stored: RowVolume(), schemaVersion: 1)
        var takenCount: Int { Self.entityCount - engine.drainingCount }
        var completeSequence: UInt64?
        for index in 0...groupCount where completeSequence == nil {
            completeSequence = materialisation.step(&engine)?.completeSequence
            // The first step sets the entities aside, and takes as few as if there was time.
            if index == 0 { #expect(takenCount == ServerLimits.drainedEntityCountPerGroup) }
            materialisation.noteJournal(
                byteCount: (Self.roundByteCount + groupCount - 1) / groupCount)
        }
        #expect(takenCount == Self.entityCount)
        #expect(completeSequence == engine.lastSequence)
    }

    /// Storage has two images for each entity at most, more or less: a round that would lead to more is of all.
    @Test(arguments: [
        (imagesOfEach: 0.0, changedShare: 1.0, isOfAll: false), (1.0, 0.4, false), (1.0, 1.0, true),
        (1.5, 0.2, false), (1.5, 0.4, true), (2.0, 0.1, true),
    ])
    func aRoundOfAllIsDue(imagesOfEach: Double, changedShare: Double, isOfAll: Bool) throws {
        var engine = try engineWithAccounts()
        drainAll(&engine)
        let changedCount = Int(Double(Self.entityCount) * changedShare)
        try deposit(to: changedCount, of: &engine)
        var stored = RowVolume()
        stored.imageCount = Int(Double(Self.entityCount) * imagesOfEach)
        var materialisation = Materialisation(
            afterByteCount: Self.afterByteCount, journalByteCount: Self.afterByteCount,
            stored: stored, schemaVersion: 1)
        _ = materialisation.step(&engine)
        materialisation.noteJournal(byteCount: Self.roundByteCount)
        let last = materialisation.step(&engine)
        let part = try #require(last)
        #expect(part.beginsAnew == isOfAll)
        #expect(part.rows.entityCount == (isOfAll ? Self.entityCount : changedCount))
        #expect(part.completeSequence == engine.lastSequence)
    }

    /// Small files don't gather for long, and files that are full may be many.
    @Test func aRoundOfAllForTheSakeOfFiles() throws {
        var engine = try engineWithAccounts()
        drainAll(&engine)
        try deposit(to: 10, of: &engine)
        var stored = RowVolume()
        stored.imageCount = Self.entityCount
        for (fullCount, smallCount, isDue) in [
            (0, ServerLimits.smallRowFileCountMax, false), (9_000, 0, false),
            (0, ServerLimits.smallRowFileCountMax + 1, true),
            (9_000, ServerLimits.smallRowFileCountMax + 1, true),
        ] {
            stored.byteCount = fullCount * ServerLimits.rowFileByteCount
            stored.fileCount = fullCount + smallCount
            let isToBeginAnew = stored.isToBeginAnew(
                entityCount: engine.entityCount, changedCount: engine.changedCount,
                byteCountOfAll: 9_000 * ServerLimits.rowFileByteCount)
            #expect(isToBeginAnew == isDue, "\(fullCount) full files, \(smallCount) small ones")
        }
    }

    /// Where those that change are large, storage would have few images in many bytes.
    @Test(arguments: [(3, false), (4, true)]) func aRoundOfAllForTheSakeOfBytes(
        times: Int, isDue: Bool
    ) {
        var stored = RowVolume()
        stored.imageCount = 1_000
        stored.byteCount = times * 100 * ServerLimits.rowFileByteCount
        stored.fileCount = times * 100
        #expect(
            stored.isToBeginAnew(
                entityCount: 1_000_000, changedCount: 1,
                byteCountOfAll: 100 * ServerLimits.rowFileByteCount) == isDue)
    }

    /// What is loaded is reckoned like what was written: by its last blocks, a file for each.
    @Test func filesAreCountedByTheirLastBlocks() throws {
        var engine = try engineWithAccounts()
        engine.beginDrainingAll()
        var written = RowVolume()
        var loaded = RowVolume()
        while engine.isDraining {
            var rows = RowBlocks(schemaVersion: 1)
            engine.drain(limit: Self.entityCount / 2, into: &rows)
            written.add(rows)
            var imageCount = rows.entityCount
            rows.forEach { block in
                loaded.add(block: block, imageCount: imageCount)
                imageCount = 0
            }
        }
        #expect(written.fileCount == 2)
        #expect(written.byteCount > 2 * RowBlock.byteCountMin)
        #expect(loaded.imageCount == Self.entityCount && written.imageCount == Self.entityCount)
        #expect(loaded.byteCount == written.byteCount)
        #expect(loaded.fileCount == written.fileCount)
    }

    private func drainAll(_ engine: inout Engine) {
        var rows = RowBlocks(schemaVersion: 1)
        engine.beginDraining(deleted: &rows)
        engine.drain(limit: .max, into: &rows)
    }

    /// One to each of the first accounts.
    private func deposit(to count: Int, of engine: inout Engine) throws {
        let numbers = Array(1...UInt64(count))
        let ones = [UInt64](repeating: 1, count: count)
        try numbers.withUnsafeBufferPointer { numbers in
            try ones.withUnsafeBufferPointer { ones in
                let run = TransactionRun(
                    form: .operation(SimulatedWorld.operations.deposit), transactionCount: count,
                    arguments: [ArgumentColumn(words: numbers), ArgumentColumn(words: ones)])
                let outcome = try engine.execute([run])
                try #require(outcome.acceptedCount == count)
            }
        }
    }
}
