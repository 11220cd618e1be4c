@testable import AtomicStateProtocol
import AtomicStateValues
import Foundation
import SeededRandom
import Synchronization
import Testing

/// What a client sends again, after the server was killed, gets the outcome of the first time.
@Suite struct RepetitionTests {
    /// A batch of deposits and withdrawals, some of which are rejected, and its reply once there is one.
    private struct SentBatch {
        let runs: [Run]
        let isAtomic: Bool
        let name: BatchName
        var reply: SubmitReply?

        var transactionCount: Int { runs.reduce(0) { $0 + $1.transactionCount } }
    }

    /// One client: everything that it has sent, in order.
    private final class Sender: Sendable {
        private static let inFlightCount = 8
        private let state: Mutex<State>
        private let account: UInt64

        private struct State {
            var generator: SeededGenerator
            var batches: [SentBatch] = []
            var lastKey = IdempotencyKey(milliseconds: 0, high: 0, low: 0)
        }

        init(account: UInt64, seed: UInt64) {
            self.account = account
            state = Mutex(State(generator: SeededGenerator(state: seed)))
        }

        var batches: [SentBatch] { state.withLock { $0.batches } }

        func set(_ reply: SubmitReply, at index: Int) {
            state.withLock { $0.batches[index].reply = reply }
        }

        /// Sends one batch after the other until the connection ends.
        func load(port: Int) {
            guard let connection = try? RawConnection(port: port),
                let greeting = try? connection.greeting()
            else { return }
            var first = batches.count
            while true {
                let batch = nextBatch(at: greeting.milliseconds)
                let index = state.withLock { state in
                    state.batches.append(batch)
                    return state.batches.count - 1
                }
                connection.submit(batch.runs, batch.isAtomic, batch.name, id: UInt64(index))
                guard index - first >= Self.inFlightCount else { continue }
                guard let response = try? connection.receive(),
                    case .submit(let reply) = response.body
                else { return }
                set(reply, at: Int(response.id))
                first += 1
            }
        }

        private func nextBatch(at milliseconds: UInt64) -> SentBatch {
            state.withLock { state in
                let number = UInt64(state.batches.count)
                var runs: [Run] = []
                for operation in [1, 2, 1] {
                    let count = Int.random(in: 1...40, using: &state.generator)
                    let amounts = (0..<count).map { _ in
                        UInt64.random(in: 1...90, using: &state.generator)
                    }
                    var run = Run(
                        operation: operation, transactionCount: count,
                        arguments: [
                            Column(words: amounts.map { _ in account }), Column(words: amounts),
                        ])
                    if !Int.random(in: 0..<4, using: &state.generator).isMultiple(of: 4) {
                        run.idempotencyKeys = (0..<count).map { _ in
                            state.lastKey = IdempotencyKey(
                                milliseconds: milliseconds, high: account,
                                low: state.lastKey.low + 1)
                            return state.lastKey
                        }
                    }
                    runs.append(run)
                }
                return SentBatch(
                    runs: runs, isAtomic: number.isMultiple(of: 5),
                    name: BatchName(
                        producer: account, number: number, sentMilliseconds: milliseconds))
            }
        }
    }

    @Test func repliesAreThoseOfTheFirstTime() async throws {
        try await withTemporaryFolder { folder in
            let data = folder.appending(path: "data")
            let seed = UInt64.random(in: 0...UInt64.max)
            var generator = SeededGenerator(state: seed)
            let senders = (1...3).map { Sender(account: $0, seed: seed &+ $0) }
            let cycleCount = max(2, CrashTests.cycleCount / 3)
            for cycle in 0...cycleCount {
                let server = try await ServerProcess(
                    schema: repositoryFile("examples/bank.yaml"), data: data,
                    arguments: ["--materialise-after", "1"])
                let port = server.address.port
                if cycle == 0 {
                    for sender in 1...3 {
                        try await expectAccepted(
                            try await server.connect(), "open",
                            ["account": .init(sender), "owner": "", "credit_limit": 0])
                    }
                }
                for sender in senders {
                    try await onThread {
                        try self.sendAgain(sender, port: port, "seed \(seed), cycle \(cycle)")
                    }
                }
                try await checkBalances(senders, server, "seed \(seed), cycle \(cycle)")
                let loads = senders.map { sender in
                    Task { try await onThread { sender.load(port: port) } }
                }
                try await Task.sleep(
                    for: .milliseconds(Int.random(in: 50...300, using: &generator)))
                #expect(await server.end(SIGKILL) == -Int(SIGKILL))
                for load in loads { try await load.value }
                try expectIntact(data)
            }
            let batchCount = senders.map(\.batches.count).reduce(0, +)
            print("tried \(batchCount) batches again after each of \(cycleCount) kills")
        }
    }

    /// All batches again, by name; then their transactions again, by key, in batches of other names.
    private func sendAgain(_ sender: Sender, port: Int, _ place: String) throws {
        let connection = try RawConnection(port: port)
        let now = try connection.greeting().milliseconds
        for (index, batch) in sender.batches.enumerated() {
            connection.submit(batch.runs, batch.isAtomic, batch.name, id: UInt64(index))
            guard case .submit(let reply)? = try connection.receive()?.body else {
                Issue.record("\(place): batch \(index) is refused")
                return
            }
            if let first = batch.reply {
                #expect(reply.encoded == first.encoded, "\(place), batch \(index)")
            } else {
                sender.set(reply, at: index)
            }
        }
        for (index, batch) in sender.batches.enumerated() where !batch.isAtomic {
            let keyed = batch.runs.indices.filter { !batch.runs[$0].idempotencyKeys.isEmpty }
            guard !keyed.isEmpty, let first = batch.reply else { continue }
            let name = BatchName(
                producer: UInt64.random(in: 0...UInt64.max), number: 1, sentMilliseconds: now)
            connection.submit(keyed.reversed().map { batch.runs[$0] }, false, name, id: 1)
            guard case .submit(let reply)? = try connection.receive()?.body else {
                Issue.record("\(place): the transactions of batch \(index) are refused")
                return
            }
            let outcomes = try first.told(transactionCount: batch.transactionCount)
            var starts: [Int] = []
            for run in batch.runs { starts.append((starts.last ?? 0) + run.transactionCount) }
            let expected = keyed.reversed().flatMap { run in
                outcomes[(starts[run] - batch.runs[run].transactionCount)..<starts[run]]
            }
            #expect(reply.acceptedCount == 0, "\(place), batch \(index)")
            #expect(
                try reply.told(transactionCount: expected.count) == Array(expected),
                "\(place), batch \(index)")
        }
    }

    /// The balances are what the replies add up to, and every sequence is told once.
    private func checkBalances(
        _ senders: [Sender], _ server: ServerProcess, _ place: String
    ) async throws {
        let client = try await server.connect()
        var sequences: Set<UInt64> = []
        var sequenceCount = 0
        for (number, sender) in senders.enumerated() {
            var balance = 0
            for batch in sender.batches {
                let reply = try #require(batch.reply)
                let told = try reply.told(transactionCount: batch.transactionCount)
                let amounts = batch.runs.flatMap { run in
                    run.arguments[1].words.map { run.operation == 1 ? Int($0) : -Int($0) }
                }
                for (outcome, amount) in zip(told, amounts) {
                    guard case .accepted(let sequence) = outcome else { continue }
                    balance += amount
                    sequences.insert(sequence)
                    sequenceCount += 1
                }
            }
            let account = try await client.get("Account", keys: [String(number + 1)])[0]
            let text = try #require(account?["balance"])
            #expect(Int(text.replacing(".", with: "")) == balance, "\(place), account \(number)")
        }
        #expect(sequences.count == sequenceCount, "\(place)")
        // One for each account that was opened.
        let durable = try await client.health().durableSequence
        #expect(durable == UInt64(sequenceCount + senders.count), "\(place)")
        await client.close()
    }
}

/// What a reply says of each transaction.
private enum Told: Equatable {
    case accepted(UInt64)
    case rejected(Rejection)
    /// Of an atomic batch that was turned back.
    case notApplied
}

extension SubmitReply {
    fileprivate func told(transactionCount: Int) throws -> [Told] {
        var told: [Told?] = Array(repeating: nil, count: transactionCount)
        for duplicate in duplicates { told[duplicate.index] = .accepted(duplicate.sequence) }
        for rejection in rejections {
            var placed = rejection
            placed.index = 0
            told[rejection.index] = .rejected(placed)
        }
        var sequence = firstSequence
        for index in told.indices where told[index] == nil {
            told[index] = firstSequence == 0 ? .notApplied : .accepted(sequence)
            sequence += 1
        }
        return told.compactMap { $0 }
    }
}

extension RawConnection {
    fileprivate func submit(_ runs: [Run], _ isAtomic: Bool, _ name: BatchName, id: UInt64) {
        send(.submit(runs, isAtomic: isAtomic, timeoutMilliseconds: 0, name: name), id: id)
    }
}
