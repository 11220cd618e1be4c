internal import AtomicStateProtocol
internal import AtomicStateSchema
internal import AtomicStateStorage
internal import Glibc
internal import Logging

/// Writes commit groups: one WriteBatch with one sync each. Then, and only then, the group's answers go
/// out. It has a thread of its own; for a small group on an idle server the writer's thread does the same
/// work, which spares two of them waking each other.
final class Committer: Sendable {
    private let storage: any Storage
    private let schema: Schema
    private let sequencer: Sequencer
    private let materialiser: Materialiser
    private let statistics: Statistics
    private let usedGroups: UsedGroups
    private let replies: ReplySender
    private let clock: Clock
    private let logger: Logger

    init(
        storage: any Storage, schema: Schema, sequencer: Sequencer, materialiser: Materialiser,
        statistics: Statistics, usedGroups: UsedGroups, replies: ReplySender, clock: Clock,
        logger: Logger
    ) {
        self.storage = storage
        self.schema = schema
        self.sequencer = sequencer
        self.materialiser = materialiser
        self.statistics = statistics
        self.usedGroups = usedGroups
        self.replies = replies
        self.clock = clock
        self.logger = logger
    }

    func run() {
        do throws(StorageError) {
            while let group = sequencer.waitForGroup() { try commit(group) }
        } catch {
            stopWithoutAnswer(error, logger)
        }
        materialiser.stop()
    }

    /// Not before the group before it is done.
    func commit(_ group: CommitGroup) throws(StorageError) {
        recordOutcomes(of: group)
        if group.hasChanges { try write(group) }
        replies.send(group.takeItems())
        if let forgotten = group.forgotten { materialiser.enqueue(.drop(forgotten)) }
        if let images = group.rowImages { materialiser.enqueue(.store(images)) }
        group.rowImages = nil
        usedGroups.put(group)
    }

    /// Puts what repetitions of the group's batches are told into words, and into its outcome record.
    private func recordOutcomes(of group: CommitGroup) {
        for item in group.items {
            guard case .outcome(let outcome) = item.answer, let identity = outcome.identity else {
                continue
            }
            if let remembered = identity.reply {
                remembered.bytes = outcome.reply(schema)
                item.answer = .remembered(remembered)
            }
            group.outcomes.append(outcome)
        }
    }

    private func write(_ group: CommitGroup) throws(StorageError) {
        let start = clock.monotonicNanoseconds
        let outcomeByteCount = try writeRecords(of: group)
        statistics.noteCommit(
            durableSequence: group.lastSequence, byteCount: group.record.count,
            nanoseconds: clock.monotonicNanoseconds - start)
        statistics.outcomeByteCount.add(UInt64(outcomeByteCount), ordering: .relaxed)
    }

    /// - Returns: the bytes of the outcome record.
    private func writeRecords(of group: CommitGroup) throws(StorageError) -> Int {
        let hasOutcomes = !group.outcomes.isEmpty
        return try group.record.withBytes { (journal) throws(StorageError) in
            try group.outcomes.withRecord { (outcomes) throws(StorageError) in
                try storage.commit(
                    journal: journal.isEmpty
                        ? nil : .init(number: group.firstSequence, bytes: journal),
                    outcomes: hasOutcomes ? .init(number: group.number, bytes: outcomes) : nil,
                    forgottenUntil: group.forgotten?.until)
                return hasOutcomes ? outcomes.count : 0
            }
        }
    }
}

/// Ends the process where it is unknown what reached the disk. Nothing is acknowledged any more; the
/// next start finds out what is durable. A failed sync is never tried again, because the kernel may
/// have dropped the pages that it could not write.
func stopWithoutAnswer(_ error: StorageError, _ logger: Logger) -> Never {
    logger.critical(
        "storage failed; the process stops without acknowledging and recovers by restarting",
        metadata: ["error": "\(error)"])
    _exit(70)  // EX_SOFTWARE of sysexits.h
}
