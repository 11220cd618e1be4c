import AtomicStateClient
import AtomicStateProtocol
import Foundation
import SeededRandom
import Synchronization
import Testing

/// The real server is killed under load, again and again; what it acknowledged is there afterwards,
/// and nothing else than what was sent.
@Suite struct CrashTests {
    /// ATOMIC_STATE_CRASH_CYCLES asks for more of them.
    static let cycleCount =
        ProcessInfo.processInfo.environment["ATOMIC_STATE_CRASH_CYCLES"].flatMap { Int($0) } ?? 6
    private static let workerCount = 8
    private static let accountsPerWorker = 4

    /// What one worker knows. Its accounts are its own, so that their balances tell which of its
    /// deposits were carried out.
    private struct WorkerLedger: Sendable {
        /// Deposits of 0.01 by account: acknowledged, and sent.
        var acknowledged = Array(repeating: 0, count: CrashTests.accountsPerWorker)
        var sent = Array(repeating: 0, count: CrashTests.accountsPerWorker)
    }

    private final class Ledgers: Sendable {
        private let workers = Mutex(
            Array(repeating: WorkerLedger(), count: CrashTests.workerCount))

        subscript(worker: Int) -> WorkerLedger {
            get { workers.withLock { $0[worker] } }
            set { workers.withLock { $0[worker] = newValue } }
        }

        func note(
            _ accounts: [UInt64], worker: Int, _ member: WritableKeyPath<WorkerLedger, [Int]>
        ) {
            workers.withLock { workers in
                for account in accounts {
                    let index = Int(account) % CrashTests.accountsPerWorker
                    workers[worker][keyPath: member][index] += 1
                }
            }
        }
    }

    @Test func acknowledgedTransactionsSurviveKills() async throws {
        try await withTemporaryFolder { folder in
            let data = folder.appending(path: "data")
            let seed = UInt64.random(in: 0...UInt64.max)
            var generator = SeededGenerator(state: seed)
            let ledgers = Ledgers()
            var lastSequence: UInt64 = 0
            for cycle in 0...Self.cycleCount {
                // A small limit, so that rows are materialised between the kills.
                let server = try await ServerProcess(
                    schema: repositoryFile("examples/bank.yaml"), data: data,
                    arguments: ["--materialise-after", "1"])
                let client = try await server.connect()
                if cycle == 0 {
                    try await openAccounts(client)
                } else {
                    try await checkBalances(client, ledgers, "seed \(seed), cycle \(cycle)")
                }
                let sequence = try await client.health().durableSequence
                #expect(sequence >= lastSequence, "seed \(seed), cycle \(cycle)")
                if cycle == Self.cycleCount {
                    #expect(await server.end(SIGTERM) == 0)
                    break
                }
                let load = startLoad(server, ledgers)
                try await Task.sleep(
                    for: .milliseconds(Int.random(in: 20...400, using: &generator)))
                #expect(await server.end(SIGKILL) == -Int(SIGKILL))
                for worker in load { await worker.value }
                lastSequence = sequence
                let audit = try runServerTool(["audit", "--data", data.path])
                #expect(
                    audit.text.hasPrefix("INTEGRITY_OK"),
                    "seed \(seed), cycle \(cycle): \(audit.text)")
            }
            print("tried \(Self.cycleCount) kills under load, the last sequence \(lastSequence)")
        }
    }

    /// SIGTERM answers what was taken in and exits with 0.
    @Test func drainLosesNothing() async throws {
        try await withTemporaryFolder { folder in
            let data = folder.appending(path: "data")
            let schema = repositoryFile("examples/bank.yaml")
            let ledgers = Ledgers()
            let server = try await ServerProcess(schema: schema, data: data)
            try await openAccounts(try await server.connect())
            let load = startLoad(server, ledgers)
            try await Task.sleep(for: .milliseconds(200))
            #expect(await server.end(SIGTERM) == 0)
            for worker in load { await worker.value }
            let again = try await ServerProcess(schema: schema, data: data)
            try await checkBalances(try await again.connect(), ledgers, "drain")
            #expect(await again.end(SIGTERM) == 0)
        }
    }

    private func openAccounts(_ client: AtomicStateClient) async throws {
        for account in 0..<(Self.workerCount * Self.accountsPerWorker) {
            try await expectAccepted(
                client, "open",
                ["account": ArgumentValue(account), "owner": "", "credit_limit": 0])
        }
    }

    /// Workers that deposit, in batches of many sizes, until the connection breaks.
    private func startLoad(
        _ server: ServerProcess, _ ledgers: Ledgers
    ) -> [Task<Void, Never>] {
        let address = server.address
        return (0..<Self.workerCount).map { worker in
            Task {
                guard
                    let client = try? await AtomicStateClient.connect(to: address, retries: .none)
                else { return }
                var batchSize = 1
                while true {
                    let words = (0..<batchSize).map {
                        UInt64(worker * Self.accountsPerWorker + $0 % Self.accountsPerWorker)
                    }
                    let run = Run(
                        operation: 1, transactionCount: batchSize,
                        arguments: [
                            Column(words: words),
                            Column(words: Array(repeating: 1, count: batchSize)),
                        ])
                    ledgers.note(words, worker: worker, \.sent)
                    guard let reply = try? await client.submit([run]) else { return }
                    #expect(reply.acceptedCount == batchSize)
                    ledgers.note(words, worker: worker, \.acknowledged)
                    batchSize = batchSize % 500 + 37
                }
            }
        }
    }

    /// Each balance lies between what was acknowledged and what was sent. A batch of which the answer
    /// got lost was carried out whole or not at all: it is settled by what the server now says.
    private func checkBalances(
        _ client: AtomicStateClient, _ ledgers: Ledgers, _ place: String
    ) async throws {
        for worker in 0..<Self.workerCount {
            let keys = (0..<Self.accountsPerWorker).map {
                String(worker * Self.accountsPerWorker + $0)
            }
            let accounts = try await client.get("Account", keys: keys)
            let balances = try accounts.map { account in
                let text = try #require(account?["balance"], "\(place): an account is gone")
                return try #require(Int(text.replacing(".", with: "")))
            }
            let ledger = ledgers[worker]
            let isAll = balances == ledger.sent
            let isAcknowledged = balances == ledger.acknowledged
            #expect(
                isAll || isAcknowledged,
                "\(place), worker \(worker): \(balances), acknowledged \(ledger.acknowledged), sent \(ledger.sent)"
            )
            ledgers[worker] = WorkerLedger(acknowledged: balances, sent: balances)
        }
    }
}
