internal import AtomicStateClient
internal import AtomicStateProtocol
internal import Synchronization

/// Teams take seats and give them back, on bench/scenarios/seats.yaml: every transaction changes a
/// total over all teams of an organization, and that total is limited.
///
/// Seats are taken more often than given back, so the totals stay at their limits, and the surplus is
/// rejected.
final class SeatsScenario: Scenario {
    /// So many that no team runs out of them.
    static let startingSeats: Int64 = 1_000
    /// What is left of an organization's licence before the load.
    static let startingFreeSeats: Int64 = 100

    private let teams: NumberedKeys
    private let organizations: NumberedKeys
    private let teamCount: Int
    private let organizationCount: Int
    /// Of 200 transactions.
    private let takingCount: UInt64
    private let schema: SeatsSchema
    private let model: Mutex<Model>

    private struct Model {
        /// The seats of each team, as the acknowledged transactions add up to. Small, to be near: every
        /// transaction changes another one.
        var seats: [Int32]
        var unexplainedRejections = UnexplainedRejections()
    }

    /// - Parameter rejectedPercent: of the transactions, once the free seats are taken.
    init(
        schema: SchemaDescription, teamCount: Int, organizationCount: Int, rejectedPercent: Int
    ) throws {
        self.schema = try SeatsSchema(schema)
        self.teamCount = teamCount
        self.organizationCount = organizationCount
        takingCount = UInt64(100 + rejectedPercent)
        teams = NumberedKeys(prefix: "team-")
        organizations = NumberedKeys(prefix: "org-")
        model = Mutex(
            Model(seats: Array(repeating: Int32(Self.startingSeats), count: teamCount)))
    }

    var population: String {
        "\(grouped(teamCount)) teams of \(grouped(organizationCount)) organizations"
    }

    func batch(transactionCount: Int, from random: inout RandomStream) -> Batch {
        let teamCount = UInt64(teamCount)
        let numbers = (0..<transactionCount).map { _ in Int(random.next(below: teamCount)) }
        let counts = (0..<transactionCount).map { _ in
            random.next(below: 200) < takingCount ? 1 : UInt64(bitPattern: -1)
        }
        let run = Run(
            operation: schema.addSeats, transactionCount: transactionCount,
            arguments: [teams.column(numbers), Column(words: counts)])
        return Batch(runs: [run], numbers: numbers)
    }

    func acknowledge(_ batch: Batch, _ reply: SubmitReply) {
        let counts = batch.runs[0].arguments[1].words
        model.withLock { model in
            model.seats.withUnsafeMutableBufferPointer { seats in
                for (team, count) in zip(batch.numbers, counts) {
                    seats[team] += Int32(truncatingIfNeeded: count)
                }
                for index in reply.rejections.lazy.map(\.index) {
                    seats[batch.numbers[index]] -= Int32(truncatingIfNeeded: counts[index])
                }
            }
            for rejection in reply.rejections { model.unexplainedRejections.note(rejection) }
        }
    }

    /// Teams are dealt out in turn, so the first organizations may have one more than the others.
    private func organization(ofTeam team: Int) -> Int { team % organizationCount }

    private func licensedSeats(ofOrganization number: Int) -> Int64 {
        let teamCount = (teamCount - number + organizationCount - 1) / organizationCount
        return Int64(teamCount) * Self.startingSeats + Self.startingFreeSeats
    }
}

// MARK: Before and after the load

extension SeatsScenario {
    /// Few enough that a request or reply with all of a team's fields is far from the frame limit.
    private static let chunkCountMax = 8_192

    func prepare(through session: Session) async throws {
        let first = try await session.client.get(
            entity: schema.organization, keys: organizations.column(0..<1))
        guard first.found == [false] else {
            throw BenchError.serverNotFresh("the organization \(organizations[0]) exists")
        }
        let chunkCountMax = min(
            Self.chunkCountMax, session.client.greeting.batchTransactionCountMax)
        try await session.forEachChunk(of: organizationCount, chunkCountMax: chunkCountMax) {
            try await session.prepare([self.foundingRun(for: $0)])
        }
        try await session.forEachChunk(of: teamCount, chunkCountMax: chunkCountMax) {
            try await session.prepare([self.teamRun(for: $0)])
        }
    }

    private func foundingRun(for numbers: Range<Int>) -> Run {
        var licences = Column()
        for number in numbers { licences.append(licensedSeats(ofOrganization: number)) }
        return Run(
            operation: schema.found, transactionCount: numbers.count,
            arguments: [organizations.column(numbers), licences])
    }

    private func teamRun(for numbers: Range<Int>) -> Run {
        let keys = teams.column(numbers)
        func constant(_ word: UInt64) -> Column {
            Column(words: Array(repeating: word, count: numbers.count))
        }
        return Run(
            operation: schema.addTeam, transactionCount: numbers.count,
            arguments: [
                keys, organizations.column(numbers.map(organization(ofTeam:))), keys,
                constant(schema.paidPlan), constant(UInt64(Self.startingSeats)),
            ])
    }

    func compare(through session: Session) async throws -> StateComparison {
        let model = model.withLock { $0 }
        var comparison = StateComparison()
        if let difference = model.unexplainedRejections.difference {
            comparison.addDifference(difference)
        }
        try await compareTeams(model, &comparison, through: session)
        try await compareOrganizations(model, &comparison, through: session)
        return comparison
    }

    private func compareTeams(
        _ model: Model, _ comparison: inout StateComparison, through session: Session
    ) async throws {
        for numbers in chunks(of: teamCount) {
            let reply = try await session.client.get(
                entity: schema.team, keys: teams.column(numbers))
            let found = try schema.seats(in: reply, count: numbers.count)
            comparison.addEntities(numbers.count)
            for (found, team) in zip(found, numbers) {
                Self.compare(found, Int64(model.seats[team]), of: teams[team], &comparison)
            }
        }
    }

    private func compareOrganizations(
        _ model: Model, _ comparison: inout StateComparison, through session: Session
    ) async throws {
        var seatsUsed = Array(repeating: Int64(0), count: organizationCount)
        for (team, seats) in model.seats.enumerated() {
            seatsUsed[organization(ofTeam: team)] += Int64(seats)
        }
        for numbers in chunks(of: organizationCount) {
            let reply = try await session.client.get(
                entity: schema.organization, keys: organizations.column(numbers))
            let found = try schema.seatsUsed(in: reply, count: numbers.count)
            comparison.addEntities(numbers.count)
            for (found, number) in zip(found, numbers) {
                Self.compare(found, seatsUsed[number], of: organizations[number], &comparison)
                if let found, found > licensedSeats(ofOrganization: number) {
                    comparison.addDifference(
                        "\(organizations[number]): \(found) seats are in use, and its licence is for "
                            + "\(licensedSeats(ofOrganization: number))")
                }
            }
        }
    }

    private func chunks(of count: Int) -> [Range<Int>] {
        stride(from: 0, to: count, by: Self.chunkCountMax).map {
            $0..<min($0 + Self.chunkCountMax, count)
        }
    }

    private static func compare(
        _ found: Int64?, _ expected: Int64, of key: String, _ comparison: inout StateComparison
    ) {
        guard let found else {
            comparison.addDifference("\(key) is missing")
            return
        }
        if found != expected {
            comparison.addDifference(
                "\(key): the server has \(found) seats, the acknowledged transactions add up to "
                    + "\(expected)")
        }
    }
}
