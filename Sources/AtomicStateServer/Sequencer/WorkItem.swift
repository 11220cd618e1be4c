internal import AtomicStateEngine
internal import AtomicStateProtocol
internal import AtomicStateSchema
internal import AtomicStateValues

/// A request on its way through the writer, checked against the schema.
struct WorkItem {
    enum Kind {
        case submit([TransactionRun], isAtomic: Bool, name: BatchName?)
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
    /// The different sequences of steps that its transactions have, as far as they were not looked at yet.
    var forms: ArraySlice<[TransactionStep]>
}

/// An answer that waits for its group to be durable.
struct PendingReply {
    enum Body {
        /// The request owns memory that the outcome's identity refers to.
        case outcome(BatchOutcome, of: DecodedRequest)
        case told(SubmitReply)
        /// What every repetition of the batch is told.
        case remembered(RememberedReply)
        case read(ReadResult)
        case failure(Status)
    }

    let connection: Connection
    let requestID: UInt64
    var body: Body
}
