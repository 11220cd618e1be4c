import AtomicStateSchema
import Foundation
import HistoryChecker
import SeededRandom
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
        var historyCount = 0
        var total = Tally()
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
            let tally = Tally(history)
            // The history says something: there is all of what it is checked for in it.
            #expect(
                tally.acceptedCount > 50 && tally.rejectedCount > 10 && tally.readCount > 10
                    && tally.unknownCount > 0,
                "\(example), seed \(seed): \(tally)")
            historyCount += 1
            total.add(tally)
        } while ContinuousClock.now < end
        if Self.seconds > 0 {
            print(
                "tried \(historyCount) histories of \(example), \(Self.killCount) kills each, \(total)"
            )
        }
    }

    /// A server that forgets what it acknowledged is found out: its data folder is put back to what it was a
    /// kill before. If no transaction was acknowledged in between, it is tried again.
    @Test func forgottenTransactionsAreFound() async throws {
        for _ in 0..<5 {
            let seed = UInt64.random(in: 0...UInt64.max)
            let workload = try Workload(.bank)
            let history = try await recordedHistory(workload, seed: seed) { kill, data in
                let copy = data.deletingLastPathComponent().appending(path: "copy")
                if kill == 0 { try FileManager.default.copyItem(at: data, to: copy) }
                guard kill == 1 else { return }
                try FileManager.default.removeItem(at: data)
                try FileManager.default.moveItem(at: copy, to: data)
            }
            let violations = try await onThread {
                HistoryChecker(schema: workload.schema).violations(in: history)
            }
            if !violations.isEmpty { return }
        }
        Issue.record("five histories are right")
    }

    /// What the clients recorded, with every batch's outcome.
    ///
    /// - Parameter afterKill: gets the kill's number and the data folder.
    private func recordedHistory(
        _ workload: Workload, seed: UInt64, afterKill: (Int, URL) throws -> Void = { _, _ in }
    ) async throws -> History {
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
            for kill in 0..<Self.killCount {
                try await Task.sleep(
                    for: .milliseconds(Int.random(in: 100...400, using: &random)))
                gate.phase = .closed
                #expect(await server.end(SIGKILL) == -Int(SIGKILL), "seed \(seed)")
                try afterKill(kill, data)
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
}

/// How much of what is in histories.
private struct Tally: CustomStringConvertible {
    var acceptedCount = 0
    var rejectedCount = 0
    var duplicateCount = 0
    var readCount = 0
    /// Operations that were not answered.
    var unknownCount = 0

    init() {}

    init(_ history: History) {
        for operation in history.operations {
            if operation.completed == nil { unknownCount += 1 }
            switch operation.exchange {
            case .get(_, let entities): readCount += entities.count
            case .submit(_, let outcomes):
                for outcome in outcomes {
                    switch outcome {
                    case .accepted: acceptedCount += 1
                    case .rejected: rejectedCount += 1
                    case .duplicate: duplicateCount += 1
                    case .notApplied: break
                    }
                }
            }
        }
    }

    mutating func add(_ other: Tally) {
        acceptedCount += other.acceptedCount
        rejectedCount += other.rejectedCount
        duplicateCount += other.duplicateCount
        readCount += other.readCount
        unknownCount += other.unknownCount
    }

    var description: String {
        "\(acceptedCount) accepted, \(rejectedCount) rejected, \(duplicateCount) duplicates, "
            + "\(readCount) entities read, \(unknownCount) without an answer"
    }
}

extension Workload {
    fileprivate init(_ example: Example) throws {
        let file = repositoryFile("examples/\(example.rawValue).yaml")
        self.init(example, try Schema(parsing: String(contentsOfFile: file, encoding: .utf8)))
    }
}
