import AtomicStateClient
import AtomicStateProtocol
import Foundation
import SeededRandom
import Testing

/// The real server is given a schema that differs from the one that the data has.
@Suite struct SchemaChangeTests {
    private static let first = """
        schema: 1
        name: shop
        entities:
          Item:
            key: uint64
            fields:
              stock: { type: int, default: 0 }
              state: { type: enum, values: [new, used], default: new }
        operations:
          add: { parameters: { item: uint64, stock: int }, effects: ['create Item(item) { stock: stock }'] }
          use: { parameters: { item: { ref: Item } }, effects: ["item.state = 'used'"] }
          change: { parameters: { item: { ref: Item }, by: int }, effects: [item.stock += by] }
          remove: { parameters: { item: { ref: Item } }, effects: [delete item] }

        """

    /// A rule that says no to stock below zero, and something of everything that may be added.
    private static let second = first.replacing(
        "values: [new, used]", with: "values: [old, new, used]"
    )
    .replacing(
        "    fields:\n      stock:",
        with: """
                invariants:
                  - { id: in_stock, rule: self.stock >= 0, message: out of stock }
                fields:
                  note: { type: string, optional: true }
                  place: { type: string, default: here }
                  stock:
            """
    ).replacing(
        "operations:",
        with: """
              Place: { key: string }
            operations:
              open: { parameters: { place: string }, effects: ['create Place(place) {}'] }
            """)

    @Test func fromRefusalToMove() async throws {
        try await withTemporaryFolder { folder in
            let data = folder.appending(path: "data")
            let (first, second) = (
                try write(Self.first, "1", folder), try write(Self.second, "2", folder)
            )
            var server = try await ServerProcess(schema: first, data: data)
            var client = try await server.connect()
            for item in 1...30 {
                try await expectAccepted(
                    client, "add", ["item": .init(item), "stock": .init(item - 26)])
            }
            try await expectAccepted(client, "use", ["item": 30])
            #expect(await server.end(SIGTERM) == 0)

            // The dry run lists what breaks the rule, and changes nothing.
            let before = try await statusAfterServing(first, data)
            let trial = try runServerTool(["check", second, "--data", data.path, "--replay", "8"])
            #expect(trial.status == 1, "\(trial.text)")
            #expect(trial.text.contains("Item 1: in_stock: out of stock (self.stock = -25)"))
            #expect(trial.text.contains("and 5 more\n"), "\(trial.text)")
            #expect(trial.text.contains("CHANGE_REFUSED for 25 reasons"), "\(trial.text)")
            #expect(
                trial.text.contains(
                    "Of the last 8 transactions, this schema would have refused 2."),
                "\(trial.text)")
            #expect(
                trial.text.contains(
                    "sequence 24: add: Item 24: in_stock: out of stock (self.stock = -2)\n"))
            #expect(trial.text.contains("sequence 25: add: Item 25: in_stock"))
            #expect(!trial.text.contains("sequence 23"))

            // The server stays on the old schema, and says why.
            server = try await ServerProcess(schema: second, data: data)
            #expect(server.log.contains("Item 1: in_stock: out of stock"), "\(server.log)")
            #expect(server.log.contains("serving the schema that the data has"))
            #expect(try await server.adminStatus("/readyz") == 200)
            let status = try await status(server)
            #expect(status.version == 1)
            #expect(status.fingerprint == before.fingerprint)
            #expect(status.refused?.reasonCount == 25)
            client = try await server.connect()
            for item in 1...25 {
                let operation = item == 1 ? "remove" : "change"
                var arguments: [String: ArgumentValue] = ["item": .init(item)]
                if item > 1 { arguments["by"] = 100 }
                try await expectAccepted(client, operation, arguments)
            }
            #expect(await server.end(SIGTERM) == 0)
            let required = try runServerTool(
                serveArguments(try Self.third(folder), data) + ["--require-schema"])
            #expect(required.status == 1)
            #expect(
                required.text.contains("Item.stock would change from int to string"),
                "\(required.text)")

            // Now the data satisfies it.
            let possible = try runServerTool([
                "check", second, "--data", data.path, "--replay", "0",
            ])
            #expect(possible.status == 0, "\(possible.text)")
            #expect(possible.text.contains("CHANGE_POSSIBLE from version 1 to 2"))
            try expectIntegrity(data)
            server = try await ServerProcess(schema: second, data: data)
            #expect(server.log.contains("schema moved"), "\(server.log)")
            client = try await server.connect()
            try await expectMoved(client)
            try await expectAccepted(client, "open", ["place": "there"])
            try await expectAccepted(client, "add", ["item": 99, "stock": 0])
            let rejected = try await rejection(client, "change", ["item": 99, "by": -1])
            #expect(rejected.rule == "in_stock")
            // What was acknowledged is there after a kill, under the new version.
            #expect(await server.end(SIGKILL) == -Int(SIGKILL))
            try expectIntegrity(data)
            server = try await ServerProcess(
                schema: second, data: data, arguments: ["--materialise-after", "1"])
            client = try await server.connect()
            try await expectMoved(client)
            #expect(try await client.get("Item", keys: ["99"])[0]?["place"] == "here")
            #expect(try await self.status(server).version == 2)
            #expect(try await self.status(server).refused == nil)
            #expect(await server.end(SIGTERM) == 0)
            try expectIntegrity(data)
        }
    }

    /// Only comments differ: the text is noted, and the version stays.
    @Test func anotherTextOfTheSameSchema() async throws {
        try await withTemporaryFolder { folder in
            let data = folder.appending(path: "data")
            let before = try await statusAfterServing(try write(Self.first, "1", folder), data)
            let other = try write("# comment\n" + Self.first, "2", folder)
            let trial = try runServerTool(["check", other, "--data", data.path])
            #expect(trial.status == 0)
            #expect(trial.text.contains("means the same as version 1"), "\(trial.text)")
            let after = try await statusAfterServing(other, data)
            #expect(after.version == 1)
            #expect(after.fingerprint != before.fingerprint)
            try expectIntegrity(data)
        }
    }

    /// A version of the schema follows the other, with and without transactions in between.
    @Test func manyVersions() async throws {
        try await withTemporaryFolder { folder in
            let data = folder.appending(path: "data")
            var text = Self.first
            for version in 1...6 {
                let schema = try write(text, "\(version)", folder)
                let server = try await ServerProcess(schema: schema, data: data)
                if version % 2 == 1 {
                    try await expectAccepted(
                        try await server.connect(), "add",
                        ["item": .init(version), "stock": .init(version)])
                }
                #expect(await server.end(SIGTERM) == 0)
                text = text.replacing(
                    "      stock:",
                    with: "      f\(version): { type: int, default: \(version) }\n      stock:")
            }
            try expectIntegrity(data)
            let trial = try runServerTool(
                ["check", try write(text, "7", folder), "--data", data.path, "--replay", "2"])
            #expect(trial.status == 0)
            #expect(
                trial.text.contains(
                    "Of the last 2 transactions, this schema would have refused 0."),
                "\(trial.text)")
            #expect(trial.text.contains("CHANGE_POSSIBLE from version 6 to 7"), "\(trial.text)")
        }
    }

    /// ATOMIC_STATE_CRASH_CYCLES asks for more kills.
    static let killCount =
        ProcessInfo.processInfo.environment["ATOMIC_STATE_CRASH_CYCLES"].flatMap { Int($0) } ?? 12

    /// A kill at any moment of a move leaves a folder that can be served, with all of its entities.
    @Test func killsDuringTheMove() async throws {
        try await withTemporaryFolder { folder in
            let data = folder.appending(path: "data")
            let entityCount = 60_000
            var text = Self.first
            var version = 1
            let server = try await ServerProcess(schema: try write(text, "1", folder), data: data)
            let client = try await server.connect()
            for start in stride(from: 1, to: entityCount, by: 6_000) {
                let reply = try await client.submit([
                    Run(
                        operation: 0, transactionCount: 6_000,
                        arguments: [
                            Column(words: (start..<(start + 6_000)).map { UInt64($0) }),
                            Column(words: Array(repeating: 7, count: 6_000)),
                        ])
                ])
                #expect(reply.acceptedCount == 6_000)
            }
            #expect(await server.end(SIGKILL) == -Int(SIGKILL))
            let seed = UInt64.random(in: 0...UInt64.max)
            var generator = SeededGenerator(state: seed)
            for cycle in 1...Self.killCount {
                text = text.replacing(
                    "      stock:",
                    with: "      f\(cycle): { type: int, default: \(cycle) }\n      stock:")
                let schema = try write(text, "next", folder)
                let killed = Process()
                killed.executableURL = binary("atomic-state")
                killed.arguments = serveArguments(schema, data)
                killed.standardError = FileHandle.nullDevice
                try killed.run()
                try await Task.sleep(for: .milliseconds(Int.random(in: 5...250, using: &generator)))
                kill(killed.processIdentifier, SIGKILL)
                killed.waitUntilExit()

                let audit = try runServerTool(["audit", "--data", data.path])
                #expect(
                    audit.text.hasPrefix("INTEGRITY_OK \(entityCount) entities"),
                    "seed \(seed), cycle \(cycle): \(audit.text)")
                let again = try await ServerProcess(schema: schema, data: data)
                version += 1
                #expect(try await status(again).version == version, "seed \(seed), cycle \(cycle)")
                let item = try await again.connect().get("Item", keys: ["\(entityCount)"])[0]
                #expect(item?["f\(cycle)"] == "\(cycle)", "seed \(seed), cycle \(cycle)")
                #expect(item?["stock"] == "7")
                #expect(await again.end(SIGTERM) == 0)
            }
            try expectIntegrity(data)
            print("tried \(Self.killCount) kills during a change of the schema")
        }
    }

    // MARK: Helpers

    private struct Status: Decodable {
        struct Refused: Decodable, Equatable {
            let reasonCount: Int
        }

        let version: Int
        let fingerprint: String
        let refused: Refused?
    }

    private func status(_ server: ServerProcess) async throws -> Status {
        struct Page: Decodable { let schema: Status }
        let page = try await server.adminPage("/statusz")
        return try JSONDecoder().decode(Page.self, from: Data(page.body.utf8)).schema
    }

    private func statusAfterServing(_ schema: String, _ data: URL) async throws -> Status {
        let server = try await ServerProcess(schema: schema, data: data)
        let status = try await status(server)
        #expect(await server.end(SIGTERM) == 0)
        return status
    }

    private func expectMoved(_ client: AtomicStateClient) async throws {
        let items = try await client.get("Item", keys: ["1", "2", "30"])
        #expect(items[0] == nil)
        #expect(items[1]?["stock"] == "76")
        #expect(items[1]?["state"] == "new")
        #expect(items[1]?["place"] == "here")
        #expect(items[2]?["state"] == "used")
        #expect(items[2]?["stock"] == "4")
    }

    private func expectIntegrity(_ data: URL, sourceLocation: SourceLocation = #_sourceLocation)
        throws
    {
        let audit = try runServerTool(["audit", "--data", data.path])
        #expect(
            audit.text.hasPrefix("INTEGRITY_OK"), "\(audit.text)", sourceLocation: sourceLocation)
    }

    private static func third(_ folder: URL) throws -> String {
        let text = first.replacing(
            "{ type: int, default: 0 }", with: "{ type: string, default: '' }"
        )
        .replacing("stock: int", with: "stock: string").replacing("by: int", with: "by: string")
        let file = folder.appending(path: "third.yaml")
        try Data(text.utf8).write(to: file)
        return file.path
    }

    private func serveArguments(_ schema: String, _ data: URL) -> [String] {
        [
            "serve", "--schema", schema, "--data", data.path, "--listen", "127.0.0.1:0",
            "--admin", "127.0.0.1:0",
        ]
    }

    private func write(_ text: String, _ name: String, _ folder: URL) throws -> String {
        let file = folder.appending(path: "\(name).yaml")
        try Data(text.utf8).write(to: file)
        return file.path
    }
}
