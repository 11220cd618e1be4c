internal import AtomicStateClient
internal import AtomicStateProtocol
internal import Synchronization

/// A client whose acknowledgements are checked: every reply must account for every transaction of
/// its batch, and every accepted transaction must have a sequence of its own.
struct Session: Sendable {
    let client: AtomicStateClient
    let ledger: SharedLedger

    /// A batch that had to be sent again has its first reply, so that none of its transactions, whose
    /// keys nobody else has, is ever told as a duplicate.
    func submit(_ batch: [Run]) async throws -> SubmitReply {
        let reply = try await client.submit(batch)
        let transactionCount = batch.reduce(0) { $0 + $1.transactionCount }
        guard reply.acceptedCount + reply.rejections.count == transactionCount else {
            throw BenchError.incompleteReply(
                acceptedCount: reply.acceptedCount, rejectedCount: reply.rejections.count,
                transactionCount: transactionCount)
        }
        if reply.acceptedCount > 0 {
            ledger.add(first: reply.firstSequence, count: reply.acceptedCount)
        }
        return reply
    }

    /// Submits a batch whose transactions must all be accepted.
    func prepare(_ batch: [Run]) async throws {
        if let rejection = try await submit(batch).rejections.first {
            throw BenchError.preparationRejected(
                "\(rejection.rule) \(rejection.entityType) \(rejection.entityKey): "
                    + rejection.message)
        }
    }

    /// Carries `body` out for 0..<count in consecutive chunks, as many at once as are allowed in
    /// flight.
    func forEachChunk(
        of count: Int, chunkCountMax: Int,
        _ body: @escaping @Sendable (Range<Int>) async throws -> Void
    ) async throws {
        let chunkCount = (count + chunkCountMax - 1) / chunkCountMax
        let next = SharedCounter()
        try await withThrowingTaskGroup { group in
            for _ in 0..<min(chunkCount, client.greeting.requestsInFlightMax) {
                group.addTask {
                    while case let chunk = next.increment(), chunk < chunkCount {
                        let start = chunk * chunkCountMax
                        try await body(start..<min(start + chunkCountMax, count))
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}

/// Counts for several tasks.
final class SharedCounter: Sendable {
    private let value = Atomic(0)

    /// The value before.
    func increment() -> Int {
        value.wrappingAdd(1, ordering: .relaxed).oldValue
    }
}

/// A `SequenceLedger` for several tasks.
final class SharedLedger: Sendable {
    private let ledger: Mutex<SequenceLedger>

    init(lastSequence: UInt64) {
        ledger = Mutex(SequenceLedger(lastSequence: lastSequence))
    }

    func add(first: UInt64, count: Int) {
        ledger.withLock { $0.add(first: first, count: UInt64(count)) }
    }

    func differences(durableSequence: UInt64) -> [String] {
        ledger.withLock { $0.differences(durableSequence: durableSequence) }
    }
}
