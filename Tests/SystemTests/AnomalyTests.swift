import AtomicStateClient
import AtomicStateProtocol
import Foundation
import Testing

/// What goes wrong where rules are checked against a state that others change meanwhile: many clients
/// at once, each over a connection of its own. The rule holds at the end, and what was accepted and
/// rejected adds up exactly.
@Suite struct AnomalyTests {
    static let seeds: [UInt64] = [1, 2, 3]

    // MARK: Lost update

    /// A team of at most ten seats, and 25 clients that each take one or two.
    @Test(arguments: seeds) func aTeamOfTenSeats(seed: UInt64) async throws {
        try await withTeam { server, client in
            let attempts = try await concurrently(server, clientCount: 25, seed: seed) {
                client, _, random in
                let count = Int.random(in: 1...2, using: &random)
                return Attempt(
                    request: count,
                    outcome: try await client.submit(
                        "add_seats", ["team": "core", "count": ArgumentValue(count)]))
            }
            let seats = attempts.accepted().reduce(0, +)
            #expect(try await values(client, "Team", "core")["seats"] == "\(seats)")
            // At least 25 seats are wanted. Nine leave room for one, which some client takes unless
            // every one that wanted one came before.
            #expect((9...10).contains(seats))
            for attempt in attempts {
                guard let rejection = attempt.rejection else { continue }
                let before = try #require(Int(rejection.observations[0].before))
                #expect(
                    rejection.text == """
                        1 at_most_ten: a team has at most ten seats, and this one would have \(before + attempt.request)
                        Team core
                        self.seats = \(before) → \(before + attempt.request)
                        \(before + attempt.request) against 10
                        """)
                #expect(before + attempt.request > 10)
            }
        }
    }

    /// Clients that read, add one and write. The version that they read makes sure that nobody wrote in
    /// between; so each write that is accepted counts.
    @Test(arguments: seeds) func readModifyWrite(seed: UInt64) async throws {
        try await withTeam { server, client in
            let perClient = try await concurrently(server, clientCount: 8, seed: seed) {
                client, _, _ in
                var accepted = 0, mismatched = 0
                while true {
                    let read = try #require(try await client.get("Team", keys: ["core"])[0])
                    let seats = try #require(read["seats"].flatMap { Int($0) })
                    let outcome = try await client.submit(
                        Transaction(
                            .update(
                                "Team", "core", set: ["seats": ArgumentValue(seats + 1)],
                                expectedVersion: read.version)))
                    guard case .rejected(let rejection) = outcome else {
                        accepted += 1
                        continue
                    }
                    guard rejection.code == 15 else {
                        #expect(rejection.rule == "at_most_ten")
                        #expect(rejection.value == "11")
                        return (accepted, mismatched)
                    }
                    #expect(!rejection.retryCanHelp, "the same step, with the same version")
                    mismatched += 1
                }
            }
            #expect(perClient.map(\.0).reduce(0, +) == 10)
            #expect(try await values(client, "Team", "core")["seats"] == "10")
            #expect(perClient.map(\.1).reduce(0, +) > 0, "nobody met anyone")
        }
    }

    // MARK: The branching rule

    /// On the free plan a team has at most five seats, on the paid plan as many as the licence. One of
    /// the clients upgrades while the others take seats: the journal tells who came before it.
    @Test(arguments: seeds) func freePlanHasFiveSeats(seed: UInt64) async throws {
        try await withExample("seats") { server, client in
            try await expectAccepted(client, "found", ["org": "acme", "licensed_seats": 1_000])
            try await expectAccepted(
                client, .create("Team", "core", ["org": "acme", "name": "Core"]))
            let upgrader = 12
            let attempts = try await concurrently(server, clientCount: 24, seed: seed) {
                client, number, random in
                if number == upgrader {
                    try await Task.sleep(
                        for: .microseconds(UInt64.random(in: 0...1_500, using: &random)))
                    return [
                        Attempt(
                            request: 0,
                            outcome: try await client.submit("upgrade", ["team": "core"]))
                    ]
                }
                var attempts: [Attempt<Int>] = []
                for _ in 0..<10 {
                    let count = Int.random(in: 1...3, using: &random)
                    attempts.append(
                        Attempt(
                            request: count,
                            outcome: try await client.submit(
                                "add_seats", ["team": "core", "count": ArgumentValue(count)])))
                }
                return attempts
            }
            let upgrade = try #require(attempts[upgrader][0].sequence)
            let additions = attempts.joined()
            let free = additions.filter { $0.sequence.map { $0 < upgrade } ?? false }
            #expect(free.map(\.request).reduce(0, +) <= 5)
            for attempt in additions {
                guard let rejection = attempt.rejection else { continue }
                #expect(rejection.rule == "free_plan_limit")
                let seats = try #require(rejection.observations.first { $0.name == "self.seats" })
                #expect(Int(seats.value) == Int(seats.before)! + attempt.request)
                #expect(Int(rejection.value)! > 5)
                #expect(rejection.limit == "5")
            }
            let total = additions.accepted().reduce(0, +)
            #expect(try await values(client, "Team", "core")["seats"] == "\(total)")
            #expect(try await values(client, "Organization", "acme")["seats_used"] == "\(total)")
        }
    }

    /// Without an upgrade: exactly five of thirty clients get their seat.
    @Test func fiveOfThirty() async throws {
        try await withExample("seats") { server, client in
            try await expectAccepted(client, "found", ["org": "acme", "licensed_seats": 1_000])
            try await expectAccepted(
                client, .create("Team", "core", ["org": "acme", "name": "Core"]))
            let attempts = try await concurrently(server, clientCount: 30, seed: 1) {
                client, _, _ in
                Attempt(
                    request: 1,
                    outcome: try await client.submit("add_seats", ["team": "core", "count": 1]))
            }
            #expect(attempts.accepted().count == 5)
            #expect(
                Set(attempts.rejections().map(\.text)) == [
                    """
                    1 free_plan_limit: the free plan has at most five seats, and the team would have 6
                    Team core
                    self.plan = free
                    self.seats = 5 → 6
                    6 against 5
                    """
                ])
        }
    }

    // MARK: Write skew

    /// A licence of 100 seats over nine teams that use 90, and two teams that take eight at once: each
    /// alone would fit. In every round, exactly one is accepted.
    @Test func twoTeamsTakeEight() async throws {
        try await withExample("seats") { server, client in
            let roundCount = 20
            for round in 0..<roundCount {
                try await found(client, "org-\(round)", teamCount: 9, seatsEach: 10)
            }
            let attempts = try await concurrently(server, clientCount: 2, seed: 1) {
                client, number, _ in
                var attempts: [Attempt<Int>] = []
                for round in 0..<roundCount {
                    attempts.append(
                        Attempt(
                            request: 8,
                            outcome: try await client.submit(
                                "add_seats", ["team": "org-\(round)-\(number)", "count": 8])))
                }
                return attempts
            }
            for round in 0..<roundCount {
                let pair = attempts.map { $0[round] }
                #expect(pair.accepted().count == 1)
                #expect(
                    pair.rejections().map(\.text) == [
                        """
                        1 licence: 106 seats would be in use, and 100 are licensed
                        Organization org-\(round)
                        self.seats_used = 98 → 106
                        self.licensed_seats = 100
                        106 against 100
                        """
                    ])
                let organization = try await values(client, "Organization", "org-\(round)")
                #expect(organization["seats_used"] == "98")
            }
        }
    }

    /// The same with twenty teams that take and transfer seats, and a licence that shrinks and grows.
    @Test(arguments: seeds) func aLicenceOverManyTeams(seed: UInt64) async throws {
        try await withExample("seats") { server, client in
            try await found(client, "acme", teamCount: 20, seatsEach: 4)
            let attempts = try await concurrently(server, clientCount: 20, seed: seed) {
                client, number, random in
                var attempts: [Attempt<(seats: Int, licence: Int)>] = []
                for _ in 0..<15 {
                    let count = Int.random(in: 1...4, using: &random)
                    let team = ArgumentValue("acme-\(number)")
                    let amount = ArgumentValue(count)
                    let step: Transaction.Step
                    let change: (seats: Int, licence: Int)
                    switch Int.random(in: 0..<6, using: &random) {
                    case 0:
                        (step, change) = (
                            .call("buy_seats", ["org": "acme", "count": amount]), (0, count)
                        )
                    case 1:
                        (step, change) = (
                            .call("return_seats", ["org": "acme", "count": amount]), (0, -count)
                        )
                    case 2:
                        let other = ArgumentValue("acme-\((number + 1) % 20)")
                        (step, change) = (
                            .call(
                                "transfer_seats", ["from": team, "to": other, "count": amount]),
                            (0, 0)
                        )
                    default:
                        (step, change) = (
                            .call("add_seats", ["team": team, "count": amount]), (count, 0)
                        )
                    }
                    attempts.append(
                        Attempt(
                            request: change, outcome: try await client.submit(Transaction(step))))
                }
                return attempts
            }
            let all = attempts.joined()
            let accepted = all.accepted()
            let seats = 80 + accepted.map(\.seats).reduce(0, +)
            let licence = 100 + accepted.map(\.licence).reduce(0, +)
            #expect(seats <= licence)
            let organization = try await values(client, "Organization", "acme")
            #expect(organization["seats_used"] == "\(seats)")
            #expect(organization["licensed_seats"] == "\(licence)")
            let teams = try await client.get("Team", keys: (0..<20).map { "acme-\($0)" })
            #expect(teams.map { Int($0?["seats"] ?? "")! }.reduce(0, +) == seats)
            let rejections = all.rejections()
            #expect(accepted.count + rejections.count == 300)
            for rejection in rejections where rejection.rule == "licence" {
                #expect(Int(rejection.value)! > Int(rejection.limit)!)
            }
            let rules = Set(rejections.map(\.rule))
            #expect(rules.contains("licence"))
            #expect(rules.isSubset(of: ["licence", "seats_not_negative"]))
        }
    }

    private func withTeam(
        _ body: (ServerProcess, AtomicStateClient) async throws -> Void
    ) async throws {
        try await withTeamSchema { server, client in
            try await expectAccepted(client, .create("Team", "core", [:]))
            try await body(server, client)
        }
    }

    /// An organization with a licence of 100 seats and paid teams.
    private func found(
        _ client: AtomicStateClient, _ organization: String, teamCount: Int, seatsEach: Int
    ) async throws {
        let key = ArgumentValue(organization)
        try await expectAccepted(client, "found", ["org": key, "licensed_seats": 100])
        let teams = (0..<teamCount).map { team in
            Transaction(
                .create(
                    "Team", "\(organization)-\(team)",
                    [
                        "org": key, "name": "Team \(team)", "plan": "paid",
                        "seats": ArgumentValue(seatsEach),
                    ]))
        }
        let outcome = try await client.submitAtomically(teams)
        if case .rejected(let rejection) = outcome { Issue.record("\(rejection.text)") }
    }
}

/// Serves a schema of teams with at most ten seats, which clients change by themselves.
func withTeamSchema(
    _ body: (ServerProcess, AtomicStateClient) async throws -> Void
) async throws {
    let text = """
        schema: 1
        name: teams
        entities:
          Team:
            key: string
            generic: true
            fields:
              seats: { type: int, default: 0 }
              note: { type: string, optional: true }
              renewed: { type: timestamp, optional: true }
            invariants:
              - id: at_most_ten
                rule: self.seats <= 10
                message: a team has at most ten seats, and this one would have {self.seats}
        operations:
          add_seats:
            parameters: { team: { ref: Team }, count: int }
            effects:
              - team.seats += count
          renew:
            parameters: { team: { ref: Team } }
            effects:
              - team.renewed = now

        """
    try await withTemporaryFolder { folder in
        let schema = folder.appending(path: "teams.yaml")
        try text.write(to: schema, atomically: true, encoding: .utf8)
        try await withServer(schema: schema.path, body)
    }
}
