import AtomicStateClient
import AtomicStateProtocol
import AtomicStateSchema
import Foundation
import Testing

/// The examples over real sockets, as their comments promise them.
@Suite struct ExampleTests {
    /// The file that docs/schema.md explains.
    @Test func theDocumentedFile() throws {
        let text = try String(contentsOfFile: repositoryFile("docs/schema.md"), encoding: .utf8)
        let start = try #require(text.range(of: "```yaml\n")).upperBound
        let end = try #require(text.range(of: "```", range: start..<text.endIndex)).lowerBound
        let schema = try Schema(parsing: String(text[start..<end]))
        #expect(schema.entities.map(\.name) == ["Hotel", "Booking"])
        _ = try Program(compiling: schema)
    }

    @Test func bank() async throws {
        try await withExample("bank") { _, client in
            for account in [1, 2] {
                try await expectAccepted(
                    client, "open",
                    [
                        "account": ArgumentValue(account), "owner": "someone",
                        "credit_limit": "10.00",
                    ])
            }
            try await expectAccepted(client, "deposit", ["account": 1, "amount": "100.00"])
            try await expectAccepted(client, "transfer", ["from": 1, "to": 2, "amount": "110.00"])

            let overdrawn = try await rejection(
                client, "transfer", ["from": 1, "to": 2, "amount": "0.01"])
            #expect(
                overdrawn
                    == Rejection(
                        index: 0, code: 1, rule: "within_credit", entityType: "Account",
                        entityKey: "1",
                        message: "the balance would be -10.01, with a credit limit of 10.00",
                        observations: [
                            .init(name: "self.balance", value: "-10.01", before: "-10.00"),
                            .init(name: "self.credit_limit", value: "10.00", before: "10.00"),
                        ], retryCanHelp: true, value: "-10.01", limit: "-10.00"))

            try await expectRejected(
                client, .call("transfer", ["from": 1, "to": 1, "amount": 1]),
                as: """
                    2 distinct: an account can't pay itself
                    from = 1
                    to = 1
                    """)
            try await expectRejected(
                client, .call("withdraw", ["account": 2, "amount": "-5"]),
                as: """
                    2 positive: the amount must be positive
                    amount = -5.00
                    -5.00 against 0.00
                    """)
            try await expectRejected(
                client, .call("set_credit_limit", ["account": 1, "credit_limit": "9.99"]),
                as: """
                    1 within_credit: the balance would be -10.00, with a credit limit of 9.99
                    Account 1
                    self.balance = -10.00
                    self.credit_limit = 10.00 → 9.99
                    -10.00 against -9.99
                    """)
            try await expectRejected(
                client, .call("close", ["account": 1]),
                as: """
                    2 settled: the balance must be zero, and is -10.00
                    account.balance = -10.00
                    """)
            let missing = try await rejection(
                client, "transfer", ["from": 1, "to": 3, "amount": 1])
            #expect(missing.code == 3)
            #expect(missing.rule == "to")
            #expect(missing.entityKey == "3")
            let exists = try await rejection(
                client, "open", ["account": 2, "owner": "", "credit_limit": 0])
            #expect(exists.code == 4)

            let accounts = try await client.get("Account", keys: ["1", "2", "3"])
            #expect(accounts[0]?["balance"] == "-10.00")
            #expect(accounts[1]?["balance"] == "110.00")
            #expect(accounts[2] == nil)
            #expect(try await client.health().status == "ok")
        }
    }

    @Test func seats() async throws {
        try await withExample("seats") { _, client in
            try await expectAccepted(client, "found", ["org": "acme", "licensed_seats": 100])
            try await expectAccepted(client, "found", ["org": "other", "licensed_seats": 5])
            for team in ["core", "web"] {
                try await expectAccepted(client, Self.creation(team, org: "acme", seats: 45))
            }
            try await expectAccepted(client, "add_seats", ["team": "core", "count": 8])
            try await expectRejected(
                client, .call("add_seats", ["team": "web", "count": 8]),
                as: """
                    1 licence: 106 seats would be in use, and 100 are licensed
                    Organization acme
                    self.seats_used = 98 → 106
                    self.licensed_seats = 100
                    106 against 100
                    """)
            try await expectRejected(
                client, .call("return_seats", ["org": "acme", "count": 3]),
                as: """
                    1 licence: 98 seats would be in use, and 97 are licensed
                    Organization acme
                    self.seats_used = 98
                    self.licensed_seats = 100 → 97
                    98 against 97
                    """)
            try await expectAccepted(
                client, "transfer_seats", ["from": "core", "to": "web", "count": 50])
            try await expectRejected(
                client, .call("transfer_seats", ["from": "core", "to": "web", "count": 4]),
                as: """
                    1 seats_not_negative: a team can't have -1 seats
                    Team core
                    self.seats = 3 → -1
                    -1 against 0
                    """)
            try await expectRejected(
                client, .call("transfer_seats", ["from": "web", "to": "core", "count": 1]),
                .call("add_seats", ["team": "core", "count": 2]),
                as: """
                    1 seats_move: a transfer would change the seats in use by 2
                    delta(Team.seats) = 2
                    """)
            try await expectRejected(
                client, .call("downgrade", ["team": "core"]),
                as: """
                    1 no_downgrade: a paid team can't go back to the free plan
                    Team core
                    oldSelf.plan = paid
                    self.plan = paid → free
                    """)
        }
    }

    @Test func seatsOfTeamsThatClientsMake() async throws {
        try await withExample("seats") { _, client in
            try await expectAccepted(client, "found", ["org": "acme", "licensed_seats": 100])
            try await expectAccepted(client, "found", ["org": "other", "licensed_seats": 5])
            try await expectAccepted(client, Self.creation("core", org: "acme", seats: 0))
            try await expectRejected(
                client, .create("Team", "copy", ["org": "acme", "name": "Team core"]),
                as: """
                    14 Team.unique(org, name): another entity has the same values
                    Team copy
                    self.org = acme
                    self.name = Team core
                    taken_by = core
                    """)
            try await expectAccepted(
                client, .create("Team", "copy", ["org": "other", "name": "Team core"]))
            try await expectRejected(
                client, .update("Team", "copy", add: ["seats": 6]),
                as: """
                    1 free_plan_limit: the free plan has at most five seats, and the team would have 6
                    Team copy
                    self.plan = free
                    self.seats = 0 → 6
                    6 against 5
                    """)
            for team in 1...2 {
                let name = ArgumentValue("free-\(team)")
                try await expectAccepted(
                    client, .create("Team", name, ["org": "other", "name": name]))
            }
            try await expectRejected(
                client, .create("Team", "free-4", ["org": "other", "name": "free-4"]),
                as: """
                    1 free_teams: an organization may have three free teams; 0 of 4 would be paid
                    Organization other
                    self.team_count = 3 → 4
                    self.paid_team_count = 0
                    4 against 3
                    """)
        }
    }

    private static func creation(_ team: String, org: ArgumentValue, seats: Int) -> Transaction.Step
    {
        .call(
            "add_team",
            [
                "team": ArgumentValue(team), "org": org, "name": "Team \(team)", "plan": "paid",
                "seats": ArgumentValue(seats),
            ])
    }

    @Test func probesMetricsAndStatus() async throws {
        try await withTemporaryFolder { folder in
            let server = try await ServerProcess(
                schema: repositoryFile("examples/bank.yaml"), data: folder.appending(path: "data"))
            for probe in ["/livez", "/readyz", "/startupz"] {
                #expect(try await server.adminStatus(probe) == 200)
            }
            #expect(try await server.adminStatus("/nothing") == 404)
            let metrics = try await server.adminPage("/metrics").body
            #expect(metrics.contains("atomic_state_rocksdb_level0_files{family=\"journal\"} 0\n"))
            #expect(metrics.contains("# TYPE atomic_state_transactions_accepted_total counter\n"))
            let status = try await server.adminPage("/statusz").body
            let json = try #require(
                try JSONSerialization.jsonObject(with: Data(status.utf8)) as? [String: Any])
            #expect(json["health"] as? String == "ok")
            #expect((json["compaction"] as? [String: Any])?["writesStopped"] as? Bool == false)
            let health = try runServerTool(["health", "--admin", "127.0.0.1:\(server.adminPort)"])
            #expect(health.status == 0)
            #expect(await server.end(SIGTERM) == 0)
            let gone = try runServerTool(["health", "--admin", "127.0.0.1:\(server.adminPort)"])
            #expect(gone.status == 1)
        }
    }
}
