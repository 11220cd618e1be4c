internal import AtomicStateEngine
internal import AtomicStateStorage
internal import Logging
internal import struct NIOCore.CircularBuffer

/// Images of entities on their way to storage, and, with the last ones of a round, the sequence that the rows in
/// storage are then complete up to.
final class MaterialisationPart: @unchecked Sendable {  // Guarded by being handed over, not shared.
    var rows: RowBlocks
    /// It is the first of a round of all entities, which does without the rows before it.
    var beginsAnew = false
    /// Of the last transaction that an image may show.
    var reachedSequence: UInt64 = 0
    var completeSequence: UInt64?

    init(schemaVersion: UInt16) {
        rows = RowBlocks(
            schemaVersion: schemaVersion, expectedByteCount: ServerLimits.rowFileByteCount)
    }
}

/// What the rows in storage are, or are about to be.
package struct RowVolume {
    /// An entity may have several.
    var imageCount = 0
    var byteCount = 0
    var fileCount = 0

    mutating func add(_ rows: borrowing RowBlocks) {
        imageCount += rows.entityCount
        byteCount += rows.byteCount
        fileCount += 1
    }

    /// - Parameter imageCount: of the block.
    mutating func add(block: UnsafeRawBufferPointer, imageCount: Int) {
        self.imageCount += imageCount
        byteCount += block.count
        // Only the last block of a file is not full.
        if block.count < RowBlock.byteCountMin { fileCount += 1 }
    }

    /// Whether it is to be all entities' images alone, rather than images of some behind it: if there would be
    /// two for each otherwise, more or less, if those that change are large ones, or if many files are small.
    ///
    /// - Parameter byteCountOfAll: about what the images of all entities take.
    func isToBeginAnew(entityCount: Int, changedCount: Int, byteCountOfAll: Int) -> Bool {
        imageCount + 2 * changedCount > 2 * entityCount
            || byteCount > 3 * byteCountOfAll
            || fileCount > byteCount / ServerLimits.rowFileByteCount
                + ServerLimits.smallRowFileCountMax
    }
}

/// Decides when entities are written to storage, and takes their images a few at a time, so that no commit waits
/// for all of them, and enough for the round to end within some journal: what a start may have to replay is what
/// two rounds took. Used by the writer.
///
/// A round is of the entities that have changed, whose images come behind those that are there, or of all.
struct Materialisation {
    private struct Round {
        /// Of the last transaction before it.
        let sequence: UInt64
        let placeCount: Int
        let isOfAll: Bool
    }

    private let afterByteCount: Int
    private let schemaVersion: UInt16
    /// The journal since the last round began.
    private var journalByteCount: Int
    private var stored: RowVolume
    /// Of the last round of all entities; 0 if there was none since the start.
    private var byteCountOfAll = 0
    private var round: Round?
    private var part: MaterialisationPart

    /// - Parameter journalByteCount: the journal behind what rows are complete up to.
    init(
        afterByteCount: Int, journalByteCount: Int, stored: RowVolume, schemaVersion: UInt16
    ) {
        self.afterByteCount = afterByteCount
        self.journalByteCount = journalByteCount
        self.stored = stored
        self.schemaVersion = schemaVersion
        part = MaterialisationPart(schemaVersion: schemaVersion)
    }

    mutating func noteJournal(byteCount: Int) {
        journalByteCount += byteCount
    }

    /// Takes the next images, if a round is due or under way. They must not be stored before the
    /// group that closes now is durable, as they show what it changed.
    mutating func step(_ engine: inout Engine) -> MaterialisationPart? {
        if round == nil {
            guard journalByteCount >= afterByteCount else { return nil }
            beginRound(&engine)
        }
        let dueCount = engine.drainingCount - remainingCountMax
        let limits =
            ServerLimits.drainedEntityCountPerGroup...ServerLimits.drainedEntityCountPerGroupMax
        engine.drain(
            limit: min(max(dueCount, limits.lowerBound), limits.upperBound),
            byteCountMax: ServerLimits.rowFileByteCount, into: &part.rows)
        part.reachedSequence = engine.lastSequence
        guard !engine.isDraining || part.rows.byteCount >= ServerLimits.rowFileByteCount else {
            return nil
        }
        stored.add(part.rows)
        if let round, !engine.isDraining {
            part.completeSequence = round.sequence
            if round.isOfAll { byteCountOfAll = stored.byteCount }
            self.round = nil
        }
        defer { part = MaterialisationPart(schemaVersion: schemaVersion) }
        return part
    }

    private mutating func beginRound(_ engine: inout Engine) {
        journalByteCount = 0
        // In memory an entity may take less than its image, which has references as whole keys.
        let isOfAll = stored.isToBeginAnew(
            entityCount: engine.entityCount, changedCount: engine.changedCount,
            byteCountOfAll: max(byteCountOfAll, engine.byteCount))
        if isOfAll {
            stored = RowVolume()
            part.beginsAnew = true
            engine.beginDrainingAll()
        } else {
            engine.beginDraining(deleted: &part.rows)
        }
        round = Round(
            sequence: engine.lastSequence, placeCount: engine.drainingCount, isOfAll: isOfAll)
    }

    /// How many of the round's places may be left, now that so much journal was written since it began.
    private var remainingCountMax: Int {
        guard let round else { return 0 }
        let progress =
            Double(journalByteCount) / (ServerLimits.roundLength * Double(afterByteCount))
        return round.placeCount - Int(Double(round.placeCount) * min(progress, 1))
    }
}

/// What is done behind the commit.
enum MaterialiserTask {
    case store(MaterialisationPart)
    case drop(ForgottenOutcomes)
}

/// The thread that writes images to the rows family, in bulk and off the commit path. It also drops what is not
/// needed any more.
final class Materialiser: @unchecked Sendable {  // Guarded by `monitor`.
    private let storage: any Storage
    private let statistics: Statistics
    private let journalRetentionByteCount: UInt64
    private let logger: Logger
    private let monitor = Monitor(conditionCount: 1)
    private var tasks = CircularBuffer<MaterialiserTask>()
    private var isStopping = false
    /// Where the rows in force begin once the round is over.
    private var firstBlock: UInt64
    private var nextBlock: UInt64

    init(
        storage: any Storage, rows: RowsInForce, statistics: Statistics,
        journalRetentionByteCount: UInt64, logger: Logger
    ) {
        self.storage = storage
        firstBlock = rows.blocks.lowerBound
        nextBlock = rows.blocks.upperBound
        self.statistics = statistics
        self.journalRetentionByteCount = journalRetentionByteCount
        self.logger = logger
    }

    /// - Parameter task: what belongs behind a group that is durable.
    func enqueue(_ task: MaterialiserTask) {
        monitor.withLock {
            tasks.append(task)
            monitor.signal(0)
        }
    }

    /// Lets the thread finish what was enqueued, and then end.
    func stop() {
        monitor.withLock {
            isStopping = true
            monitor.signal(0)
        }
    }

    func run() {
        do throws(StorageError) {
            while let task = waitForTask() { try carryOut(task) }
        } catch {
            stopWithoutAnswer(error, logger)
        }
    }

    private func waitForTask() -> MaterialiserTask? {
        monitor.withLock {
            while true {
                if let task = tasks.popFirst() { return task }
                if isStopping { return nil }
                monitor.wait(0)
            }
        }
    }

    /// The next task, if there is one by now.
    func nextTask() -> MaterialiserTask? {
        monitor.withLock { tasks.popFirst() }
    }

    func carryOut(_ task: MaterialiserTask) throws(StorageError) {
        switch task {
        case .store(let part): try store(part)
        case .drop(let outcomes): try storage.dropOutcomes(before: outcomes.beforeGroup)
        }
    }

    private func store(_ part: MaterialisationPart) throws(StorageError) {
        defer {
            statistics.waitingRowByteCount.subtract(part.rows.byteCount, ordering: .relaxed)
        }
        if part.beginsAnew { firstBlock = nextBlock }
        if part.rows.entityCount > 0 {
            nextBlock = try part.rows.store(
                in: storage, from: nextBlock, reaching: part.reachedSequence)
        }
        if let sequence = part.completeSequence {
            let rows = RowsInForce(blocks: firstBlock..<nextBlock, completeSequence: sequence)
            try storage.enforce(rows)
            try storage.discardRows(outside: rows.blocks)
            statistics.noteRowsComplete(sequence: sequence)
            try storage.trimJournal(to: journalRetentionByteCount, keeping: sequence)
        }
    }
}

extension RowBlocks {
    /// - Returns: the next block's number.
    borrowing func store(
        in storage: any Storage, from first: UInt64, reaching sequence: UInt64
    ) throws(StorageError) -> UInt64 {
        try storage.storeRows(from: first, reaching: sequence) { (add) throws(StorageError) in
            try forEach(add)
        }
    }
}
