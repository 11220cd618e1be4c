internal import Synchronization

/// The open connections.
final class ConnectionTable: Sendable {
    private let connections = Mutex<[ObjectIdentifier: Connection]>([:])

    func add(_ connection: Connection) {
        connections.withLock { $0[ObjectIdentifier(connection)] = connection }
    }

    func remove(_ connection: Connection) {
        _ = connections.withLock { $0.removeValue(forKey: ObjectIdentifier(connection)) }
    }

    var count: Int { connections.withLock { $0.count } }

    var all: [Connection] { connections.withLock { Array($0.values) } }

    /// Returns when all connections are closed, or the time is over.
    func waitUntilEmpty(seconds: Int) async {
        let deadline = ContinuousClock.now.advanced(by: .seconds(seconds))
        while count > 0 && ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(5))
        }
    }
}
