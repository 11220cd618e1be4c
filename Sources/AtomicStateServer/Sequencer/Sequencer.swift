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
    private var load = QueueLoad()
    /// Of the requests that had to find room.
    private var heavyLoad = QueueLoad()
    private var waitingGroup: CommitGroup?
    private var committerIsBusy = false
    private var turn = Turn.thread
    private var loneSender = LoneSender()
    private var isStopping = false
    private var writerHasStopped = false
    /// Connections that stopped reading because the queue was full.
    private var pausedConnections: [Connection] = []

    /// Who takes the writer's steps.
    private enum Turn {
        /// The writer's thread.
        case thread
        /// Nobody: the writer's thread waits, and its group is empty.
        case nobody
        /// The event loop that queued the only item, when it has looked at all that came.
        case promised
        /// That event loop.
        case lent
    }

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

    /// What becomes of an item that is to be queued.
    enum Admission {
        case queued
        /// The writer's thread is left asleep: the caller has to take the writer's steps, on the connection's event loop.
        case promisedTurn
        /// The writer is about to stop, or has stopped.
        case refused
    }

    func enqueue(_ item: WorkItem) -> Admission {
        monitor.withLock {
            guard !isStopping else { return .refused }
            let isIdle =
                turn == .nobody && queue.isEmpty && waitingGroup == nil && !committerIsBusy
            let isAlone = loneSender.note(
                from: ObjectIdentifier(item.connection), serverIsIdle: isIdle)
            queue.append(item)
            note(item, queued: 1)
            if isAlone, item.transactionCount <= ServerLimits.groupTransactionCountSmall {
                turn = .promised
                return .promisedTurn
            }
            if turn == .promised { turn = .nobody }
            monitor.signal(Wake.writer)
            return .queued
        }
    }

    /// Queues an item again that the writer has not carried out, so that others have their turn.
    func putBack(_ item: WorkItem) {
        monitor.withLock {
            queue.putBack(item)
            note(item, queued: 1)
        }
    }

    /// Takes those requests of a connection out of the queue that nobody has begun with.
    func abandonRequests(of connection: Connection) -> [WorkItem] {
        let (abandoned, resumed) = monitor.withLock { () -> ([WorkItem], [Connection]) in
            pausedConnections.removeAll { $0 === connection }
            let abandoned = queue.removeAll(of: connection.lane)
            for item in abandoned { note(item, queued: -1) }
            // It may have been the last that the writer had to do before it stops.
            monitor.signal(Wake.writer)
            return (abandoned, takePausedConnections())
        }
        for connection in resumed { connection.resumeReading() }
        return abandoned
    }

    var transactionCount: Int { monitor.withLock { load.transactionCount } }

    /// - Parameter change: 1 for a request that came, -1 for one that went.
    private func note(_ item: WorkItem, queued change: Int) {
        load.add(item, change)
        if !item.isLight { heavyLoad.add(item, change) }
    }

    private var isFull: Bool { heavyLoad.isAtLeast(1) }

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
                if turn != .lent, let step = stepWithoutWaiting(group) {
                    turn = .thread
                    return (step, takePausedConnections())
                }
                if turn == .thread, group.isEmpty { turn = .nobody }
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

    /// Lets an event loop take the writer's steps. False if the writer's thread does.
    func beginTurn() -> Bool {
        monitor.withLock {
            guard turn == .promised else { return false }
            turn = .lent
            return true
        }
    }

    /// The event loop leaves an empty group, and what came meanwhile.
    func endTurn() {
        monitor.withLock {
            turn = .nobody
            if !queue.isEmpty || isStopping { monitor.signal(Wake.writer) }
        }
    }

    private func stepWithoutWaiting(_ group: OpenGroup) -> WriterStep? {
        if !group.isEmpty && waitingGroup == nil && (!committerIsBusy || group.isLarge) {
            return .handOver
        }
        if !group.isFull, let item = queue.removeFirst() {
            note(item, queued: -1)
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
        guard !pausedConnections.isEmpty, !heavyLoad.isAtLeast(0.5) else { return [] }
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

/// What waits in the queue.
private struct QueueLoad {
    private(set) var transactionCount = 0
    private var byteCount = 0

    mutating func add(_ item: WorkItem, _ times: Int) {
        transactionCount += times * item.transactionCount
        byteCount += times * item.byteCount
    }

    /// - Parameter share: of what may wait.
    func isAtLeast(_ share: Double) -> Bool {
        Double(transactionCount) >= share * Double(ServerLimits.queuedTransactionCountMax)
            || Double(byteCount) >= share * Double(ServerLimits.queuedByteCountMax)
    }
}
