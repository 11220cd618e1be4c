internal import AtomicStateClient
internal import AtomicStateProtocol
internal import NIOCore

/// A connection, and where its tasks run.
struct Worker {
    let client: AtomicStateClient
    let executor: EventLoopTaskExecutor
}

/// The load itself: every worker keeps several batches in flight.
struct Load<Work: Scenario> {
    let scenario: Work
    let settings: Settings
    let workers: [Worker]
    let ledger: SharedLedger
    let pace: Pace
    let measurements: Measurements

    /// Returns when the run is over and every batch is answered.
    func run() async throws {
        try await withThrowingTaskGroup { group in
            for (index, worker) in workers.enumerated() {
                let session = Session(client: worker.client, ledger: ledger)
                for slot in 0..<settings.inFlightCount {
                    let random = RandomStream(
                        seed: settings.seed,
                        index: UInt64(index * settings.inFlightCount + slot))
                    group.addTask(executorPreference: worker.executor) {
                        try await keepBatchInFlight(
                            session, random, on: worker.executor.eventLoop)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private func keepBatchInFlight(
        _ session: Session, _ random: RandomStream, on eventLoop: any EventLoop
    ) async throws {
        var random = random
        while true {
            var batch = scenario.batch(
                transactionCount: settings.batchTransactionCount, from: &random)
            guard let start = try await pace.nextStart(on: eventLoop) else { return }
            if settings.keys == .each { batch.runs.addKeys(of: session.client) }
            let reply = try await session.submit(batch.runs)
            measurements.add(reply, latency: start.duration(to: .now))
            scenario.acknowledge(batch, reply)
        }
    }
}

extension [Run] {
    /// Gives each transaction an idempotency key of its own, as of now.
    fileprivate mutating func addKeys(of client: AtomicStateClient) {
        for index in indices {
            self[index].idempotencyKeys = client.makeKeys(self[index].transactionCount)
        }
    }
}
