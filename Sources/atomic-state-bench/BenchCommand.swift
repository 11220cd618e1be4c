internal import ArgumentParser
internal import AtomicStateClient
internal import AtomicStateProtocol
internal import Foundation

/// The load generator's command line.
@main
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "atomic-state-bench",
        abstract: "Drives a server with transactions, and checks that it kept every one of them.",
        discussion: """
            The server needs the schema of the scenario and a fresh data folder; nobody else may use \
            it meanwhile. The exit code is 0 only if the server's state is exactly what it \
            acknowledged.
            """)

    @Option(help: "The server's address, host:port.", transform: serverAddress)
    var server = ServerAddress(host: "127.0.0.1", port: 7400)

    @Option(help: "What the load consists of.")
    var scenario = ScenarioName.bank

    @Option(help: "Connections.")
    var workers = 4

    @Option(help: "Transactions of a batch.")
    var batch = 1_000

    @Option(help: "Batches that each worker keeps in flight.")
    var inFlight = 4

    @Option(help: "How long to run: 500ms, 20s, 10m, 1h.")
    var duration = TimeSpan(.seconds(20))

    @Option(
        help: """
            Transactions a second, sent at a steady pace whether or not the server keeps up; latency \
            counts from when a batch was to be sent. 0: each worker sends as soon as it can.
            """)
    var rate = 0.0

    @Option(help: "Accounts that the transfers of the scenario bank go between.")
    var accounts = 10_000

    @Option(help: "Teams of the scenario seats.")
    var teams = 100_000

    @Option(help: "Organizations that the teams belong to in equal parts.")
    var organizations = 100

    @Option(help: "Percent of the scenario seats' transactions that the limit rejects.")
    var rejected = 1

    @Option(help: "Extra bytes for each transaction, where the scenario can carry them.")
    var payloadBytes = 0

    @Option(help: "Threads that serve the connections.")
    var threads = 1

    @Option(
        help: "Which transactions of the load have idempotency keys of their own: each or none.")
    var keys = KeyMode.each

    @Option(help: "Determines every worker's transactions.")
    var seed: UInt64 = 1

    @Option(help: "Write the result to this file, as JSON.")
    var json: String?

    @Flag(help: "Print nothing but problems.")
    var quiet = false

    func validate() throws {
        try require(workers, "--workers", in: 1...1_024)
        try require(batch, "--batch", in: 1...ProtocolLimits.batchTransactionCountMax)
        try require(inFlight, "--in-flight", in: 1...ProtocolLimits.requestsInFlightMax)
        try require(accounts, "--accounts", in: 2...100_000_000)
        try require(teams, "--teams", in: 1...NumberedKeys.countMax)
        try require(organizations, "--organizations", in: 1...teams)
        try require(rejected, "--rejected", in: 0...100)
        try require(threads, "--threads", in: 1...256)
        guard rate == 0 || (0.001...1e9).contains(rate) else {
            throw ValidationError("--rate \(rate): expected 0, or 0.001 to 1000000000")
        }
        guard payloadBytes == 0 else {
            throw ValidationError(
                "--payload-bytes \(payloadBytes): expected 0, because the transactions of the "
                    + "scenario '\(scenario.rawValue)' have no parameter that could carry more")
        }
    }

    private func require(_ value: Int, _ flag: String, in range: ClosedRange<Int>) throws {
        guard range.contains(value) else {
            throw ValidationError(
                "\(flag) \(value): expected \(range.lowerBound) to \(range.upperBound)")
        }
    }

    func run() async throws {
        let settings = Settings(
            server: server, scenario: scenario, workerCount: workers, inFlightCount: inFlight,
            batchTransactionCount: batch, duration: duration.duration, rate: rate,
            accountCount: accounts, teamCount: teams, organizationCount: organizations,
            rejectedPercent: rejected, payloadByteCount: payloadBytes, threadCount: threads,
            keys: keys, seed: seed)
        if BuildMode.current == .debug {
            writeError("WARNING: this is a debug build; its figures say nothing about speed.")
        }
        let isQuiet = quiet
        let bench = Bench(settings: settings) { line in
            if !isQuiet { writeError(line) }
        }
        let report = try await bench.run()
        if let json { try report.write(to: json) }
        if !quiet { print(report.summary) }
        guard report.modelCheck.isPassed else {
            for difference in report.modelCheck.differences { writeError(difference) }
            throw ExitCode.failure
        }
    }
}

private func serverAddress(_ text: String) throws -> ServerAddress {
    guard let address = ServerAddress(text) else {
        throw ValidationError("expected host:port, as in 127.0.0.1:7400")
    }
    return address
}

/// Progress and problems go to standard error; standard output has the result alone.
private func writeError(_ line: String) {
    FileHandle.standardError.write(Data((line + "\n").utf8))
}
