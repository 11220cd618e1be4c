internal import NIOCore
internal import Synchronization

/// When the next batch is to be sent, for all workers together, and when it is enough.
final class Pace: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// So that a stop is noticed soon while a worker waits.
    private static let sleepMax = Duration.milliseconds(100)

    let start: Instant
    private let deadline: Instant
    /// From one batch to the next, in open loop.
    private let interval: Duration?
    private let sentCount = Atomic(0)
    private let isStopped = Atomic(false)

    /// - Parameter start: when the first batches are to be sent.
    /// - Parameter batchesPerSecond: nil for closed loop, in which each worker sends as soon as it
    ///   can.
    init(start: Instant, duration: Duration, batchesPerSecond: Double?) {
        self.start = start
        deadline = start + duration
        interval = batchesPerSecond.map { .seconds(1 / $0) }
    }

    /// Ends the run; batches in flight are still awaited.
    func stop() {
        isStopped.store(true, ordering: .relaxed)
    }

    /// Waits for the next batch's turn. Returns when it was meant to be sent, or nil when the run is
    /// over.
    ///
    /// In open loop that moment may have passed, because the server did not keep up. Latency is
    /// measured from it all the same, and what was due before the run's end is sent after it: otherwise
    /// the batches that could not be sent would not count ("coordinated omission").
    ///
    /// - Parameter eventLoop: of the caller. Its timer is used, because the way of `Task.sleep` leads over
    ///   two more threads, and would count as latency.
    func nextStart(on eventLoop: any EventLoop) async throws -> Instant? {
        let intended =
            interval.map { start + $0 * sentCount.wrappingAdd(1, ordering: .relaxed).oldValue }
            ?? start
        while !wasStopped, intended < deadline {
            let now = Instant.now
            let remaining = now.duration(to: intended)
            if remaining <= .zero {
                guard interval == nil else { return intended }
                return now < deadline ? now : nil
            }
            try await eventLoop.scheduleTask(in: TimeAmount(min(remaining, Self.sleepMax))) {}
                .futureResult.get()
        }
        return nil
    }

    /// Whether it was ended before its time.
    var wasStopped: Bool { isStopped.load(ordering: .relaxed) }
}
