internal import AtomicStateEngine
internal import AtomicStateProtocol
internal import AtomicStateSchema
internal import AtomicStateValues

/// A request on its way, checked against the schema: queued, carried out by the writer, and answered when its
/// group is durable.
final class WorkItem: @unchecked Sendable {  // Guarded by being handed over, not shared.
    enum Kind {
        case submit([TransactionRun], isAtomic: Bool, name: BatchName?)
        case get(type: Int, keys: ArgumentColumn, count: Int)
    }

    enum Answer {
        /// Its identity refers to memory of the request.
        case outcome(BatchOutcome)
        case told(SubmitReply)
        /// What every repetition of the batch is told.
        case remembered(RememberedReply)
        case read(ReadResult)
        case failure(Status)
    }

    let kind: Kind
    /// Owns the memory that the columns point into.
    let request: DecodedRequest
    let connection: Connection
    /// Monotonic nanoseconds; the item is not carried out later than this. Nil for no deadline.
    let deadline: UInt64?
    let transactionCount: Int
    let byteCount: Int
    /// With the most that its answer may take.
    let byteCountWithReply: Int
    /// It did not have to wait for room in the queue, and takes none.
    let isLight: Bool
    /// The different sequences of steps that its transactions have, as far as they were not looked at yet.
    var forms: ArraySlice<[TransactionStep]>
    /// Nil until the writer has carried it out.
    var answer: Answer?

    init(
        kind: Kind, request: DecodedRequest, connection: Connection, deadline: UInt64?,
        transactionCount: Int, byteCount: Int, replyByteCount: Int, isLight: Bool,
        forms: ArraySlice<[TransactionStep]>
    ) {
        self.kind = kind
        self.request = request
        self.connection = connection
        self.deadline = deadline
        self.transactionCount = transactionCount
        self.byteCount = byteCount
        byteCountWithReply = byteCount + replyByteCount
        self.isLight = isLight
        self.forms = forms
    }
}
