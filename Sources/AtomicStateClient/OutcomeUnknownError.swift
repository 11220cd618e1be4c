public import AtomicStateProtocol
public import AtomicStateValues

/// A batch was carried out whole, or not at all, and it can't be known which: the server may have got
/// it, and did not say.
///
/// The caller can read the state and decide, or repeat transactions that have idempotency keys
/// (`Transaction.key`), which is harmless. Without keys, submitting them again may carry them out twice.
public struct OutcomeUnknownError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The name that the batch was sent under.
    public let batch: BatchName
    public let reason: Reason

    /// Why it was not repeated any more.
    public enum Reason: Sendable, Equatable {
        /// The call's deadline has passed.
        case deadlinePassed
        /// The caller's task was cancelled.
        case cancelled
        /// There is no connection, and no time or no attempt left.
        case connection(ConnectionError)
        /// The server's answer to the last attempt, which says nothing of the ones before.
        case status(Status)
    }

    public var description: String {
        let reason =
            switch reason {
            case .deadlinePassed: "the deadline has passed"
            case .cancelled: "the task was cancelled"
            case .connection(let error): "\(error)"
            case .status(let status): "\(status)"
            }
        return "the batch may have been carried out or not: \(reason)"
    }
}
