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
        abstract: "Submit one transaction: atomic-state submit transfer from=1 to=2 amount=12.50",
        discussion: "Exits with 2 if the transaction is rejected.")

    @OptionGroup var option: ServerOption

    @Argument(help: "The operation.")
    var operation: String

    @Argument(help: "The arguments, as NAME=VALUE.")
    var arguments: [String] = []

    func run() async throws {
        var values: [String: ArgumentValue] = [:]
        for argument in arguments {
            guard let equals = argument.firstIndex(of: "=") else {
                throw ValidationError("\(argument): expected NAME=VALUE")
            }
            let name = String(argument[..<equals])
            guard values[name] == nil else { throw ValidationError("\(name) is given twice") }
            values[name] = ArgumentValue(String(argument[argument.index(after: equals)...]))
        }
        try await option.withClient { client in
            switch try await client.submit(operation, values) {
            case .accepted(let sequence):
                print("accepted, sequence \(sequence)")
            case .rejected(let rejection):
                print(rejection.explanation)
                throw ExitCode(2)
            }
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

extension Rejection {
    /// For a person: what was violated, where, and what the rule saw.
    fileprivate var explanation: String {
        var lines = ["rejected: \(message)", "  rule:   \(rule) (code \(code))"]
        if !entityType.isEmpty { lines.append("  entity: \(entityType) \(entityKey)") }
        for observation in observations {
            lines.append("  saw:    \(observation.name) = \(observation.value)")
        }
        return lines.joined(separator: "\n")
    }
}
