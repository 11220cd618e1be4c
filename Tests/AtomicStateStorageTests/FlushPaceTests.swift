import Testing

@testable import AtomicStateStorage

@Suite struct FlushPaceTests {
    private let start = ContinuousClock.now

    @Test func limitFollowsWhatIsWritten() {
        var pace = FlushPace(now: start)
        #expect(pace.limit(afterWriting: 5_000_000, now: start + .milliseconds(60)) == nil)
        // 10 MB in 0.1 s.
        #expect(pace.limit(afterWriting: 5_000_000, now: start + .milliseconds(100)) == 150_000_000)
        #expect(pace.limit(afterWriting: 1, now: start + .milliseconds(199)) == nil)
        // 40 MB in 0.2 s.
        #expect(
            pace.limit(afterWriting: 39_999_999, now: start + .milliseconds(300)) == 300_000_000)
    }

    /// A load in waves keeps the limit of its crests for a while.
    @Test func limitFallsSlowly() {
        let limits = limits(forBytesPerInterval: [10_000_000] + Array(repeating: 1_000, count: 40))
        #expect(limits[1] == 135_000_000)
        #expect(limits[10] < limits[0] / 2 && limits[10] > limits[0] / 4)
        #expect(limits.last == Int64(FlushPace.bytesPerSecondMin))
    }

    /// While a memtable is flushed, the next does not fill.
    @Test func flushesAreFasterThanWrites() {
        let byteCounts = [100, 1_000_000, 3_000_000, 20_000_000]
        for (byteCount, limit) in zip(byteCounts, limits(forBytesPerInterval: byteCounts)) {
            let written = Double(byteCount) / (FlushPace.timeBetweenChanges / .seconds(1))
            #expect(Double(limit) >= 1.4 * written)
        }
    }

    private func limits(forBytesPerInterval byteCounts: [Int]) -> [Int64] {
        var pace = FlushPace(now: start)
        var now = start
        return byteCounts.compactMap { byteCount in
            now += FlushPace.timeBetweenChanges
            return pace.limit(afterWriting: byteCount, now: now)
        }
    }
}
