internal import ArgumentParser
internal import AtomicStateClient

/// What was asked for.
struct Settings: Sendable, Encodable {
    let server: ServerAddress
    let scenario: ScenarioName
    let workerCount: Int
    /// Batches in flight for each worker.
    let inFlightCount: Int
    /// Transactions of a batch.
    let batchTransactionCount: Int
    let duration: Duration
    /// Transactions a second, in open loop; 0 for closed loop.
    let rate: Double
    /// Of the bank.
    let accountCount: Int
    /// Of the seats, dealt out evenly to the organizations.
    let teamCount: Int
    let organizationCount: Int
    /// Of the seats' transactions, once the limits are reached.
    let rejectedPercent: Int
    let payloadByteCount: Int
    let threadCount: Int
    let keys: KeyMode
    let seed: UInt64

    private enum CodingKeys: String, CodingKey {
        case server, scenario
        case workerCount = "workers"
        case inFlightCount = "in_flight"
        case batchTransactionCount = "batch"
        case duration = "duration_seconds"
        case rate
        case accountCount = "accounts"
        case teamCount = "teams"
        case organizationCount = "organizations"
        case rejectedPercent = "rejected"
        case payloadByteCount = "payload_bytes"
        case threadCount = "threads"
        case keys
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode("\(server)", forKey: .server)
        try container.encode(scenario, forKey: .scenario)
        try container.encode(workerCount, forKey: .workerCount)
        try container.encode(inFlightCount, forKey: .inFlightCount)
        try container.encode(batchTransactionCount, forKey: .batchTransactionCount)
        try container.encode(duration.seconds, forKey: .duration)
        try container.encode(rate, forKey: .rate)
        switch scenario {
        case .bank:
            try container.encode(accountCount, forKey: .accountCount)
        case .seats:
            try container.encode(teamCount, forKey: .teamCount)
            try container.encode(organizationCount, forKey: .organizationCount)
            try container.encode(rejectedPercent, forKey: .rejectedPercent)
        }
        try container.encode(payloadByteCount, forKey: .payloadByteCount)
        try container.encode(threadCount, forKey: .threadCount)
        try container.encode(keys, forKey: .keys)
    }
}

/// Which transactions of the load have idempotency keys.
enum KeyMode: String, CaseIterable, ExpressibleByArgument, Encodable {
    /// Each has one of its own.
    case each
    case none
}

extension Duration {
    var seconds: Double { self / .seconds(1) }

    /// Whole nanoseconds; nothing here lasts the 292 years that 64 bits hold.
    var nanoseconds: Int64 {
        components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
    }
}
