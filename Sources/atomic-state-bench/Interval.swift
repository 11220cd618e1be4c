internal import Foundation

/// What a part of the run, about a second long, has shown.
struct Interval: Encodable, Sendable {
    /// From the start of the load to the end of this part.
    let endSeconds: Double
    let itemsPerSecond: Double
    let rejectedPerSecond: Double
    /// Of the batches answered in it; nil if there was none.
    let latencies: LatencyPercentiles?
    /// Processor seconds that this process used in a second.
    let clientCores: Double

    private enum CodingKeys: String, CodingKey {
        case endSeconds = "end_seconds"
        case itemsPerSecond = "items_per_second"
        case rejectedPerSecond = "rejected_per_second"
        case latencies = "batch_latency_ms"
        case clientCores = "client_cores"
    }

    /// For people, in one line.
    var summary: String {
        let batches = latencies.map {
            "p50 \(fixed($0.median, 2)) ms, p99 \(fixed($0.percentile99, 2)) ms"
        }
        return "\(fixed(endSeconds, 0)) s: \(grouped(Int(itemsPerSecond))) transactions/s, "
            + "\(grouped(Int(rejectedPerSecond))) rejected/s, \(batches ?? "no batch answered")"
    }
}

/// Processor time that this process has used.
func processorNanoseconds() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
}
