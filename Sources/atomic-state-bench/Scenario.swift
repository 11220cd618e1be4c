internal import ArgumentParser
internal import AtomicStateClient
internal import AtomicStateProtocol

/// What a load consists of, and what the server has to know afterwards.
///
/// `prepare`, then any number of `batch` and `acknowledge` at once, then `compare`.
protocol Scenario: Sendable {
    /// What `prepare` creates, in words.
    var population: String { get }

    /// Brings a fresh server to the state that the load starts from.
    func prepare(through session: Session) async throws

    /// The next batch of one stream; it depends on the stream alone.
    func batch(transactionCount: Int, from random: inout RandomStream) -> Batch

    /// Keeps what the reply to a batch says in the scenario's own model of the server's state.
    func acknowledge(_ batch: Batch, _ reply: SubmitReply)

    /// Reads the server's state back and compares it with the model.
    func compare(through session: Session) async throws -> StateComparison
}

/// What a scenario sends at a time.
struct Batch {
    var runs: [Run]
    /// Of the entity that each transaction changes, where its key does not tell at a glance.
    var numbers: [Int] = []
}

/// How the server's state compares with what the acknowledged transactions add up to.
struct StateComparison {
    private static let describedCountMax = 10

    private(set) var entityCount = 0
    private(set) var differenceCount = 0
    /// The first differences, in words.
    private(set) var descriptions: [String] = []

    mutating func addEntities(_ count: Int) {
        entityCount += count
    }

    mutating func addDifference(_ description: @autoclosure () -> String) {
        differenceCount += 1
        if descriptions.count < Self.describedCountMax { descriptions.append(description()) }
    }
}

/// The scenarios that can be chosen.
enum ScenarioName: String, CaseIterable, ExpressibleByArgument, Encodable {
    /// Transfers between accounts, on examples/bank.yaml.
    case bank
    /// Seats under a limit over all teams, on bench/scenarios/seats.yaml.
    case seats

    func scenario(schema: SchemaDescription, settings: Settings) throws -> any Scenario {
        switch self {
        case .bank: try BankScenario(schema: schema, accountCount: settings.accountCount)
        case .seats:
            try SeatsScenario(
                schema: schema, teamCount: settings.teamCount,
                organizationCount: settings.organizationCount,
                rejectedPercent: settings.rejectedPercent)
        }
    }
}
