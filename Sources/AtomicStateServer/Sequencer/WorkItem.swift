internal import AtomicStateEngine
internal import AtomicStateProtocol

/// A request on its way through the writer, checked against the schema.
struct WorkItem {
    enum Kind {
        case submit([TransactionRun], isAtomic: Bool)
        case get(type: Int, keys: ArgumentColumn, count: Int)
    }

    let kind: Kind
    /// Owns the memory that the columns point into.
    let request: DecodedRequest
    let connection: Connection
    /// Monotonic nanoseconds; the item is not carried out later than this. Nil for no deadline.
    let deadline: UInt64?
    let transactionCount: Int
    let byteCount: Int
}

/// An answer that waits for its group to be durable.
struct PendingReply {
    enum Body {
        case outcome(BatchOutcome)
        case read(ReadResult)
        case failure(Status)
    }

    let connection: Connection
    let requestID: UInt64
    let body: Body
}
