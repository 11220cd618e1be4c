import AtomicStateClient
import AtomicStateProtocol
import Foundation
import SeededRandom
import Testing

/// The server is killed while it does what it seldom does: while it recovers, and while old journal is
/// dropped. Clients notice nothing: what they have no answer to, they send again.
@Suite struct CrashStageTests {
    private static let workerCount = 4
    private static let textByteCount = 4_096
    private static let batchCount = 100
    private static let schema = """
        schema: 1
        name: notes
        entities:
          Note:
            key: uint64
            fields:
              count: { type: int, default: 0 }
              text: { type: string, max_length: \(textByteCount), default: '' }
        operations:
          begin: { parameters: { note: uint64 }, effects: ['create Note(note) {}'] }
          write:
            parameters: { note: { ref: Note }, text: { type: string, max_length: \(textByteCount) } }
            effects: [note.count += 1, note.text = text]

        """

    /// Starts that are killed before the server is ready, one after the other.
    @Test func killsDuringRecovery() async throws {
        try await withNotes(["--materialise-after", "1"]) { world, generator in
            var killedCount = 0
            for _ in 0..<max(1, CrashTests.cycleCount / 6) {
                try await world.load(milliseconds: 300)
                for _ in 0..<3 {
                    await world.kill()
                    // A start takes about 100 ms.
                    let delay = Duration.milliseconds(Int.random(in: 5...120, using: &generator))
                    if try await world.startAndKill(after: delay) { killedCount += 1 }
                    try await world.restart()
                }
            }
            #expect(killedCount > 0, "some start is killed before it is ready")
            print("tried \(killedCount) kills of a start before it was ready")
        }
    }

    /// Journal is dropped all the time, as hardly any is to be kept.
    @Test func killsDuringRetention() async throws {
        let arguments = ["--materialise-after", "1", "--journal-retention", "1"]
        try await withNotes(arguments) { world, generator in
            let killCount = max(2, CrashTests.cycleCount / 2)
            for _ in 0..<killCount {
                try await world.load(
                    milliseconds: Int.random(in: 300...900, using: &generator))
                try await world.restart()
            }
            // Files are dropped behind level 0 only, so that it takes some hundred megabytes.
            if CrashTests.cycleCount >= 24 { #expect(try await world.journalWasTrimmed()) }
            print("tried \(killCount) kills while journal is dropped")
        }
    }

    // MARK: The world

    private final class World {
        let data: URL
        let schema: String
        let arguments: [String]
        var server: ServerProcess
        let client: AtomicStateClient
        /// What was accepted of each worker's note.
        var counts = Array(repeating: 0, count: workerCount)

        init(_ folder: URL, _ arguments: [String]) async throws {
            data = folder.appending(path: "data")
            schema = folder.appending(path: "notes.yaml").path
            self.arguments = arguments
            try CrashStageTests.schema.write(toFile: schema, atomically: true, encoding: .utf8)
            server = try await ServerProcess(schema: schema, data: data, arguments: arguments)
            client = try await server.connect(retries: RetryPolicy())
            for note in 0..<workerCount {
                try await expectAccepted(client, "begin", ["note": ArgumentValue(note)])
            }
        }

        func kill() async {
            _ = await server.end(SIGKILL)
        }

        /// On the port that the client knows.
        func restart() async throws {
            await kill()
            server = try await ServerProcess(
                schema: schema, data: data, port: server.address.port, arguments: arguments)
        }

        /// Whether the start was not over by then.
        func startAndKill(after delay: Duration) async throws -> Bool {
            try await ServerProcess.startAndKill(
                schema: schema, data: data, arguments: arguments, after: delay)
        }

        /// Workers write, and the server is killed meanwhile; they go on when it is back.
        func load(milliseconds: Int) async throws {
            let client = client
            let end = ContinuousClock.now + .milliseconds(milliseconds)
            let workers = (0..<workerCount).map { worker in
                Task {
                    var count = 0
                    repeat {
                        var texts = Column()
                        for number in 0..<batchCount {
                            let text = "\(worker) \(count + number) "
                            texts.append(
                                String(repeating: text, count: textByteCount / text.utf8.count))
                        }
                        let keys = Column(
                            words: Array(repeating: UInt64(worker), count: batchCount))
                        let reply = try await client.submit([
                            Run(
                                operation: 1, transactionCount: batchCount,
                                arguments: [keys, texts])
                        ])
                        #expect(reply.acceptedCount == batchCount)
                        count += batchCount
                    } while ContinuousClock.now < end
                    return count
                }
            }
            try await Task.sleep(for: .milliseconds(milliseconds / 2))
            try await restart()
            for (worker, task) in workers.enumerated() { counts[worker] += try await task.value }
        }

        func check(_ place: String) async throws {
            let keys = (0..<workerCount).map { String($0) }
            let notes = try await client.get("Note", keys: keys)
            #expect(notes.map { $0?["count"] } == counts.map { "\($0)" }, "\(place)")
            let sequence = try await client.health().durableSequence
            #expect(sequence == UInt64(counts.reduce(workerCount, +)), "\(place)")
        }

        func journalWasTrimmed() async throws -> Bool {
            _ = await server.end(SIGTERM)
            let audit = try runServerTool(["audit", "--data", data.path])
            try await restart()
            return audit.text.contains("no longer goes back to the first transaction")
        }
    }

    private func withNotes(
        _ arguments: [String], _ body: (World, inout SeededGenerator) async throws -> Void
    ) async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(state: seed)
        try await withTemporaryFolder { folder in
            let world = try await World(folder, arguments)
            try await body(world, &generator)
            try await world.check("seed \(seed)")
            await world.client.close()
            #expect(await world.server.end(SIGTERM) == 0, "seed \(seed)")
            try expectIntact(world.data)
        }
    }
}
