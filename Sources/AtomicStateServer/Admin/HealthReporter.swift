internal import AtomicStateProtocol
internal import AtomicStateStorage
internal import Synchronization

/// Whether the server is well, for probes, greetings and metrics; and whether it takes batches in, which it
/// does not while storage falls behind, so that RocksDB need not slow its writers down.
///
/// All of it is from the last look at storage.
final class HealthReporter: Sendable {
    /// The part of what makes RocksDB slow its writers down from which on no batch is taken in.
    private static let backlogShareMax = 0.8
    /// After how long a refused batch may come again: at that part, and where writers are slowed down.
    private static let retryMilliseconds = 50.0...1_000.0

    enum Phase: Int, AtomicRepresentable {
        case starting, serving, draining
    }

    private let phase = Atomic<Phase>(.starting)
    private let storage: any Storage
    private let sequencer: Sequencer
    private let statistics: Statistics
    private let lastLook: Mutex<Result<StorageHealth, StorageError>>
    private let backgroundErrors = Mutex(BackgroundErrors())
    private let clock: Clock
    /// 0 while batches are taken in.
    private let retryAfterMilliseconds = Atomic<UInt32>(0)

    /// RocksDB counts its errors and resumes by itself, so that the number alone tells of nothing that is wrong now.
    private struct BackgroundErrors {
        static let alarmNanoseconds: UInt64 = 60_000_000_000
        var count: UInt64 = 0
        /// Monotonic nanoseconds until which the last ones keep the server from being ready.
        var alarmEnd: UInt64 = 0
    }

    init(
        storage: any Storage, sequencer: Sequencer, statistics: Statistics, clock: Clock = .system
    ) {
        self.clock = clock
        self.storage = storage
        self.sequencer = sequencer
        self.statistics = statistics
        lastLook = Mutex(.success(StorageHealth()))
        look()
    }

    func enter(_ phase: Phase) {
        self.phase.store(phase, ordering: .releasing)
    }

    /// Looks at storage. To be called several times a second.
    func look() {
        let found: Result<StorageHealth, StorageError>
        do throws(StorageError) {
            found = .success(try storage.health())
        } catch {
            found = .failure(error)
        }
        lastLook.withLock { $0 = found }
        let health = try? found.get()
        if let health { noteBackgroundErrors(health.backgroundErrorCount) }
        retryAfterMilliseconds.store(
            Self.retryMilliseconds(health?.backlog.share ?? 0), ordering: .relaxed)
    }

    private func noteBackgroundErrors(_ count: UInt64) {
        let now = clock.monotonicNanoseconds
        backgroundErrors.withLock { errors in
            guard count > errors.count else { return }
            errors.count = count
            errors.alarmEnd = now + BackgroundErrors.alarmNanoseconds
        }
    }

    private static func retryMilliseconds(_ backlogShare: Double) -> UInt32 {
        guard backlogShare >= backlogShareMax else { return 0 }
        let excess = min((backlogShare - backlogShareMax) / (1 - backlogShareMax), 1)
        let range = retryMilliseconds.upperBound - retryMilliseconds.lowerBound
        return UInt32(retryMilliseconds.lowerBound + excess * range)
    }

    /// - Throws: `resourceExhausted`, with the time after which to try again, while storage falls behind.
    func requireRoom() throws(Status) {
        let milliseconds = retryAfterMilliseconds.load(ordering: .relaxed)
        guard milliseconds > 0 else { return }
        throw Status(
            .resourceExhausted, "storage falls behind: \(backlogDescription); nothing was done",
            retryAfterMilliseconds: milliseconds)
    }

    var hasStarted: Bool { phase.load(ordering: .acquiring) != .starting }
    var isServing: Bool { phase.load(ordering: .acquiring) == .serving }

    /// "ok", or why the server accepts no writes.
    var status: String {
        do throws(StorageError) {
            return status(with: try storageHealth())
        } catch {
            return error.description
        }
    }

    private func status(with storage: StorageHealth) -> String {
        switch phase.load(ordering: .acquiring) {
        case .starting: return "starting"
        case .draining: return "draining"
        case .serving: break
        }
        if clock.monotonicNanoseconds < backgroundErrors.withLock({ $0.alarmEnd }) {
            return "background errors in storage"
        }
        if storage.backlog.share >= Self.backlogShareMax {
            return "storage falls behind: \(storage.backlog.description)"
        }
        return "ok"
    }

    private var backlogDescription: String {
        (try? storageHealth())?.backlog.description ?? "its state is unknown"
    }

    var isReady: Bool {
        status == "ok"
    }

    func report() throws(Status) -> HealthReply {
        do throws(StorageError) {
            let storage = try storageHealth()
            return HealthReply(
                status: status(with: storage),
                durableSequence: statistics.durableSequence.load(ordering: .acquiring),
                queuedTransactionCount: UInt64(sequencer.transactionCount),
                columnFamilies: storage.families.map { family in
                    ColumnFamilyHealth(
                        name: family.name, level0FileCount: family.level0FileCount,
                        pendingCompactionByteCount: family.pendingCompactionByteCount,
                        memtableByteCount: family.memtableByteCount)
                },
                writesStopped: storage.writesStopped, delayedWriteRate: storage.delayedWriteRate,
                backgroundErrorCount: storage.backgroundErrorCount,
                runningCompactionCount: storage.runningCompactionCount,
                runningFlushCount: storage.runningFlushCount,
                forgottenUntilMilliseconds: statistics.forgottenUntil.load(ordering: .relaxed))
        } catch {
            throw Status(.internal, error.description)
        }
    }

    /// As of the last look.
    func storageHealth() throws(StorageError) -> StorageHealth {
        try lastLook.withLock { $0 }.get()
    }

    var queuedTransactionCount: Int { sequencer.transactionCount }
}
