internal import AtomicStateClient
internal import AtomicStateProtocol
internal import Foundation
internal import NIOCore
internal import NIOPosix

/// One run: connect, prepare, load, read back.
struct Bench: Sendable {
    /// For what is made before the load starts: in open loop, to begin late would count as latency.
    private static let leadTime = Duration.milliseconds(100)

    let settings: Settings
    /// Receives lines for people while it runs.
    let log: @Sendable (String) -> Void

    func run() async throws -> Report {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: settings.threadCount)
        do {
            let report = try await run(on: group)
            try await group.shutdownGracefully()
            return report
        } catch {
            try await group.shutdownGracefully()
            throw error
        }
    }

    private func run(on group: MultiThreadedEventLoopGroup) async throws -> Report {
        let workers = try await connect(on: group)
        let client = workers[0].client
        log("\(client.greeting.server), schema \(client.schema.name), seed \(settings.seed)")
        let scenario = try settings.scenario.scenario(schema: client.schema, settings: settings)
        let report = try await measure(scenario, with: workers)
        for worker in workers { await worker.client.close() }
        return report
    }

    private func connect(on group: MultiThreadedEventLoopGroup) async throws -> [Worker] {
        let executors = group.makeIterator().map { EventLoopTaskExecutor($0) }
        var workers: [Worker] = []
        for index in 0..<settings.workerCount {
            let executor = executors[index % executors.count]
            let client = try await AtomicStateClient.connect(
                to: settings.server, name: "atomic-state-bench worker \(index)",
                eventLoopGroup: executor.eventLoop)
            workers.append(Worker(client: client, executor: executor))
        }
        let greeting = workers[0].client.greeting
        try require(settings.inFlightCount, "--in-flight", atMost: greeting.requestsInFlightMax)
        try require(
            settings.batchTransactionCount, "--batch", atMost: greeting.batchTransactionCountMax)
        return workers
    }

    private func require(_ value: Int, _ flag: String, atMost limit: Int) throws {
        guard value <= limit else {
            throw BenchError.limitExceeded(flag: flag, value: value, limit: limit)
        }
    }

    private func measure(
        _ scenario: some Scenario, with workers: [Worker]
    ) async throws -> Report {
        let client = workers[0].client
        let ledger = SharedLedger(lastSequence: try await client.health().durableSequence)
        let session = Session(client: client, ledger: ledger)
        log("preparing \(scenario.population)")
        try await scenario.prepare(through: session)

        let startDate = Date.now + Self.leadTime.seconds
        let pace = Pace(
            start: .now + Self.leadTime, duration: settings.duration,
            batchesPerSecond: settings.rate > 0
                ? settings.rate / Double(settings.batchTransactionCount) : nil)
        let load = Load(
            scenario: scenario, settings: settings, workers: workers, ledger: ledger, pace: pace,
            measurements: Measurements(start: pace.start))
        let pauseMeter = PauseMeter()
        pauseMeter.start()
        let processorTimeBefore = processorNanoseconds()
        // Until all is read back, which is worth the wait also if the load has ended by itself.
        let watch = InterruptWatch { pace.stop() }
        defer { watch.cancel() }
        try await carryOut(load)
        let wasInterrupted = pace.wasStopped
        let pauses = pauseMeter.stop()
        let elapsed = pace.start.duration(to: .now).seconds
        let processorTime = processorNanoseconds() - processorTimeBefore
        let counts = load.measurements.counts

        log("reading the state back")
        let modelCheck = try await check(scenario, session)
        return Report(
            itemsPerSecond: Double(counts.accepted) / elapsed, itemsTotal: counts.accepted,
            rejectedTotal: counts.rejected, startDate: startDate, elapsedSeconds: elapsed,
            batchLatencies: load.measurements.latencies, pauses: pauses,
            intervals: load.measurements.intervals,
            clientProcessorNanosecondsPerItem: Double(processorTime)
                / Double(max(counts.accepted + counts.rejected, 1)),
            modelCheck: modelCheck, seed: settings.seed, buildMode: .current,
            wasInterrupted: wasInterrupted, settings: settings)
    }

    private func carryOut(_ load: Load<some Scenario>) async throws {
        try await withThrowingTaskGroup { group in
            group.addTask { await logProgress(of: load) }
            try await load.run()
            group.cancelAll()
        }
    }

    private func check(
        _ scenario: some Scenario, _ session: Session
    ) async throws -> Report.ModelCheck {
        let comparison = try await scenario.compare(through: session)
        let sequences = session.ledger.differences(
            durableSequence: try await session.client.health().durableSequence)
        return Report.ModelCheck(
            entityCount: comparison.entityCount,
            differenceCount: comparison.differenceCount + sequences.count,
            differences: sequences + comparison.descriptions)
    }

    /// One line each second, until it is cancelled.
    private func logProgress(of load: Load<some Scenario>) async {
        for second in 1... {
            do {
                try await ContinuousClock().sleep(until: load.pace.start + .seconds(second))
            } catch { return }
            log(load.measurements.endInterval().summary)
        }
    }
}
