internal import AtomicStateEngine
internal import Synchronization

/// What the server counts, for its probes and metrics. Each number is written by one thread and read
/// by any.
final class Statistics: Sendable {
    /// Transactions since the start, by outcome.
    let acceptedCount = Atomic<UInt64>(0)
    let rejectedCount = Atomic<UInt64>(0)
    let batchCount = Atomic<UInt64>(0)
    /// Transactions and batches since the start that had been carried out before.
    let repeatedTransactionCount = Atomic<UInt64>(0)
    let repeatedBatchCount = Atomic<UInt64>(0)
    /// Groups that were written and synced; those that only read are not counted.
    let commitGroupCount = Atomic<UInt64>(0)
    /// Of journal records, before RocksDB's own overhead.
    let journalByteCount = Atomic<UInt64>(0)
    /// Of outcome records, the same.
    let outcomeByteCount = Atomic<UInt64>(0)
    /// The time of RocksDB's writes, sync included.
    let commitNanoseconds = Atomic<UInt64>(0)
    let commitNanosecondsMax = Atomic<UInt64>(0)
    /// The last sequence that is on disk.
    let durableSequence = Atomic<UInt64>(0)
    /// The sequence that the rows family is complete up to: a restart replays from here.
    let rowsCompleteSequence = Atomic<UInt64>(0)
    /// Images of rows that are to be stored.
    let waitingRowByteCount = Atomic<Int>(0)
    let entityCount = Atomic<UInt64>(0)
    /// Memory of rows, indices and texts.
    let stateByteCount = Atomic<UInt64>(0)
    /// Keyed transactions and named batches whose outcomes are known, the memory of their tables, and the
    /// time until which others may be forgotten, in milliseconds since 1970-01-01T00:00:00Z.
    let rememberedOutcomeCount = Atomic<UInt64>(0)
    let outcomeTableByteCount = Atomic<UInt64>(0)
    let forgottenUntil = Atomic<UInt64>(0)
    /// The last group's time for new names and keys; see `Engine.nameMilliseconds`.
    let nameMilliseconds = Atomic<UInt64>(0)
    /// Requests that were malformed, or against the protocol.
    let refusedRequestCount = Atomic<UInt64>(0)
    /// Connections that the server ended, by cause.
    private let endedConnectionCounts = Mutex<[ConnectionEnd: UInt64]>([:])
    /// Requests to the admin port that were too many, too large or too slow.
    let refusedAdminRequestCount = Atomic<UInt64>(0)

    func noteEnd(_ cause: ConnectionEnd) {
        endedConnectionCounts.withLock { $0[cause, default: 0] += 1 }
    }

    /// Each cause, with how many connections it ended.
    var endedConnections: [(ConnectionEnd, UInt64)] {
        let counts = endedConnectionCounts.withLock { $0 }
        return ConnectionEnd.allCases.map { ($0, counts[$0] ?? 0) }
    }

    func noteBatch(_ outcome: BatchOutcome) {
        acceptedCount.add(UInt64(outcome.acceptedCount), ordering: .relaxed)
        rejectedCount.add(UInt64(outcome.rejections.count), ordering: .relaxed)
        batchCount.add(1, ordering: .relaxed)
        let repeated = outcome.duplicates.count + outcome.repeatedRejections.count
        if repeated > 0 { repeatedTransactionCount.add(UInt64(repeated), ordering: .relaxed) }
    }

    func noteCommit(durableSequence: UInt64, byteCount: Int, nanoseconds: UInt64) {
        self.durableSequence.store(durableSequence, ordering: .releasing)
        commitGroupCount.add(1, ordering: .relaxed)
        journalByteCount.add(UInt64(byteCount), ordering: .relaxed)
        commitNanoseconds.add(nanoseconds, ordering: .relaxed)
        commitNanosecondsMax.max(nanoseconds, ordering: .relaxed)
    }

    func noteRowsComplete(sequence: UInt64) {
        rowsCompleteSequence.store(sequence, ordering: .relaxed)
    }

    func noteState(_ engine: inout Engine) {
        entityCount.store(UInt64(engine.entityCount), ordering: .relaxed)
        stateByteCount.store(UInt64(engine.byteCount), ordering: .relaxed)
        rememberedOutcomeCount.store(UInt64(engine.outcomes.count), ordering: .relaxed)
        outcomeTableByteCount.store(UInt64(engine.outcomes.byteCount), ordering: .relaxed)
        forgottenUntil.store(engine.outcomes.forgottenUntil, ordering: .relaxed)
        nameMilliseconds.store(engine.nameMilliseconds, ordering: .relaxed)
    }
}

/// Why the server ended a connection.
enum ConnectionEnd: String, CaseIterable {
    /// As many as may be were open.
    case limit
    /// What came was malformed, or against the protocol.
    case `protocol`
    /// A greeting, the rest of a frame, the taking of answers, or the next request took too long.
    case timeout
    /// All connections together held too much, and this one most.
    case memory
}
