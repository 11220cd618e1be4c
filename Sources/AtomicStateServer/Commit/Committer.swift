internal import AtomicStateProtocol
internal import AtomicStateStorage
internal import Glibc
internal import Logging

/// Writes commit groups: one WriteBatch with one sync each. Then, and only then, the group's answers go
/// out. It has a thread of its own; for a small group on an idle server the writer's thread does the same
/// work, which spares two of them waking each other.
final class Committer: Sendable {
    private let database: Database
    private let sequencer: Sequencer
    private let materialiser: Materialiser
    private let statistics: Statistics
    private let usedGroups: UsedGroups
    private let replies: ReplySender
    private let logger: Logger

    init(
        database: Database, sequencer: Sequencer, materialiser: Materialiser,
        statistics: Statistics, usedGroups: UsedGroups, replies: ReplySender, logger: Logger
    ) {
        self.database = database
        self.sequencer = sequencer
        self.materialiser = materialiser
        self.statistics = statistics
        self.usedGroups = usedGroups
        self.replies = replies
        self.logger = logger
    }

    func run() {
        while let group = sequencer.nextGroup() { commit(group) }
        materialiser.stop()
    }

    /// Not before the group before it is done.
    func commit(_ group: CommitGroup) {
        if group.hasChanges { write(group) }
        replies.send(group.replies)
        if let images = group.rowImages { materialiser.enqueue(images) }
        group.replies.removeAll(keepingCapacity: true)
        group.rowImages = nil
        usedGroups.put(group)
    }

    private func write(_ group: CommitGroup) {
        let start = monotonicNanoseconds()
        do throws(StorageError) {
            try group.record.withBytes { (bytes) throws(StorageError) in
                try database.commit(firstSequence: group.firstSequence, record: bytes)
            }
        } catch {
            stopWithoutAnswer(error, logger)
        }
        statistics.noteCommit(
            durableSequence: group.lastSequence, byteCount: group.record.count,
            nanoseconds: monotonicNanoseconds() - start)
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
