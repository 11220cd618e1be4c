import ArgumentParser
import AtomicStateClient
import AtomicStateProtocol

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
            """)

    @OptionGroup var option: ServerOption

    @Flag(help: "All or nothing: if one transaction is rejected, none is applied.")
    var atomic = false

    @Argument(help: "The transactions.")
    var words: [String]

    func run() async throws {
        let transactions = try TransactionReader.transactions(from: words)
        try await option.withClient { client in
            let areAccepted =
                atomic
                ? report(try await client.submitAtomically(transactions), of: transactions.count)
                : report(try await client.submit(transactions))
            if !areAccepted { throw ExitCode(2) }
        }
    }

    /// Returns whether all were accepted. Several outcomes are numbered.
    private func report(_ outcomes: [TransactionOutcome]) -> Bool {
        var areAccepted = true
        for (index, outcome) in outcomes.enumerated() {
            let number = outcomes.count == 1 ? "" : "\(index + 1): "
            switch outcome {
            case .accepted(let sequence):
                print("\(number)accepted, sequence \(sequence)")
            case .rejected(let rejection):
                print("\(number)\(rejection.explanation)")
                areAccepted = false
            }
        }
        return areAccepted
    }

    /// Returns whether the batch was accepted.
    private func report(_ outcome: AtomicBatchOutcome, of transactionCount: Int) -> Bool {
        switch outcome {
        case .accepted(let first):
            return report((0..<transactionCount).map { .accepted(sequence: first + UInt64($0)) })
        case .rejected(let rejection) where transactionCount == 1:
            return report([.rejected(rejection)])
        case .rejected(let rejection):
            print("\(rejection.index + 1): \(rejection.explanation)")
            print("nothing was applied: 1 of \(transactionCount) transactions was rejected")
            return false
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
                    print("\(type) \(key): not found")
                    allExist = false
                    continue
                }
                print("\(type) \(key), version \(entity.version)")
                for value in entity.values { print("  \(value.name): \(value.text ?? "no value")") }
            }
            if !allExist { throw ExitCode(2) }
        }
    }
}
