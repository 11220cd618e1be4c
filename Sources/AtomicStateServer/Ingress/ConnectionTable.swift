internal import Logging
internal import NIOCore
internal import Synchronization

/// The open connections, and the bounds that they share.
final class ConnectionTable: Sendable {
    private struct State {
        var admitted: [ObjectIdentifier: Connection] = [:]
        /// Open for as long as it takes to tell their clients that they are too many.
        var refused: [ObjectIdentifier: Connection] = [:]
        var isShedding = false
    }

    let countMax: Int
    let memory: ConnectionMemory
    let refusalLog: RefusalLog
    private let state = Mutex(State())

    init(countMax: Int, memoryByteCount: Int, logger: Logger) {
        self.countMax = countMax
        memory = ConnectionMemory(limit: memoryByteCount)
        refusalLog = RefusalLog(logger: logger)
    }

    enum Admission {
        case admitted
        /// There is no room; the client is to be told.
        case refused
        /// There is no room to say so either.
        case dropped
    }

    func add(_ connection: Connection) -> Admission {
        state.withLock { state in
            if state.admitted.count < countMax {
                state.admitted[ObjectIdentifier(connection)] = connection
                return .admitted
            }
            guard state.refused.count < ServerLimits.refusedConnectionCountMax else {
                return .dropped
            }
            state.refused[ObjectIdentifier(connection)] = connection
            return .refused
        }
    }

    func remove(_ connection: Connection) {
        state.withLock { state in
            let identifier = ObjectIdentifier(connection)
            if state.admitted.removeValue(forKey: identifier) == nil {
                state.refused.removeValue(forKey: identifier)
            }
        }
    }

    /// Those that are served.
    var count: Int { state.withLock { $0.admitted.count } }

    var all: [Connection] {
        state.withLock { Array($0.admitted.values) + Array($0.refused.values) }
    }

    /// Ends the connection that holds most, if all together hold too much. One at a time: the next is
    /// not chosen before it is known what the end of this one gave back.
    func shedIfExceeded() {
        guard memory.isExceeded else { return }
        let heaviest = state.withLock { state -> Connection? in
            guard !state.isShedding else { return nil }
            let heaviest = state.admitted.values.max { $0.heldByteCount < $1.heldByteCount }
            state.isShedding = heaviest != nil
            return heaviest
        }
        guard let heaviest else { return }
        heaviest.eventLoop.execute {
            self.state.withLock { $0.isShedding = false }
            heaviest.shed()
        }
    }

    /// Ends connections whose peers take too long.
    func endOverdue(_ limits: PeerTimes.Limits, now: UInt64) {
        for connection in all {
            connection.eventLoop.execute { connection.endIfOverdue(limits, now: now) }
        }
    }

    /// Returns when all connections are closed, or the time is over.
    func waitUntilEmpty(seconds: Int) async {
        let deadline = ContinuousClock.now.advanced(by: .seconds(seconds))
        while !all.isEmpty && ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(5))
        }
    }
}
