import AtomicStateClient
import AtomicStateProtocol
import Foundation
import Testing

/// Transactions of several steps, steps without a declared operation, atomic batches and the commit
/// time, over real sockets.
@Suite struct TransactionTests {
    @Test func stepsStandOrFallTogether() async throws {
        try await withTeamSchema { _, client in
            try await expectAccepted(
                client, .create("Team", "core", ["seats": 3]),
                .call("add_seats", ["team": "core", "count": 9]),
                .update("Team", "core", add: ["seats": -4]))
            #expect(try await values(client, "Team", "core")["seats"] == "8", "12 in between")

            let before = try await client.health().durableSequence
            try await expectRejected(
                client, .create("Team", "web", [:]),
                .call("add_seats", ["team": "core", "count": 3]),
                as: """
                    1 at_most_ten: a team has at most ten seats, and this one would have 11
                    Team core
                    self.seats = 8 → 11
                    11 against 10
                    """)
            try await expectRejected(
                client, .update("Team", "core", set: ["note": "x"]), .delete("Team", "none"),
                as: """
                    3 steps[1].key: the entity does not exist
                    Team none
                    """)
            #expect(try await client.get("Team", keys: ["web"]) == [nil])
            #expect(try await values(client, "Team", "core")["note"] == .some(nil))
            #expect(try await client.health().durableSequence == before)
        }
    }

    @Test func genericStepsWithVersions() async throws {
        try await withTeamSchema { _, client in
            let created = try await client.submit(Transaction(.create("Team", "core", [:])))
            guard case .accepted(let first) = created else {
                Issue.record("\(created)")
                return
            }
            try await expectRejected(
                client, .create("Team", "core", [:]),
                as: """
                    4 steps[0]: the entity exists already
                    Team.key = core
                    """)
            try await expectAccepted(
                client,
                .update(
                    "Team", "core", set: ["note": "old"], add: ["seats": 2],
                    expectedVersion: first))
            let state = try #require(try await client.get("Team", keys: ["core"])[0])
            #expect(state.version == first + 1)
            #expect(state["seats"] == "2")
            #expect(state["note"] == "old")
            let outdated = """
                15 steps[0]: the entity has another version than the one expected
                Team core
                version = \(first + 1)
                expected = \(first)
                """
            try await expectRejected(
                client, .update("Team", "core", clear: ["note"], expectedVersion: first),
                as: outdated)
            try await expectRejected(
                client, .delete("Team", "core", expectedVersion: first), as: outdated)
            try await expectAccepted(
                client, .update("Team", "core", clear: ["note"], expectedVersion: first + 1))
            let cleared = try #require(try await client.get("Team", keys: ["core"])[0])
            #expect(cleared["note"] == nil)
            #expect(cleared.version == first + 2)
            try await expectAccepted(
                client, .delete("Team", "core", expectedVersion: cleared.version))
            #expect(try await client.get("Team", keys: ["core"]) == [nil])
        }
    }

    @Test func typesAreNotGenericUnlessTheySaySo() async throws {
        try await withExample("bank") { _, client in
            await #expect {
                try await client.submit(Transaction(.create("Account", 1, [:])))
            } throws: { error in
                if case ArgumentError.notGeneric(entity: "Account", _) = error {
                    true
                } else {
                    false
                }
            }
        }
    }

    @Test func atomicBatches() async throws {
        try await withTeamSchema { _, client in
            let keys = (0..<5).map { "team-\($0)" }
            let creations = keys.map {
                Transaction(.create("Team", ArgumentValue($0), ["seats": 9]))
            }
            let created = try await client.submitAtomically(creations)
            guard case .accepted(let first) = created else {
                Issue.record("\(created)")
                return
            }
            let states = try await client.get("Team", keys: keys)
            #expect(states.map { $0?.version } == (0..<5).map { first + $0 })

            let growth = keys.map {
                Transaction(.call("add_seats", ["team": ArgumentValue($0), "count": 1]))
            }
            let tooMuch = growth + [growth[2]] + creations
            guard case .rejected(let rejection) = try await client.submitAtomically(tooMuch) else {
                Issue.record("accepted")
                return
            }
            #expect(rejection.index == 5)
            #expect(
                rejection.text == """
                    1 at_most_ten: a team has at most ten seats, and this one would have 11
                    Team team-2
                    self.seats = 10 → 11
                    11 against 10
                    """)
            #expect(try await client.get("Team", keys: keys) == states, "nothing was applied")
            #expect(try await client.health().durableSequence == first + 4)

            // The same, each on its own.
            let outcomes = try await client.submit(tooMuch)
            #expect(
                outcomes.map(\.isAccepted) == Array(repeating: true, count: 5)
                    + Array(repeating: false, count: 6))
            #expect(try await client.health().durableSequence == first + 9)
        }
    }

    /// The commit time is the server's, the same for all steps of a transaction, and never runs back.
    @Test func now() async throws {
        try await withTeamSchema { _, client in
            for team in ["a", "b"] {
                try await expectAccepted(client, .create("Team", ArgumentValue(team), [:]))
            }
            #expect(try await values(client, "Team", "a")["renewed"] == .some(nil))
            var previous = Date(timeIntervalSinceNow: -1)
            for _ in 0..<5 {
                try await expectAccepted(
                    client, .call("renew", ["team": "a"]), .call("renew", ["team": "b"]))
                let times = try await client.get("Team", keys: ["a", "b"]).map { $0?["renewed"] }
                #expect(times[0] == times[1])
                let time = try Date(
                    try #require(times[0] ?? nil),
                    strategy: .iso8601.year().month().day().time(includingFractionalSeconds: true))
                #expect(time > previous)
                #expect(time < Date(timeIntervalSinceNow: 1))
                previous = time
            }
        }
    }

    /// More sequences of steps than are kept compiled, none of which changes anything.
    @Test func manyForms() async throws {
        try await withTeamSchema { _, client in
            func transaction(_ form: Int) -> Transaction {
                Transaction(
                    steps: (0..<11).map { bit in
                        form >> bit & 1 == 0
                            ? .update("Team", "nobody", set: ["seats": 1])
                            : .update("Team", "nobody", add: ["seats": 1])
                    })
            }
            for first in stride(from: 0, to: 1 << 11, by: 64) {
                let outcomes = try await client.submit((first..<(first + 64)).map(transaction))
                #expect(outcomes.allSatisfy { !$0.isAccepted })
            }
            await #expect(throws: (any Error).self) {
                _ = try await client.submit((0..<65).map(transaction))
            }
            try await expectAccepted(client, .create("Team", "core", [:]))
        }
    }

    /// Everything by SDK and by command line, then a crash and a restart.
    @Test func survivesARestart() async throws {
        try await withTemporaryFolder { folder in
            let data = folder.appending(path: "data")
            let schema = repositoryFile("examples/seats.yaml")
            let first = try await ServerProcess(schema: schema, data: data)
            let client = try await first.connect()
            try await expectAccepted(
                client, .call("found", ["org": "acme", "licensed_seats": 10]),
                .create("Team", "core", ["org": "acme", "name": "Core", "seats": 2]))
            try Self.submit(
                first, "add_seats team=core count=2 and update Team core @1 plan=paid",
                prints: "accepted, sequence 2\n")
            try Self.submit(
                first,
                "--atomic create Team web org=acme name=Web plan=paid then update Team web seats+=7",
                status: 2,
                prints: """
                    2: rejected: 11 seats would be in use, and 10 are licensed
                      rule:   licence (code 1)
                      entity: Organization acme
                      saw:    self.seats_used = 4 → 11
                      saw:    self.licensed_seats = 10
                      value:  11
                      limit:  10
                    nothing was applied: 1 of 2 transactions was rejected

                    """)
            try Self.submit(
                first,
                "--atomic create Team web org=acme name=Web plan=paid then update Team web seats+=5",
                prints: "1: accepted, sequence 3\n2: accepted, sequence 4\n")
            try Self.submit(
                first, "delete Team web @3", status: 2,
                prints: """
                    rejected: the entity has another version than the one expected
                      rule:   steps[0] (code 15)
                      entity: Team web
                      saw:    version = 4
                      saw:    expected = 3

                    """)
            try await expectAccepted(
                client, .create("Team", "gone", ["org": "acme", "name": "Gone"]),
                .delete("Team", "gone"))
            let teams = try await client.get("Team", keys: ["core", "web", "gone"])
            let organization = try await values(client, "Organization", "acme")
            #expect(teams.map { $0?["seats"] } == ["4", "5", nil])
            #expect(organization["seats_used"] == "9")
            #expect(await first.end(SIGKILL) == -Int(SIGKILL))

            try expectIntact(data)
            let second = try await ServerProcess(schema: schema, data: data)
            let again = try await second.connect()
            #expect(try await again.get("Team", keys: ["core", "web", "gone"]) == teams)
            #expect(try await values(again, "Organization", "acme") == organization)
            try await expectRejected(
                again, .create("Team", "other", ["org": "acme", "name": "Web"]),
                as: """
                    14 Team.unique(org, name): another entity has the same values
                    Team other
                    self.org = acme
                    self.name = Web
                    taken_by = web
                    """)
            try await expectAccepted(
                again, .create("Team", "other", ["org": "acme", "name": "Gone"]))
            #expect(await second.end(SIGTERM) == 0)
            try expectIntact(data)
        }
    }

    private static func submit(
        _ server: ServerProcess, _ words: String, status: Int = 0, prints text: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let result = try runServerTool(
            ["submit", "--server", "\(server.address)"]
                + words.split(separator: " ").map { String($0) })
        #expect(result.status == status, sourceLocation: sourceLocation)
        #expect(result.text == text, sourceLocation: sourceLocation)
    }
}
