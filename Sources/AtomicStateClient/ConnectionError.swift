public import AtomicStateProtocol

/// Why there is no connection, or none any more.
///
/// A submit throws it only if nothing of it was done; otherwise it throws `OutcomeUnknownError`.
public enum ConnectionError: Error, Sendable, Equatable, CustomStringConvertible {
    /// No server of Atomic State answers at the address.
    case unreachable(ServerAddress, reason: String)
    /// The connection ended.
    case lost(reason: String)
    /// The server that answers by now does not fit this client, mostly because its schema is another
    /// one: connect anew.
    case refused(Status)
    /// This client was closed.
    case closed

    public var description: String {
        switch self {
        case .unreachable(let address, let reason): "no server at \(address): \(reason)"
        case .lost(let reason): "the connection is lost: \(reason)"
        case .refused(let status): "the server does not fit this client any more: \(status)"
        case .closed: "the client is closed"
        }
    }
}
