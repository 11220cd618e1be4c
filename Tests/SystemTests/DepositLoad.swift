import AtomicStateClient
import AtomicStateProtocol
import Foundation
import SeededRandom
import Synchronization

/// Workers that deposit into an account each, and what they know: which balances their account went
/// through, and how far the trace of the disk was when each was sent and when it was acknowledged.
final class DepositLoad: Sendable {
    static let workerCount = 4

    struct Step: Sendable {
        /// Nil before the account is opened.
        let balance: Int?
        let sentAt: Int
        var acknowledgedAt: Int?
    }

    private let workers: Mutex<[[Step]]>
    private let batchSizes: [Int]
    private let position: @Sendable () -> Int

    /// - Parameter batchSizes: one of them for each batch. By default mostly small ones, and some whose
    ///   journal record is longer than a block of the log.
    /// - Parameter balances: what the accounts have, by worker; nil for one that is not there.
    /// - Parameter position: how far the trace is now.
    init(
        balances: [Int?], batchSizes: [Int] = [1, 10, 400, 2_000, 20_000],
        position: @escaping @Sendable () -> Int
    ) {
        self.batchSizes = batchSizes
        workers = Mutex(balances.map { [Step(balance: $0, sentAt: 0, acknowledgedAt: 0)] })
        self.position = position
    }

    /// Runs until the connection breaks or the batches are done.
    func start(on server: ServerProcess, batchCount: Int = .max, seed: UInt64) -> [Task<
        Void, Never
    >] {
        let address = server.address
        return (0..<Self.workerCount).map { worker in
            Task {
                var generator = SeededGenerator(state: seed &+ UInt64(worker))
                guard
                    let client = try? await AtomicStateClient.connect(to: address, retries: .none)
                else { return }
                for _ in 0..<batchCount {
                    guard await step(worker, client, &generator) else { return }
                }
                await client.close()
            }
        }
    }

    /// One batch; false if it was not acknowledged.
    private func step(
        _ worker: Int, _ client: AtomicStateClient, _ generator: inout SeededGenerator
    ) async -> Bool {
        guard let balance = workers.withLock({ $0[worker].last! }).balance else {
            note(worker, balance: 0)
            let opened = try? await client.submit(
                "open",
                ["account": ArgumentValue(worker), "owner": "owner \(worker)", "credit_limit": 0])
            guard case .accepted? = opened else { return false }
            noteAcknowledgement(worker)
            return true
        }
        let count = batchSizes.randomElement(using: &generator)!
        let amounts = (0..<count).map { _ in UInt64.random(in: 1...1_000_000, using: &generator) }
        let run = Run(
            operation: 1, transactionCount: count,
            arguments: [
                Column(words: Array(repeating: UInt64(worker), count: count)),
                Column(words: amounts),
            ])
        note(worker, balance: balance + Int(amounts.reduce(0, +)))
        guard let reply = try? await client.submit([run]), reply.acceptedCount == count else {
            return false
        }
        noteAcknowledgement(worker)
        return true
    }

    private func note(_ worker: Int, balance: Int) {
        let step = Step(balance: balance, sentAt: position())
        workers.withLock { $0[worker].append(step) }
    }

    private func noteAcknowledgement(_ worker: Int) {
        let position = position()
        workers.withLock { $0[worker][$0[worker].count - 1].acknowledgedAt = position }
    }

    var steps: [[Step]] { workers.withLock { $0 } }

    /// Whether everything that was sent was acknowledged.
    var isAcknowledged: Bool { steps.allSatisfy { $0.last!.acknowledgedAt != nil } }

    /// The size of the trace when the first account was acknowledged.
    var firstAcknowledgement: Int {
        steps.flatMap { $0.dropFirst().compactMap(\.acknowledgedAt) }.min() ?? .max
    }

    /// What is wrong with balances found when the trace ended at a position; nil if nothing is: each
    /// is one that its account went through, not before the last acknowledged one, and sent.
    func objection(to balances: [Int?], at position: Int = .max) -> String? {
        for (worker, steps) in steps.enumerated() {
            let least = steps.lastIndex {
                $0.acknowledgedAt.map { $0 <= position } ?? false
            }!
            let possible = steps[least...].filter { $0.sentAt <= position }.map(\.balance)
            guard possible.contains(balances[worker]) else {
                return "worker \(worker) has \(text(balances[worker])), expected one of "
                    + possible.map(text).joined(separator: ", ")
            }
        }
        return nil
    }

    private func text(_ balance: Int?) -> String { balance.map(String.init) ?? "no account" }

    /// The balances that a server tells, by worker.
    static func balances(on server: ServerProcess) async throws -> [Int?] {
        let client = try await server.connect()
        let accounts = try await client.get("Account", keys: (0..<workerCount).map(String.init))
        // Thousands of servers come and go: no descriptor may stay behind.
        await client.close()
        return try accounts.map { account in
            guard let account else { return nil }
            guard let text = account["balance"] else {
                throw ServerProcess.Failure(description: "an account has no balance")
            }
            return Int(text.replacing(".", with: ""))
        }
    }
}
