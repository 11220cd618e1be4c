import AtomicStateClient
import AtomicStateProtocol
import AtomicStateValues
import Foundation
import SeededRandom
import Testing

/// A client goes on while the server is killed and started again, and what it asked for is done once.
@Suite struct RetryTests {
    /// ATOMIC_STATE_RETRY_CYCLES asks for more of them.
    private static let cycleCount =
        ProcessInfo.processInfo.environment["ATOMIC_STATE_RETRY_CYCLES"].flatMap { Int($0) } ?? 5
    private static let workerCount = 8
    private static let schema = repositoryFile("examples/bank.yaml")

    /// What a worker was told. Nobody else changes its account.
    private struct WorkerLedger: Sendable {
        var sequences: [UInt64] = []
        var rejectedCount = 0
        var cents = 0
    }

    /// One client submits all the while. It never sees a failure, and at the end every outcome that it
    /// got is the one that is on disk.
    @Test(.timeLimit(.minutes(5)))
    func noOutcomeIsLostOrDoubledWhenTheServerIsKilled() async throws {
        try await withTemporaryFolder { folder in
            let data = folder.appending(path: "data")
            let seed = UInt64.random(in: 0...UInt64.max)
            var random = SeededGenerator(state: seed)
            var server = try await Self.serve(data)
            let client = try await server.connect(retries: RetryPolicy(deadline: .seconds(120)))
            var opened: [UInt64] = []
            for account in 0..<Self.workerCount {
                let outcome = try await client.submit(
                    "open", ["account": ArgumentValue(account), "owner": "", "credit_limit": 0])
                if case .accepted(let sequence) = outcome { opened.append(sequence) }
            }
            let workers = (0..<Self.workerCount).map { worker in
                Task { try await Self.work(client, worker, seed: seed &+ UInt64(worker)) }
            }
            for cycle in 1...Self.cycleCount {
                try await Task.sleep(for: .milliseconds(Int.random(in: 20...400, using: &random)))
                // A drain answers what it took in, and refuses the rest with UNAVAILABLE.
                let isKill = Int.random(in: 0..<4, using: &random) > 0
                let status = await server.end(isKill ? SIGKILL : SIGTERM)
                #expect(
                    status == (isKill ? -Int(SIGKILL) : 0), "seed \(seed), cycle \(cycle)")
                try await Task.sleep(for: .milliseconds(Int.random(in: 0...200, using: &random)))
                server = try await Self.serve(data, port: server.address.port)
            }
            for worker in workers { worker.cancel() }
            var ledgers: [WorkerLedger] = []
            for worker in workers { ledgers.append(try await worker.value) }

            let sequences = (opened + ledgers.flatMap(\.sequences)).sorted()
            let last = try await client.health().durableSequence
            #expect(sequences == Array(1...last), "seed \(seed)")
            #expect(ledgers.contains { $0.rejectedCount > 0 }, "seed \(seed)")
            let accounts = try await client.get(
                "Account", keys: (0..<Self.workerCount).map(String.init))
            let cents = accounts.map { $0?["balance"]?.replacing(".", with: "") }
            #expect(cents.map { $0.flatMap { Int($0) } } == ledgers.map(\.cents), "seed \(seed)")
            await client.close()
            #expect(await server.end(SIGTERM) == 0)
            try expectIntact(data)
            print("tried \(Self.cycleCount) ends of a server under one client, \(last) accepted")
        }
    }

    /// Deposits and withdrawals in batches of many sizes; some withdrawals are refused.
    private static func work(
        _ client: AtomicStateClient, _ worker: Int, seed: UInt64
    ) async throws -> WorkerLedger {
        var random = SeededGenerator(state: seed)
        var ledger = WorkerLedger()
        let account = ArgumentValue(worker)
        while !Task.isCancelled {
            let amounts = (0..<Int.random(in: 1...100, using: &random)).map { _ in
                // Nobody ever has as much as one in ten wants.
                Int.random(in: 0..<10, using: &random) == 0
                    ? -100_000_00 : Int.random(in: -300...300, using: &random) | 1
            }
            let transactions = amounts.map { cents in
                let text = String(format: "%d.%02d", abs(cents) / 100, abs(cents) % 100)
                return Transaction(
                    .call(
                        cents > 0 ? "deposit" : "withdraw",
                        ["account": account, "amount": ArgumentValue(text)]))
            }
            // Whoever is told to stop finishes the batch, as cancellation would leave it unknown.
            let outcomes = try await Task { try await client.submit(transactions) }.value
            for (cents, outcome) in zip(amounts, outcomes) {
                switch outcome {
                case .accepted(let sequence):
                    ledger.sequences.append(sequence)
                    ledger.cents += cents
                case .rejected: ledger.rejectedCount += 1
                }
            }
        }
        return ledger
    }

    /// A repetition is answered even if it waited longer than its timeout: its outcome is there.
    @Test func aRepetitionThatComesLateHasItsOutcome() async throws {
        try await withExample("bank") { server, client in
            try await expectAccepted(
                client, "open", ["account": 1, "owner": "", "credit_limit": 0])
            let raw = try RawConnection(port: server.address.port)
            try raw.greet()
            let deposit = Run(
                operation: 1, transactionCount: 1,
                arguments: [Column(words: [1]), Column(words: [5])])
            let now = client.makeKey().milliseconds
            let known = BatchName(producer: 1, number: 1, sentMilliseconds: now)
            raw.send(.submit([deposit], timeoutMilliseconds: 0, name: known), id: 1)
            let first = try raw.receiveSubmitReply()
            #expect(first?.acceptedCount == 1)
            // As many batches before it as it takes for another one to come too late.
            for number in 2...40 as ClosedRange<UInt64> {
                let count = min(5_000 * Int(number), 60_000)
                let work = Run(
                    operation: 1, transactionCount: count,
                    arguments: [
                        Column(words: Array(repeating: 1, count: count)),
                        Column(words: Array(repeating: 1, count: count)),
                    ])
                let new = BatchName(producer: 1, number: number, sentMilliseconds: now)
                raw.send(
                    [
                        RawConnection.frame(.submit([work], timeoutMilliseconds: 0)),
                        RawConnection.frame(.submit([work], timeoutMilliseconds: 0)),
                        RawConnection.frame(.submit([work], timeoutMilliseconds: 0)),
                        RawConnection.frame(
                            .submit([deposit], timeoutMilliseconds: 1, name: known)),
                        RawConnection.frame(.submit([deposit], timeoutMilliseconds: 1, name: new)),
                    ].flatMap { $0 })
                for _ in 0..<3 { #expect(try raw.receiveSubmitReply()?.acceptedCount == count) }
                let repeated = try raw.receiveSubmitReply()
                #expect(repeated?.firstSequence == first?.firstSequence)
                #expect(repeated?.acceptedCount == 1)
                guard try raw.receiveSubmitReply() == nil else { continue }
                return
            }
            Issue.record("no batch came too late")
        }
    }

    /// Another process repeats what the first one may have had done.
    @Test func theCommandLineRepeatsByKey() async throws {
        try await withExample("bank") { server, client in
            let made = try runServerTool(["key", "--count", "2", "--server", "\(server.address)"])
            let keys = made.text.split(separator: "\n").map { String($0) }
            #expect(made.status == 0)
            #expect(keys.count == 2)
            let words = "open account=1 owner= credit_limit=0 then deposit account=1 amount=5"
            func submit(_ keys: [String], _ words: String) throws -> (status: Int, text: String) {
                try runServerTool(
                    ["submit", "--server", "\(server.address)"] + keys.flatMap { ["--key", $0] }
                        + words.split(separator: " ").map { String($0) })
            }
            let first = try submit(keys, words)
            #expect(first.text == "1: accepted, sequence 1\n2: accepted, sequence 2\n")
            for _ in 0..<2 {
                let again = try submit(keys, words)
                #expect(
                    again.text == "1: accepted before, sequence 1\n2: accepted before, sequence 2\n"
                )
                #expect(again.status == 0)
            }
            let atomic = try submit(keys, "--atomic " + words)
            #expect(
                atomic.text == "1: accepted before, sequence 1\n2: accepted before, sequence 2\n")
            #expect(try await values(client, "Account", "1")["balance"] == "5.00")
            // The same key for something else.
            let other = try submit([keys[1]], "deposit account=1 amount=6")
            #expect(other.status == 2)
            #expect(other.text.contains("(code 16)"), "\(other.text)")
            for keys in [[keys[0]], ["f81d4fae-7dec-11d0-a765-00a0c91e6bf6"]] {
                #expect(try submit(keys, words).status == 64)
            }
        }
    }

    /// However many there are, and in whatever order they come again.
    @Test(.timeLimit(.minutes(2)))
    func rejectionsThatAreToldAgainFitAReply() async throws {
        try await withExample("bank") { _, client in
            try await expectAccepted(
                client, "open", ["account": 1, "owner": "", "credit_limit": 0])
            let (batchCount, transactionCount) = (40, 1_000)
            let keys = client.makeKeys(batchCount * transactionCount)
            func withdrawals(_ keys: [IdempotencyKey]) -> Run {
                var run = Run(
                    operation: 2, transactionCount: keys.count,
                    arguments: [
                        Column(words: keys.map { _ in 1 }), Column(words: keys.map { _ in 1 }),
                    ])
                run.idempotencyKeys = keys
                return run
            }
            for batch in 0..<batchCount {
                let first = batch * transactionCount
                let reply = try await client.submit([
                    withdrawals(Array(keys[first..<(first + transactionCount)]))
                ])
                #expect(reply.rejections.count == transactionCount)
            }
            // One of each batch in turn: each was told in another reply than the one before.
            let mixed = keys.indices.map {
                keys[$0 % batchCount * transactionCount + $0 / batchCount]
            }
            let again = try await client.submit([withdrawals(mixed)])
            #expect(again.rejections.map(\.index) == Array(keys.indices))
            #expect(again.rejections.allSatisfy { $0.code == 1 && $0.rule == "within_credit" })
            let described = again.rejections.filter { !$0.message.isEmpty }
            #expect(described.count == 1_000)
            #expect(described.allSatisfy { $0.observations.first?.value == "-0.01" })
        }
    }

    /// Outcomes of transactions that were carried out under another batch's name.
    @Test func keyedTransactionsHaveTheirFirstOutcomes() async throws {
        try await withExample("bank") { _, client in
            func deposit(_ account: ArgumentValue, _ key: IdempotencyKey?) -> Transaction {
                Transaction(.call("deposit", ["account": account, "amount": "1"]), key: key)
            }
            try await expectAccepted(
                client, "open", ["account": 1, "owner": "", "credit_limit": 0])
            let keys = client.makeKeys(3)
            // The second one is refused, and stays so.
            let first = try await client.submit([deposit(1, keys[0]), deposit(2, keys[1])])
            try await expectAccepted(
                client, "open", ["account": 2, "owner": "", "credit_limit": 0])
            let again = try await client.submit([
                deposit(1, keys[0]), deposit(2, keys[1]), deposit(2, nil), deposit(1, keys[2]),
            ])
            #expect(first[0] == .accepted(sequence: 2))
            #expect(again[0] == first[0])
            #expect(again[1] == first[1])
            #expect(again[2...] == [.accepted(sequence: 4), .accepted(sequence: 5)])

            let whole = client.makeKeys(2).map { deposit(1, $0) }
            for _ in 0..<2 {
                #expect(
                    try await client.submitAtomically(whole) == .accepted(firstSequence: 6))
            }
            let apart = [deposit(1, keys[0]), deposit(1, keys[2])]
            let status = await #expect(throws: Status.self) {
                try await client.submitAtomically(apart)
            }
            #expect(status?.code == .alreadyExists)
            #expect(try await values(client, "Account", "1")["balance"] == "4.00")
        }
    }

    private static func serve(_ data: URL, port: Int = 0) async throws -> ServerProcess {
        // A small limit, so that rows are materialised between the kills.
        try await ServerProcess(
            schema: schema, data: data, port: port, arguments: ["--materialise-after", "1"])
    }
}

extension RawConnection {
    /// Nil if the request's time was over.
    fileprivate func receiveSubmitReply() throws -> SubmitReply? {
        switch try receive()?.body {
        case .submit(let reply): return reply
        case .failure(let status) where status.code == .deadlineExceeded: return nil
        case let body:
            throw ServerProcess.Failure(description: "expected a reply, found \(body as Any)")
        }
    }
}
