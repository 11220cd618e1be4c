internal import AtomicStateProtocol
internal import Histogram
internal import Synchronization

/// What is measured while the load runs, in all and for each second.
final class Measurements: Sendable {
    private struct State {
        var total = Tally()
        /// Since the last interval ended.
        var current = Tally()
        /// Empty, for the next interval; nil while the one before is summed up.
        var spare: Tally? = Tally()
        var intervals: [Interval] = []
        var intervalStart: ContinuousClock.Instant
        var intervalStartProcessorNanoseconds = processorNanoseconds()
    }

    private struct Tally {
        var acceptedCount = 0
        var rejectedCount = 0
        /// Large enough from the beginning: to grow holds replies up for milliseconds.
        var latencies = Histogram<UInt64>(
            highestTrackableValue: Self.trackedNanoseconds, numberOfSignificantValueDigits: .three)

        /// An hour. What takes longer makes the histogram grow.
        private static let trackedNanoseconds: UInt64 = 3_600_000_000_000

        init() {
            latencies.autoResize = true
        }

        mutating func add(_ reply: SubmitReply, latencyNanoseconds: UInt64) {
            acceptedCount += reply.acceptedCount
            rejectedCount += reply.rejections.count
            latencies.record(latencyNanoseconds)
        }

        mutating func reset() {
            acceptedCount = 0
            rejectedCount = 0
            latencies.reset()
        }
    }

    private let start: ContinuousClock.Instant
    private let state: Mutex<State>

    init(start: ContinuousClock.Instant) {
        self.start = start
        state = Mutex(State(intervalStart: start))
    }

    func add(_ reply: SubmitReply, latency: Duration) {
        let nanoseconds = UInt64(max(latency.nanoseconds, 1))
        state.withLock { state in
            state.total.add(reply, latencyNanoseconds: nanoseconds)
            state.current.add(reply, latencyNanoseconds: nanoseconds)
        }
    }

    /// Ends an interval, and begins the next.
    func endInterval() -> Interval {
        let (now, processorTime) = (ContinuousClock.now, processorNanoseconds())
        // What takes long is done without the lock, for which replies would wait.
        var (ended, seconds, processorTimeUsed) = state.withLock { state in
            let ended = state.current
            state.current = state.spare.take() ?? Tally()
            let seconds = state.intervalStart.duration(to: now).seconds
            let processorTimeUsed = processorTime - state.intervalStartProcessorNanoseconds
            state.intervalStart = now
            state.intervalStartProcessorNanoseconds = processorTime
            return (ended, seconds, processorTimeUsed)
        }
        let interval = Interval(
            endSeconds: start.duration(to: now).seconds,
            itemsPerSecond: Double(ended.acceptedCount) / seconds,
            rejectedPerSecond: Double(ended.rejectedCount) / seconds,
            latencies: ended.latencies.totalCount > 0 ? LatencyPercentiles(ended.latencies) : nil,
            clientCores: Double(processorTimeUsed) / 1e9 / seconds)
        ended.reset()
        state.withLock { state in
            state.spare = ended
            state.intervals.append(interval)
        }
        return interval
    }

    var counts: (accepted: Int, rejected: Int) {
        state.withLock { ($0.total.acceptedCount, $0.total.rejectedCount) }
    }

    /// From when a batch was sent, or was to be sent, to its reply.
    var latencies: LatencyPercentiles {
        state.withLock { LatencyPercentiles($0.total.latencies) }
    }

    /// Those that have ended.
    var intervals: [Interval] {
        state.withLock { $0.intervals }
    }
}

/// In milliseconds.
struct LatencyPercentiles: Encodable {
    let median: Double
    let percentile90: Double
    let percentile99: Double
    let percentile999: Double
    let maximum: Double

    private enum CodingKeys: String, CodingKey {
        case median = "p50"
        case percentile90 = "p90"
        case percentile99 = "p99"
        case percentile999 = "p999"
        case maximum = "max"
    }

    init(_ nanoseconds: Histogram<UInt64>) {
        func milliseconds(_ percentile: Double) -> Double {
            Double(nanoseconds.valueAtPercentile(percentile)) / 1_000_000
        }
        median = milliseconds(50)
        percentile90 = milliseconds(90)
        percentile99 = milliseconds(99)
        percentile999 = milliseconds(99.9)
        maximum = Double(nanoseconds.maxRecorded) / 1_000_000
    }
}
