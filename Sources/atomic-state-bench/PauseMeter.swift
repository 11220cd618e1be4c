internal import Foundation
internal import Histogram
internal import Synchronization

/// How long the machine keeps a thread waiting that does nothing but sleep: a share of each latency that is
/// not the server's. Virtual machines are stopped for others now and then, and processors are busy.
///
/// As jHiccup does it, the waiting is of every moment: a pause of 5 ms counts for the threads, too, that
/// would have woken up during it.
final class PauseMeter: Sendable {
    private static let intervalNanoseconds: UInt64 = 1_000_000

    private let pauses = Mutex(Histogram<UInt64>(numberOfSignificantValueDigits: .three))
    private let isStopped = Atomic<Bool>(false)

    func start() {
        let thread = Thread { [self] in
            while !isStopped.load(ordering: .relaxed) { measure() }
        }
        thread.name = "pauses"
        thread.start()
    }

    func stop() -> LatencyPercentiles {
        isStopped.store(true, ordering: .relaxed)
        return pauses.withLock { LatencyPercentiles($0) }
    }

    private func measure() {
        let start = ContinuousClock.now
        var interval = timespec(tv_sec: 0, tv_nsec: Int(Self.intervalNanoseconds))
        nanosleep(&interval, nil)
        let slept = UInt64(start.duration(to: .now).nanoseconds)
        let pause = slept - min(slept, Self.intervalNanoseconds)
        pauses.withLock { pauses in
            _ = pauses.recordCorrectedValue(
                max(pause, 1), expectedInterval: Self.intervalNanoseconds)
        }
    }
}
