internal import AtomicStateProtocol

/// The one queue into the writer, and the hand-over from the writer to the committer.
///
/// All three sides meet under one lock, because the writer waits for two causes at once: more work,
/// and a committer that is free to take the group.
final class Sequencer: @unchecked Sendable {  // Guarded by `monitor`.
    private enum Wake {
        static let writer = 0
        static let committer = 1
    }

    private let monitor = Monitor(conditionCount: 2)
    private var queue = FairQueue()
    private var queuedTransactionCount = 0
    private var queuedByteCount = 0
    private var waitingGroup: CommitGroup?
    private var committerIsBusy = false
    private var isStopping = false
    private var writerHasStopped = false
    /// Connections that stopped reading because the queue was full.
    private var pausedConnections: [Connection] = []

    /// What the writer is to do next.
    enum WriterStep {
        case work(WorkItem)
        /// The committer takes the group.
        case handOver
        case stop
    }

    /// The state of the writer's open group.
    struct OpenGroup {
        let isEmpty: Bool
        /// It is so large that it need not grow.
        let isLarge: Bool
        /// It must not grow.
        let isFull: Bool
    }
}

// MARK: Ingress

extension Sequencer {
    /// Whether the queue takes another item. If not, the connection has to stop reading, and is told to
    /// resume.
    func hasRoom(for connection: Connection) -> Bool {
        monitor.withLock {
            if isFull { pausedConnections.append(connection) }
            return !isFull
        }
    }

    func enqueue(_ item: WorkItem) {
        monitor.withLock {
            queue.append(item)
            queuedTransactionCount += item.transactionCount
            queuedByteCount += item.byteCount
            monitor.signal(Wake.writer)
        }
    }

    /// Queues an item again that the writer has not carried out, so that others have their turn.
    func putBack(_ item: WorkItem) {
        monitor.withLock {
            queue.putBack(item)
            queuedTransactionCount += item.transactionCount
            queuedByteCount += item.byteCount
        }
    }

    var transactionCount: Int { monitor.withLock { queuedTransactionCount } }

    private var isFull: Bool {
        queuedTransactionCount >= ServerLimits.queuedTransactionCountMax
            || queuedByteCount >= ServerLimits.queuedByteCountMax
    }

    /// Lets the writer finish what is queued, and then end.
    func stop() {
        monitor.withLock {
            isStopping = true
            monitor.signal(Wake.writer)
        }
    }
}

// MARK: Writer

extension Sequencer {
    /// Waits for the writer's next step. A group is handed over as soon as the committer is free, so
    /// that an idle server adds no delay; it grows while the committer is busy.
    func waitForStep(_ group: OpenGroup) -> WriterStep {
        let (step, resumed) = monitor.withLock { () -> (WriterStep, [Connection]) in
            while true {
                if let step = stepWithoutWaiting(group) { return (step, takePausedConnections()) }
                monitor.wait(Wake.writer)
            }
        }
        for connection in resumed { connection.resumeReading() }
        return step
    }

    /// The writer's next step, if there is one by now.
    func nextStep(_ group: OpenGroup) -> WriterStep? {
        let (step, resumed) = monitor.withLock {
            (stepWithoutWaiting(group), takePausedConnections())
        }
        for connection in resumed { connection.resumeReading() }
        return step
    }

    private func stepWithoutWaiting(_ group: OpenGroup) -> WriterStep? {
        if !group.isEmpty && waitingGroup == nil && (!committerIsBusy || group.isLarge) {
            return .handOver
        }
        if !group.isFull, let item = queue.removeFirst() {
            queuedTransactionCount -= item.transactionCount
            queuedByteCount -= item.byteCount
            return .work(item)
        }
        return isStopping && queue.isEmpty && group.isEmpty ? .stop : nil
    }

    /// Gives the group to the committer's thread. False if there is nothing that the writer could do
    /// meanwhile, and the committer has nothing to do either: then the writer may as well commit the
    /// group itself.
    func handOver(_ group: CommitGroup) -> Bool {
        monitor.withLock {
            precondition(waitingGroup == nil, "at most one group waits for the committer")
            if queue.isEmpty, !committerIsBusy,
                group.transactionCount <= ServerLimits.groupTransactionCountSmall
            {
                return false
            }
            waitingGroup = group
            monitor.signal(Wake.committer)
            return true
        }
    }

    /// The writer has ended: so does the committer, after the groups that it was given.
    func writerDidStop() {
        monitor.withLock {
            writerHasStopped = true
            monitor.signal(Wake.committer)
        }
    }

    private func takePausedConnections() -> [Connection] {
        guard !pausedConnections.isEmpty,
            queuedTransactionCount * 2 < ServerLimits.queuedTransactionCountMax,
            queuedByteCount * 2 < ServerLimits.queuedByteCountMax
        else { return [] }
        defer { pausedConnections = [] }
        return pausedConnections
    }
}

// MARK: Committer

extension Sequencer {
    /// Waits for the next group; nil when there will be none.
    func waitForGroup() -> CommitGroup? {
        monitor.withLock {
            while true {
                if let group = groupWithoutWaiting() { return group }
                if writerHasStopped { return nil }
                monitor.wait(Wake.committer)
            }
        }
    }

    /// The next group, if there is one by now. The committer is done with the one before.
    func nextGroup() -> CommitGroup? {
        monitor.withLock { groupWithoutWaiting() }
    }

    private func groupWithoutWaiting() -> CommitGroup? {
        committerIsBusy = waitingGroup != nil
        monitor.signal(Wake.writer)
        defer { waitingGroup = nil }
        return waitingGroup
    }
}
