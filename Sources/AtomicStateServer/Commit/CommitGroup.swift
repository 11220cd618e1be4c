internal import AtomicStateEngine
internal import Synchronization

/// The requests that become durable together, and are answered then. Handed from the
/// writer to the committer, and back for its memory.
final class CommitGroup: @unchecked Sendable {  // Guarded by being handed over, not shared.
    var record = ByteBuffer()
    /// What is to be remembered of the batches.
    var outcomes = OutcomeEncoder()
    /// Groups are numbered from 1, across restarts.
    private(set) var number: UInt64 = 0
    /// What the memory of outcomes has forgotten when the group closed, if it is more than before.
    var forgotten: ForgottenOutcomes?
    /// Of the first transaction that the group may hold; 0 transactions if none was accepted.
    private(set) var firstSequence: UInt64 = 0
    /// Of the last transaction accepted when the group closed.
    var lastSequence: UInt64 = 0
    /// What was submitted, rejected ones included.
    var transactionCount = 0
    var items: [WorkItem] = []
    /// Images of changed entities, to be stored when the group is durable.
    var rowImages: MaterialisationPart?

    func begin(number: UInt64, firstSequence: UInt64) {
        self.number = number
        self.firstSequence = firstSequence
        record.removeAll()
        outcomes.removeAll()
        forgotten = nil
        transactionCount = 0
        rowImages = nil
    }

    /// The requests, which the group does not hold any more then.
    func takeItems() -> [WorkItem] {
        defer { items = [] }
        return items
    }

    /// Whether there is anything to write.
    var hasChanges: Bool { record.count > 0 || !outcomes.isEmpty || forgotten != nil }
}

/// Outcomes that are not remembered any more.
struct ForgottenOutcomes {
    /// They were made until then: milliseconds since 1970-01-01T00:00:00Z.
    let until: UInt64
    /// They are of groups with lesser numbers.
    let beforeGroup: UInt64
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
