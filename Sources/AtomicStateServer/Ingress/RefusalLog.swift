internal import AtomicStateProtocol
internal import Logging
internal import Synchronization

/// Logs why connections were ended: a few a second, so that a flood of them does not fill a disk.
final class RefusalLog: Sendable {
    private struct State {
        var second: UInt64 = 0
        var loggedCount = 0
        var unloggedCount = 0
    }

    private let logger: Logger
    private let state = Mutex(State())

    init(logger: Logger) {
        self.logger = logger
    }

    func note(_ reason: Status, _ cause: ConnectionEnd, now: UInt64) {
        let second = now / 1_000_000_000
        let unlogged = state.withLock { state -> Int? in
            if state.second != second {
                state.second = second
                state.loggedCount = 0
            }
            guard state.loggedCount < ServerLimits.loggedRefusalCountPerSecond else {
                state.unloggedCount += 1
                return nil
            }
            state.loggedCount += 1
            defer { state.unloggedCount = 0 }
            return state.unloggedCount
        }
        guard let unlogged else { return }
        var metadata: Logger.Metadata = ["reason": "\(reason)", "cause": "\(cause.rawValue)"]
        if unlogged > 0 { metadata["not_logged_before"] = "\(unlogged)" }
        logger.info("connection refused", metadata: metadata)
    }
}
