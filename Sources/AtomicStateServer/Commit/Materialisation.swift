internal import AtomicStateEngine
internal import AtomicStateStorage
internal import Logging

/// Images of changed entities on their way to storage, and, with the last ones of a round, the
/// sequence that the rows family is then complete up to.
final class MaterialisationPart: @unchecked Sendable {  // Guarded by being handed over, not shared.
    var images = RowImageBatch(expectedByteCount: ServerLimits.rowFileByteCount)
    /// Of the last transaction that an image may show.
    var reachedSequence: UInt64 = 0
    var completeSequence: UInt64?
}

/// Decides when changed entities are written to storage, and takes their images a few at a time, so
/// that no commit waits for all of them, and enough for the round to end within some journal: what a start
/// may have to replay is what two rounds took. Used by the writer.
struct Materialisation {
    private struct Round {
        /// Of the last transaction before it.
        let sequence: UInt64
        let entityCount: Int
    }

    private let afterByteCount: Int
    /// The journal since the last round began.
    private var journalByteCount: Int
    private var round: Round?
    private var part = MaterialisationPart()

    init(afterByteCount: Int, journalByteCount: Int) {
        self.afterByteCount = afterByteCount
        self.journalByteCount = journalByteCount
    }

    mutating func noteJournal(byteCount: Int) {
        journalByteCount += byteCount
    }

    /// Takes the next images, if a round is due or under way. They must not be stored before the
    /// group that closes now is durable, as they show what it changed.
    mutating func step(_ engine: inout Engine) -> MaterialisationPart? {
        if round == nil {
            guard journalByteCount >= afterByteCount else { return nil }
            journalByteCount = 0
            engine.beginDraining(deleted: &part.images)
            round = Round(sequence: engine.lastSequence, entityCount: engine.drainingCount)
        }
        let dueCount = engine.drainingCount - remainingCountMax
        engine.drain(
            limit: max(dueCount, ServerLimits.drainedEntityCountPerGroup), into: &part.images)
        part.reachedSequence = engine.lastSequence
        if !engine.isDraining {
            part.completeSequence = round?.sequence
            round = nil
        } else if part.images.byteCount < ServerLimits.rowFileByteCount {
            return nil
        }
        defer { part = MaterialisationPart() }
        return part
    }

    /// How many of the round's entities may be left, now that so much journal was written since it began.
    private var remainingCountMax: Int {
        guard let round else { return 0 }
        let progress = Double(journalByteCount) / Double(ServerLimits.roundLength * afterByteCount)
        return round.entityCount - Int(Double(round.entityCount) * min(progress, 1))
    }
}

/// What is done behind the commit.
enum MaterialiserTask {
    case store(MaterialisationPart)
    case drop(ForgottenOutcomes)
}

/// The thread that writes images to the rows family, in key order and in bulk, off the commit path. It also
/// drops what is not needed any more.
final class Materialiser: @unchecked Sendable {  // Guarded by `monitor`.
    private let storage: any Storage
    private let schemaVersion: UInt16
    private let statistics: Statistics
    private let journalRetentionByteCount: UInt64
    private let logger: Logger
    private let monitor = Monitor(conditionCount: 1)
    private var tasks = FirstInFirstOut<MaterialiserTask>()
    private var isStopping = false

    init(
        storage: any Storage, schemaVersion: UInt16, statistics: Statistics,
        journalRetentionByteCount: UInt64, logger: Logger
    ) {
        self.storage = storage
        self.schemaVersion = schemaVersion
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
                if let task = tasks.removeFirst() { return task }
                if isStopping { return nil }
                monitor.wait(0)
            }
        }
    }

    /// The next task, if there is one by now.
    func nextTask() -> MaterialiserTask? {
        monitor.withLock { tasks.removeFirst() }
    }

    func carryOut(_ task: MaterialiserTask) throws(StorageError) {
        switch task {
        case .store(let part): try store(part)
        case .drop(let outcomes): try storage.dropOutcomes(before: outcomes.beforeGroup)
        }
    }

    private func store(_ part: MaterialisationPart) throws(StorageError) {
        // The rows that complete a round tell how far they reach, even if none changed.
        if part.images.count > 0 || part.completeSequence != nil {
            try part.images.store(
                in: storage, schemaVersion: schemaVersion, reaching: part.reachedSequence)
        }
        if let sequence = part.completeSequence {
            try storage.put(
                .rowsCompleteSequence, withUnsafeBytes(of: sequence.littleEndian) { Array($0) })
            statistics.noteRowsComplete(sequence: sequence)
            try storage.trimJournal(to: journalRetentionByteCount, keeping: sequence)
        }
    }
}

extension RowImageBatch {
    borrowing func store(
        in storage: any Storage, schemaVersion: UInt16, reaching sequence: UInt64
    ) throws(StorageError) {
        try storage.storeRows(schemaVersion: schemaVersion, reaching: sequence) {
            (add) throws(StorageError) in
            try forEachInKeyOrder(add)
        }
    }
}
