import Glibc
import HistoryChecker
import Synchronization

/// Writes down what several clients ask and what they are told.
final class HistoryRecorder: Sendable {
    private struct State {
        var history = History()
        var refused: Set<Int> = []
    }

    private let state = Mutex(State())

    /// Everything but what was refused.
    var history: History {
        state.withLock { state in
            History(
                operations: state.history.operations.indices.filter { !state.refused.contains($0) }
                    .map { state.history.operations[$0] })
        }
    }

    /// To be called before the request is sent. Returns the operation's number.
    func begin(_ client: Int, _ exchange: History.Exchange) -> Int {
        let now = Self.now()
        return state.withLock { state in
            state.history.operations.append(
                History.Operation(client: client, invoked: now, completed: nil, exchange))
            return state.history.operations.count - 1
        }
    }

    /// To be called after the answer has come.
    func end(_ operation: Int, _ exchange: History.Exchange) {
        let now = Self.now()
        state.withLock { state in
            state.history.operations[operation].completed = now
            state.history.operations[operation].exchange = exchange
        }
    }

    /// The server said that it did nothing of it.
    func refuse(_ operation: Int) {
        state.withLock { state in _ = state.refused.insert(operation) }
    }

    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
