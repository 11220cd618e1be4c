/// Why there is no connection, or none any more.
///
/// A submit that failed with `lost` or `closed` may have been carried out or not.
public enum ConnectionError: Error, Sendable, Equatable, CustomStringConvertible {
    /// No server of Atomic State answers at the address.
    case unreachable(ServerAddress, reason: String)
    /// The connection ended while requests were in flight, or before this one was sent.
    case lost(reason: String)
    /// This client was closed.
    case closed

    public var description: String {
        switch self {
        case .unreachable(let address, let reason): "no server at \(address): \(reason)"
        case .lost(let reason): "the connection is lost: \(reason)"
        case .closed: "the client is closed"
        }
    }
}
