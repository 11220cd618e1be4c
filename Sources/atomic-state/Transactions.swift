import ArgumentParser
import AtomicStateClient
import AtomicStateProtocol
import AtomicStateValues

struct ServerOption: ParsableArguments {
    @Option(help: "Where the server listens for clients.")
    var server = Environment.address("ATOMIC_STATE_LISTEN", otherwise: "127.0.0.1:7400")

    /// Connects, calls the body and disconnects; a failure is printed and ends the process.
    func withClient(_ body: (AtomicStateClient) async throws -> Void) async throws {
        do {
            let client = try await AtomicStateClient.connect(to: server, name: "atomic-state")
            try await body(client)
            await client.close()
        } catch let code as ExitCode {
            throw code
        } catch {
            fail("\(error)")
        }
    }
}

struct Submit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Submit transactions: atomic-state submit transfer from=1 to=2 amount=12.50",
        discussion: """
            A transaction is a call of an operation, or several steps that stand or fall together:

              OPERATION NAME=VALUE ...
              create TYPE KEY FIELD=VALUE ...
              update TYPE KEY [@VERSION] FIELD=VALUE FIELD+=VALUE FIELD- ...
              delete TYPE KEY [@VERSION]

            'and' joins the steps of a transaction; after 'then' the next transaction starts. FIELD+= \
            adds, FIELD- leaves an optional field without a value. With @VERSION, the transaction is \
            rejected if the entity has another version. Exits with 2 if a transaction is rejected.

            With --key, the command can be repeated, whatever became of it before: a transaction that \
            comes again with its key is carried out once, and has its first outcome. A key is a UUID of \
            version 7, as 'atomic-state key' makes; the server remembers it for a while only.
            """)

    @OptionGroup var option: ServerOption

    @Flag(help: "All or nothing: if one transaction is rejected, none is applied.")
    var atomic = false

    @Option(
        name: .customLong("key"),
        help: ArgumentHelp(
            "The idempotency key of a transaction; one for each, in order.", valueName: "uuid"),
        transform: idempotencyKey)
    var keys: [IdempotencyKey] = []

    @Argument(help: "The transactions.")
    var words: [String]

    func run() async throws {
        let transactions = try keyed(try TransactionReader.transactions(from: words))
        try await option.withClient { client in
            let reply = try await client.submit(
                try client.schema.runs(of: transactions), atomically: atomic)
            let areAccepted =
                atomic && !reply.rejections.isEmpty
                ? report(reply.rejections[0], ofAtomicBatchOf: transactions.count)
                : report(
                    try reply.outcomes(transactionCount: transactions.count),
                    repeated: Set(reply.duplicates.map(\.index)))
            if !areAccepted { throw ExitCode(2) }
        }
    }

    private func keyed(_ transactions: [Transaction]) throws -> [Transaction] {
        guard !keys.isEmpty else { return transactions }
        guard keys.count == transactions.count else {
            throw ValidationError(
                "--key is given \(keys.count) times: expected one for each of \(transactions.count) "
                    + "transactions")
        }
        return zip(transactions, keys).map { Transaction(steps: $0.steps, key: $1) }
    }

    /// Returns whether all were accepted. Several outcomes are numbered.
    private func report(_ outcomes: [TransactionOutcome], repeated: Set<Int>) -> Bool {
        var areAccepted = true
        for (index, outcome) in outcomes.enumerated() {
            let number = outcomes.count == 1 ? "" : "\(index + 1): "
            switch outcome {
            case .accepted(let sequence):
                let time = repeated.contains(index) ? " before" : ""
                print("\(number)accepted\(time), sequence \(sequence)")
            case .rejected(let rejection):
                print("\(number)\(rejection.explanation)")
                areAccepted = false
            }
        }
        return areAccepted
    }

    /// Returns that the batch was not accepted.
    private func report(_ rejection: Rejection, ofAtomicBatchOf transactionCount: Int) -> Bool {
        guard transactionCount > 1 else { return report([.rejected(rejection)], repeated: []) }
        print("\(rejection.index + 1): \(rejection.explanation)")
        print("nothing was applied: 1 of \(transactionCount) transactions was rejected")
        return false
    }
}

private func idempotencyKey(_ text: String) throws -> IdempotencyKey {
    guard let key = IdempotencyKey(text) else {
        throw ValidationError(
            "'\(text)': expected a UUID of version 7, as 'atomic-state key' makes")
    }
    return key
}

struct Key: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print new idempotency keys, by the server's clock, for submit --key")

    @OptionGroup var option: ServerOption

    @Option(help: "How many.")
    var count = 1

    func validate() throws {
        guard (1...ProtocolLimits.batchTransactionCountMax).contains(count) else {
            throw ValidationError(
                "--count \(count): expected 1 to \(ProtocolLimits.batchTransactionCountMax)")
        }
    }

    func run() async throws {
        try await option.withClient { client in
            for key in client.makeKeys(count) { print(key) }
        }
    }
}

struct Get: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print entities: atomic-state get Account 1 2",
        discussion: "Exits with 2 if one does not exist.")

    @OptionGroup var option: ServerOption

    @Argument(help: "The entity type.")
    var type: String

    @Argument(help: "The keys.")
    var keys: [String]

    func run() async throws {
        try await option.withClient { client in
            var allExist = true
            for (key, entity) in zip(keys, try await client.get(type, keys: keys)) {
                guard let entity else {
                    print("\(type) \(key.printed): not found")
                    allExist = false
                    continue
                }
                print("\(type) \(key.printed), version \(entity.version)")
                for value in entity.values {
                    print("  \(value.name): \(value.text?.printed ?? "no value")")
                }
            }
            if !allExist { throw ExitCode(2) }
        }
    }
}
