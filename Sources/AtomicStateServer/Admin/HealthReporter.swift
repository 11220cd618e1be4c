internal import AtomicStateProtocol
internal import AtomicStateStorage
internal import Synchronization

/// Whether the server is well, for probes, greetings and metrics.
final class HealthReporter: Sendable {
    /// RocksDB slows its writers down at 20 level-0 files; from here on the server says so.
    private static let level0FileCountHigh: UInt64 = 16

    enum Phase: Int, AtomicRepresentable {
        case starting, serving, draining
    }

    private let phase = Atomic<Phase>(.starting)
    private let storage: any Storage
    private let sequencer: Sequencer
    private let statistics: Statistics

    init(storage: any Storage, sequencer: Sequencer, statistics: Statistics) {
        self.storage = storage
        self.sequencer = sequencer
        self.statistics = statistics
    }

    func enter(_ phase: Phase) {
        self.phase.store(phase, ordering: .releasing)
    }

    var hasStarted: Bool { phase.load(ordering: .acquiring) != .starting }

    /// "ok", or why the server accepts no writes or is about to slow them.
    var status: String {
        do throws(StorageError) {
            return status(with: try storage.health())
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
        if storage.writesStopped { return "writes stopped by compaction" }
        if storage.delayedWriteRate > 0 { return "writes slowed down by compaction" }
        if storage.backgroundErrorCount > 0 { return "background errors in storage" }
        if storage.level0FileCountMax >= Self.level0FileCountHigh { return "many level-0 files" }
        return "ok"
    }

    var isReady: Bool {
        status == "ok"
    }

    func report() throws(Status) -> HealthReply {
        do throws(StorageError) {
            let storage = try self.storage.health()
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

    func storageHealth() throws(StorageError) -> StorageHealth { try storage.health() }

    var queuedTransactionCount: Int { sequencer.transactionCount }
}
