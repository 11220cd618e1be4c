import AtomicStateSchema
import Foundation
import HistoryChecker
import Testing

/// What concurrent clients of the real server are told, while it is killed and started again, is what one
/// transaction after the other would have told them.
@Suite struct ConsistencyTests {
    /// For each schema; ATOMIC_STATE_CONSISTENCY_SECONDS asks for more of them.
    private static let seconds =
        ProcessInfo.processInfo.environment["ATOMIC_STATE_CONSISTENCY_SECONDS"]
        .flatMap { Double($0) } ?? 0
    private static let clientCount = 6
    private static let killCount = 3

    @Test(arguments: Workload.Example.allCases)
    func historiesAreStrictlySerializable(example: Workload.Example) async throws {
        let end = ContinuousClock.now + .seconds(Self.seconds)
        repeat {
            let seed = UInt64.random(in: 0...UInt64.max)
            let workload = try Workload(example)
            let history = try await recordedHistory(workload, seed: seed)
            let violations = try await onThread {
                HistoryChecker(schema: workload.schema).violations(in: history)
            }
            guard violations.isEmpty else {
                let file = FileManager.default.temporaryDirectory
                    .appending(path: "atomic-state-history-\(example)-\(seed).txt")
                let texts = violations.map { "\($0)\n" }
                try (texts.joined() + history.description(in: workload.schema))
                    .write(to: file, atomically: true, encoding: .utf8)
                Issue.record("seed \(seed), see \(file.path): \(texts.joined())")
                return
            }
            expectLoad(history, "\(example), seed \(seed)")
        } while ContinuousClock.now < end
    }

    /// What the clients recorded, with every batch's outcome.
    private func recordedHistory(_ workload: Workload, seed: UInt64) async throws -> History {
        try await withTemporaryFolder { folder in
            let data = folder.appending(path: "data")
            let recorder = HistoryRecorder()
            var random = SeededGenerator(state: seed)
            var server = try await start(workload, data, port: 0)
            let port = server.address.port
            try await onThread {
                let beginning = History.Batch(transactions: workload.beginning)
                try RecordingClient(Self.clientCount, workload, recorder, seed: seed)
                    .run([.submit(beginning, [])], port: port)
            }
            let gate = LoadGate()
            gate.phase = .open(port: port)
            defer { gate.phase = .abandoned }
            let clients = (0..<Self.clientCount).map { number in
                Task {
                    try await onThread {
                        try RecordingClient(number, workload, recorder, seed: seed).run(gate)
                    }
                }
            }
            for _ in 0..<Self.killCount {
                try await Task.sleep(
                    for: .milliseconds(Int.random(in: 100...400, using: &random)))
                gate.phase = .closed
                #expect(await server.end(SIGKILL) == -Int(SIGKILL), "seed \(seed)")
                server = try await start(workload, data, port: port)
                gate.phase = .open(port: port)
            }
            try await Task.sleep(for: .milliseconds(150))
            gate.phase = .ending(port: port)
            for client in clients { try await client.value }
            try await onThread {
                try RecordingClient(Self.clientCount, workload, recorder, seed: seed)
                    .run(workload.reads.map { .get($0, []) }, port: port)
            }
            #expect(await server.end(SIGTERM) == 0, "seed \(seed)")
            try expectIntact(data)
            return recorder.history
        }
    }

    /// With rows materialised between the kills.
    private func start(
        _ workload: Workload, _ data: URL, port: Int
    ) async throws -> ServerProcess {
        try await ServerProcess(
            schema: repositoryFile("examples/\(workload.schema.name).yaml"), data: data,
            port: port, arguments: ["--materialise-after", "1"])
    }

    /// The history says something: there is all of what it is checked for in it.
    private func expectLoad(_ history: History, _ place: String) {
        var tally = (accepted: 0, rejected: 0, duplicate: 0, notApplied: 0, read: 0, unknown: 0)
        for operation in history.operations {
            if operation.completed == nil { tally.unknown += 1 }
            switch operation.exchange {
            case .get(_, let entities): tally.read += entities.count
            case .submit(_, let outcomes):
                for outcome in outcomes {
                    switch outcome {
                    case .accepted: tally.accepted += 1
                    case .rejected: tally.rejected += 1
                    case .duplicate: tally.duplicate += 1
                    case .notApplied: tally.notApplied += 1
                    }
                }
            }
        }
        print(place, history.operations.count, tally)
        #expect(tally.accepted > 50 && tally.rejected > 10 && tally.read > 10, "\(place) \(tally)")
        #expect(tally.unknown > 0, "\(place) \(tally)")
    }
}

extension Workload {
    fileprivate init(_ example: Example) throws {
        let file = repositoryFile("examples/\(example.rawValue).yaml")
        self.init(example, try Schema(parsing: String(contentsOfFile: file, encoding: .utf8)))
    }
}
