internal import AtomicStateEngine
internal import Synchronization

/// The batches that become durable together, with the answers that wait for it. Handed from the
/// writer to the committer, and back for its memory.
final class CommitGroup: @unchecked Sendable {  // Guarded by being handed over, not shared.
    var record = ByteBuffer()
    /// Of the first transaction that the group may hold; 0 transactions if none was accepted.
    private(set) var firstSequence: UInt64 = 0
    /// Of the last transaction accepted when the group closed.
    var lastSequence: UInt64 = 0
    /// What was submitted, rejected ones included.
    var transactionCount = 0
    var replies: [PendingReply] = []
    /// Images of changed entities, to be stored when the group is durable.
    var rowImages: MaterialisationPart?

    func begin(firstSequence: UInt64) {
        self.firstSequence = firstSequence
        record.removeAll()
        transactionCount = 0
        replies.removeAll(keepingCapacity: true)
        rowImages = nil
    }

    /// Whether the group changed anything.
    var hasChanges: Bool { record.count > 0 }
}

/// Groups whose memory can be used again.
final class UsedGroups: Sendable {
    private let groups = Mutex<[CommitGroup]>([])

    func take() -> CommitGroup {
        groups.withLock { $0.popLast() } ?? CommitGroup()
    }

    func put(_ group: CommitGroup) {
        groups.withLock { $0.append(group) }
    }
}
