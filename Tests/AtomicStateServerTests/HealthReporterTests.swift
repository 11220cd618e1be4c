import AtomicStateProtocol
import AtomicStateStorage
import Synchronization
import Testing

@testable import AtomicStateServer

/// Batches are refused before RocksDB slows its writers down, and for as long as it is near that.
@Suite struct HealthReporterTests {
    private let storage = SimulatedStorage(seed: 1)

    private func reporter() -> HealthReporter {
        let reporter = HealthReporter(
            storage: storage, sequencer: Sequencer(), statistics: Statistics())
        reporter.enter(.serving)
        return reporter
    }

    private static func family(
        level0: UInt64 = 0, pending: UInt64 = 0, memtables: UInt64 = 0
    ) -> StorageHealth {
        var health = StorageHealth()
        health.families = [
            .init(name: "rows"),
            .init(
                name: "journal", level0FileCount: level0, pendingCompactionByteCount: pending,
                memtableByteCount: memtables),
        ]
        return health
    }

    /// RocksDB slows writers down at 20 files, 64 GiB, and three memtables of 64 MiB.
    @Test(arguments: [
        (family(level0: 15), family(level0: 16), "journal has 16 level-0 files"),
        (family(pending: 51 << 30), family(pending: 52 << 30), "bytes to compact"),
        (family(memtables: 153 << 20), family(memtables: 154 << 20), "bytes in memtables"),
    ])
    func aBacklogRefusesBatches(few: StorageHealth, many: StorageHealth, reason: String) throws {
        let reporter = reporter()
        storage.reportedHealth = few
        reporter.look()
        try reporter.requireRoom()
        #expect(reporter.isReady)

        storage.reportedHealth = many
        reporter.look()
        let refusal = #expect(throws: Status.self) { try reporter.requireRoom() }
        #expect(refusal?.code == .resourceExhausted)
        #expect(refusal?.message.contains(reason) == true, "\(refusal as Any)")
        #expect((50..<150).contains(refusal?.retryAfterMilliseconds ?? 0))
        #expect(reporter.status.contains(reason) && !reporter.isReady)

        storage.reportedHealth = few
        reporter.look()
        try reporter.requireRoom()
        #expect(reporter.status == "ok")
    }

    /// RocksDB's count of them never falls.
    @Test func backgroundErrorsAreAnAlarmForAWhile() throws {
        let seconds = Mutex<UInt64>(100)
        let clock = Clock(
            monotonicNanoseconds: { seconds.withLock { $0 } * 1_000_000_000 },
            wallMicroseconds: { 0 })
        let reporter = HealthReporter(
            storage: storage, sequencer: Sequencer(), statistics: Statistics(), clock: clock)
        reporter.enter(.serving)
        for count: UInt64 in 1...2 {
            storage.reportedHealth.backgroundErrorCount = count
            reporter.look()
            #expect(reporter.status == "background errors in storage" && !reporter.isReady)
            seconds.withLock { $0 += 59 }
            reporter.look()
            #expect(!reporter.isReady)
            seconds.withLock { $0 += 1 }
            reporter.look()
            #expect(reporter.isReady)
        }
    }

    @Test func writersThatAreSlowedDownAreWaitedForLongest() throws {
        let reporter = reporter()
        storage.reportedHealth.delayedWriteRate = 16 << 20
        reporter.look()
        let refusal = #expect(throws: Status.self) { try reporter.requireRoom() }
        #expect(refusal?.retryAfterMilliseconds == 1_000)
    }
}
