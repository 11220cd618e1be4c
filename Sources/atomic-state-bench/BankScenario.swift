internal import AtomicStateClient
internal import AtomicStateProtocol
internal import Synchronization

/// Transfers between two different accounts, both chosen uniformly, on examples/bank.yaml.
///
/// The accounts' balances are random walks. They start 1,000.00 away from the credit limit, which is
/// some 30,000 steps: a short run sees few rejections, a long one about one in two hundred.
final class BankScenario: Scenario {
    static let creditLimitCents: Int64 = 500_00
    static let startingBalanceCents: Int64 = 500_00
    private static let transferCentsMax: UInt64 = 10_00
    /// Accounts have the numbers from here on.
    private static let firstAccount: UInt64 = 1

    private let accountCount: Int
    private let schema: BankSchema
    /// The balance of each account in cents, as the acknowledged transactions add up to.
    private let balances: Mutex<[Int64]>
    private let unexplainedRejections = Mutex(UnexplainedRejections())

    init(schema: SchemaDescription, accountCount: Int) throws {
        self.schema = try BankSchema(schema)
        self.accountCount = accountCount
        balances = Mutex(Array(repeating: Self.startingBalanceCents, count: accountCount))
    }

    var population: String { "\(grouped(accountCount)) accounts" }

    func batch(transactionCount: Int, from random: inout RandomStream) -> Batch {
        let accountCount = UInt64(accountCount)
        let sources = (0..<transactionCount).map { _ in
            Self.firstAccount + random.next(below: accountCount)
        }
        // One of the others: counted without the source, which is stepped over.
        let targets = sources.map { source in
            let target = Self.firstAccount + random.next(below: accountCount - 1)
            return target < source ? target : target + 1
        }
        let amounts = sources.map { _ in 1 + random.next(below: Self.transferCentsMax) }
        let run = Run(
            operation: schema.transfer, transactionCount: transactionCount,
            arguments: [
                Column(words: sources), Column(words: targets), Column(words: amounts),
            ])
        return Batch(runs: [run])
    }

    func acknowledge(_ batch: Batch, _ reply: SubmitReply) {
        let columns = batch.runs[0].arguments
        let (sources, targets, amounts) = (columns[0].words, columns[1].words, columns[2].words)
        balances.withLock { balances in
            balances.withUnsafeMutableBufferPointer { balances in
                func add(_ amount: Int64, at index: Int) {
                    balances[Int(sources[index] - Self.firstAccount)] -= amount
                    balances[Int(targets[index] - Self.firstAccount)] += amount
                }
                for index in amounts.indices { add(Int64(amounts[index]), at: index) }
                for rejection in reply.rejections {
                    add(-Int64(amounts[rejection.index]), at: rejection.index)
                }
            }
        }
        guard !reply.rejections.isEmpty else { return }
        unexplainedRejections.withLock { unexplained in
            for rejection in reply.rejections { unexplained.note(rejection) }
        }
    }

    private func accountNumbers(_ indices: Range<Int>) -> [UInt64] {
        indices.map { Self.firstAccount + UInt64($0) }
    }
}

// MARK: Before and after the load

extension BankScenario {
    /// Few enough that a reply with all of an account's fields is far from the frame limit.
    private static let chunkAccountCountMax = 8_192

    func prepare(through session: Session) async throws {
        let firstAccount = try await session.client.get(
            entity: schema.account, keys: Column(words: [Self.firstAccount]))
        guard firstAccount.found == [false] else {
            throw BenchError.serverNotFresh("account \(Self.firstAccount) exists")
        }
        // A batch opens its accounts and then deposits into them.
        let batchLimit = session.client.greeting.batchTransactionCountMax
        try await session.forEachChunk(
            of: accountCount, chunkCountMax: max(1, min(Self.chunkAccountCountMax, batchLimit / 2))
        ) { indices in
            try await session.prepare(self.openingBatch(for: indices))
        }
    }

    private func openingBatch(for indices: Range<Int>) -> [Run] {
        let accounts = accountNumbers(indices)
        var owners = Column()
        for account in accounts { owners.append("owner-\(account)") }
        func constant(_ cents: Int64) -> Column {
            Column(words: Array(repeating: UInt64(bitPattern: cents), count: accounts.count))
        }
        return [
            Run(
                operation: schema.open, transactionCount: accounts.count,
                arguments: [Column(words: accounts), owners, constant(Self.creditLimitCents)]),
            Run(
                operation: schema.deposit, transactionCount: accounts.count,
                arguments: [Column(words: accounts), constant(Self.startingBalanceCents)]),
        ]
    }

    func compare(through session: Session) async throws -> StateComparison {
        let comparison = Mutex(StateComparison())
        try await session.forEachChunk(
            of: accountCount, chunkCountMax: Self.chunkAccountCountMax
        ) { indices in
            let accounts = self.accountNumbers(indices)
            let reply = try await session.client.get(
                entity: self.schema.account, keys: Column(words: accounts))
            let expected = self.balances.withLock { Array($0[indices]) }
            let found = try self.schema.balances(in: reply, accountCount: accounts.count)
            comparison.withLock { comparison in
                comparison.addEntities(accounts.count)
                for (index, account) in accounts.enumerated() {
                    Self.compare(found[index], expected[index], of: account, &comparison)
                }
            }
        }
        if let difference = unexplainedRejections.withLock({ $0.difference }) {
            comparison.withLock { $0.addDifference(difference) }
        }
        return comparison.withLock { $0 }
    }

    private static func compare(
        _ found: Int64?, _ expected: Int64, of account: UInt64, _ comparison: inout StateComparison
    ) {
        guard let found else {
            comparison.addDifference("account \(account) is missing")
            return
        }
        if found != expected {
            comparison.addDifference(
                "account \(account): the server has \(found) cents, the acknowledged transactions "
                    + "add up to \(expected)")
        }
        if found < -creditLimitCents {
            comparison.addDifference(
                "account \(account): \(found) cents are beyond its credit limit of "
                    + "\(creditLimitCents)")
        }
    }
}
