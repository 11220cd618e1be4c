internal import Foundation

/// What a run has shown, as `--json` writes it: the keys of the benchmark's report that the load
/// generator knows.
struct Report: Encodable {
    /// Transactions that were accepted, and so durable, in a second of the load.
    let itemsPerSecond: Double
    let itemsTotal: Int
    let rejectedTotal: Int
    /// When the load began. Written as seconds since 1970, as the driver's samples are.
    let startDate: Date
    let elapsedSeconds: Double
    let batchLatencies: LatencyPercentiles
    /// What a thread that only sleeps was kept waiting meanwhile.
    let pauses: LatencyPercentiles
    /// One for each second.
    let intervals: [Interval]
    /// Processor time of this process for each transaction, accepted or rejected.
    let clientProcessorNanosecondsPerItem: Double
    let modelCheck: ModelCheck
    let seed: UInt64
    let buildMode: BuildMode
    let wasInterrupted: Bool
    let settings: Settings

    enum CodingKeys: String, CodingKey {
        case itemsPerSecond = "items_per_second"
        case itemsTotal = "items_total"
        case rejectedTotal = "rejected_total"
        case startDate = "start_unix_seconds"
        case elapsedSeconds = "elapsed_seconds"
        case batchLatencies = "batch_latency_ms"
        case pauses = "pause_ms"
        case intervals
        case clientProcessorNanosecondsPerItem = "client_cpu_ns_per_item"
        case modelCheck = "model_check"
        case seed
        case buildMode = "build_mode"
        case wasInterrupted = "interrupted"
        case settings
    }

    /// How the server's state compares with what it acknowledged.
    struct ModelCheck: Encodable {
        let entityCount: Int
        let differenceCount: Int
        /// The first ones, in words.
        let differences: [String]

        var isPassed: Bool { differenceCount == 0 }

        enum CodingKeys: String, CodingKey {
            case isPassed = "passed"
            case entityCount = "entities"
            case differenceCount = "difference_count"
            case differences
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(isPassed, forKey: .isPassed)
            try container.encode(entityCount, forKey: .entityCount)
            try container.encode(differenceCount, forKey: .differenceCount)
            try container.encode(differences, forKey: .differences)
        }
    }

    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .secondsSince1970
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try encoder.encode(self).write(to: URL(fileURLWithPath: path))
    }

    /// For people, in a few lines.
    var summary: String {
        let latencies = batchLatencies
        return """
            accepted     \(grouped(itemsTotal)) transactions in \(fixed(elapsedSeconds, 1)) s, \
            \(grouped(Int(itemsPerSecond)))/s
            rejected     \(grouped(rejectedTotal))
            batches      p50 \(fixed(latencies.median, 2)) ms, p90 \(fixed(latencies.percentile90, 2)) ms, \
            p99 \(fixed(latencies.percentile99, 2)) ms, p99.9 \(fixed(latencies.percentile999, 2)) ms, \
            max \(fixed(latencies.maximum, 2)) ms
            machine      kept a thread that only sleeps waiting for p50 \(fixed(pauses.median, 2)) ms, \
            p99 \(fixed(pauses.percentile99, 2)) ms, max \(fixed(pauses.maximum, 2)) ms
            client       \(fixed(clientProcessorNanosecondsPerItem, 0)) ns of processor time a transaction
            model check  \(modelCheck.isPassed ? "passed" : "FAILED"): \
            \(grouped(modelCheck.entityCount)) entities read back, \
            \(grouped(modelCheck.differenceCount)) differences
            """
    }
}

enum BuildMode: String, Encodable {
    case debug, release

    static var current: BuildMode {
        #if DEBUG
            .debug
        #else
            .release
        #endif
    }
}

/// With a comma between groups of three digits.
func grouped(_ number: Int) -> String {
    var text = String(number.magnitude)
    var position = text.endIndex
    while text.distance(from: text.startIndex, to: position) > 3 {
        position = text.index(position, offsetBy: -3)
        text.insert(",", at: position)
    }
    return number < 0 ? "-" + text : text
}

func fixed(_ number: Double, _ fractionDigitCount: Int) -> String {
    String(format: "%.\(fractionDigitCount)f", number)
}
