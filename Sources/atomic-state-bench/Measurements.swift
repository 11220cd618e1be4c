internal import AtomicStateProtocol
internal import Histogram
internal import Synchronization

/// What is measured while the load runs.
final class Measurements: Sendable {
    private struct State {
        var acceptedCount = 0
        var rejectedCount = 0
        var latencies = Histogram<UInt64>(numberOfSignificantValueDigits: .three)
    }

    private let state = Mutex(State())

    func add(_ reply: SubmitReply, latency: Duration) {
        state.withLock { state in
            state.acceptedCount += reply.acceptedCount
            state.rejectedCount += reply.rejections.count
            state.latencies.record(UInt64(max(latency.nanoseconds, 1)))
        }
    }

    var counts: (accepted: Int, rejected: Int) {
        state.withLock { ($0.acceptedCount, $0.rejectedCount) }
    }

    var latencies: BatchLatencies {
        state.withLock { BatchLatencies($0.latencies) }
    }
}

/// Milliseconds from when a batch was sent, or was to be sent, to its reply.
struct BatchLatencies: Encodable {
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
