import AtomicStateClient
import AtomicStateProtocol
import Foundation
import Testing

/// The examples over real sockets, as their comments promise them.
@Suite struct ExampleTests {
    @Test func bankKeepsItsPromises() async throws {
        try await withTemporaryFolder { folder in
            let server = try await ServerProcess(
                schema: repositoryFile("examples/bank.yaml"), data: folder.appending(path: "data"))
            let client = try await server.connect()
            for account in [1, 2] {
                let opened = try await client.submit(
                    "open",
                    [
                        "account": ArgumentValue(account), "owner": "someone",
                        "credit_limit": "10.00",
                    ])
                #expect(opened == .accepted(sequence: UInt64(account)))
            }
            try await expectAccepted(client, "deposit", ["account": 1, "amount": "100.00"])
            try await expectAccepted(client, "transfer", ["from": 1, "to": 2, "amount": "110.00"])
            let overdrawn = try await rejection(
                client, "transfer", ["from": 1, "to": 2, "amount": "0.01"])
            #expect(overdrawn.rule == "within_credit")
            #expect(overdrawn.entityType == "Account")
            #expect(overdrawn.entityKey == "1")
            #expect(
                overdrawn.observations == [
                    .init(name: "self.balance", value: "-10.01"),
                    .init(name: "self.credit_limit", value: "10.00"),
                ])
            #expect(overdrawn.message == "the account would owe more than its credit limit")
            #expect(overdrawn.retryCanHelp)

            let paysItself = try await rejection(
                client, "transfer", ["from": 1, "to": 1, "amount": 1])
            #expect(paysItself.rule == "distinct")
            let missing = try await rejection(
                client, "transfer", ["from": 1, "to": 3, "amount": 1])
            #expect(missing.rule == "to")
            #expect(missing.entityKey == "3")
            let exists = try await rejection(
                client, "open", ["account": 2, "owner": "", "credit_limit": 0])
            #expect(exists.code == 4)
            let unsettled = try await rejection(client, "close", ["account": 1])
            #expect(unsettled.rule == "settled")

            let accounts = try await client.get("Account", keys: ["1", "2", "3"])
            #expect(accounts[0]?["balance"] == "-10.00")
            #expect(accounts[1]?["balance"] == "110.00")
            #expect(accounts[2] == nil)
            #expect(try await client.health().status == "ok")
            #expect(await server.end(SIGTERM) == 0)
        }
    }

    /// Two hundred seats, a hundred of them in use, and many teams that grow at once: each sees room
    /// for itself, and together they may not take more than there is.
    @Test func licenceHoldsUnderConcurrency() async throws {
        try await withTemporaryFolder { folder in
            let server = try await ServerProcess(
                schema: repositoryFile("examples/seats.yaml"), data: folder.appending(path: "data"))
            let client = try await server.connect()
            try await expectAccepted(client, "found", ["org": "acme", "licensed_seats": 200])
            let teamCount = 20
            for team in 0..<teamCount {
                try await expectAccepted(
                    client, "add_team",
                    [
                        "team": ArgumentValue("team-\(team)"), "org": "acme",
                        "name": ArgumentValue("Team \(team)"), "plan": "paid", "seats": 5,
                    ])
            }
            let acceptedCount = try await withThrowingTaskGroup(of: Int.self) { group in
                for team in 0..<teamCount {
                    let client = try await server.connect()
                    group.addTask {
                        var accepted = 0
                        for _ in 0..<10 {
                            let outcome = try await client.submit(
                                "add_seats", ["team": ArgumentValue("team-\(team)"), "count": 1])
                            switch outcome {
                            case .accepted: accepted += 1
                            case .rejected(let rejection):
                                #expect(rejection.rule == "licence")
                                #expect(rejection.entityKey == "acme")
                            }
                        }
                        await client.close()
                        return accepted
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(acceptedCount == 100)
            let organization = try await client.get("Organization", keys: ["acme"])[0]
            #expect(organization?["seats_used"] == "200")
            #expect(organization?["team_count"] == "20")
            let full = try await rejection(client, "add_seats", ["team": "team-0", "count": 1])
            #expect(full.observations.contains { $0.value == "201" })
            #expect(full.observations.contains { $0.value == "200" })
            #expect(await server.end(SIGTERM) == 0)
            let audit = try runServerTool(["audit", "--data", folder.appending(path: "data").path])
            #expect(audit.text.hasPrefix("INTEGRITY_OK"), "\(audit.text)")
        }
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

func expectAccepted(
    _ client: AtomicStateClient, _ operation: String, _ arguments: [String: ArgumentValue],
    sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    if case .rejected(let rejection) = try await client.submit(operation, arguments) {
        Issue.record("\(operation) was rejected: \(rejection)", sourceLocation: sourceLocation)
    }
}

func rejection(
    _ client: AtomicStateClient, _ operation: String, _ arguments: [String: ArgumentValue],
    sourceLocation: SourceLocation = #_sourceLocation
) async throws -> Rejection {
    guard case .rejected(let rejection) = try await client.submit(operation, arguments) else {
        Issue.record("\(operation) was accepted", sourceLocation: sourceLocation)
        throw ServerProcess.Failure(description: "\(operation) was accepted")
    }
    return rejection
}
