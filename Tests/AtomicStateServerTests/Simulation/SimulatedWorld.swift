import AtomicStateEngine
import AtomicStateProtocol
import AtomicStateSchema
import AtomicStateStorage
import Foundation
import SeededRandom

@testable import AtomicStateServer

/// A server, its clients, their wires, the disk and the time, all of which go on by steps that a seed
/// chooses: threads interleave, wires are slow and are cut, writes fail, the process dies and recovers.
struct SimulatedWorld {
    static let accountCount: UInt64 = 5
    static let schema: CompiledSchema = {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        do {
            return try CompiledSchema(
                text: try String(
                    contentsOf: root.appending(path: "examples/bank.yaml"), encoding: .utf8))
        } catch {
            preconditionFailure("\(error)")
        }
    }()
    static let operations = (
        open: index("open"), deposit: index("deposit"), withdraw: index("withdraw"),
        transfer: index("transfer")
    )

    private static func index(_ name: String) -> Int {
        guard let index = schema.schema.operations.firstIndex(where: { $0.name == name }) else {
            preconditionFailure("examples/bank.yaml has no operation \(name)")
        }
        return index
    }

    private var generator: SeededGenerator
    private let time = SimulatedTime()
    private let storage: SimulatedStorage
    private let clients: [SimulatedClient]
    private var server: SimulatedServer?
    /// The last sequence that a client was told of.
    private var toldSequence: UInt64 = 0
    private let rememberedOutcomeCount: Int
    private(set) var stepCount = 0
    private(set) var startCount = 0

    init(seed: UInt64) throws {
        generator = SeededGenerator(state: seed)
        storage = SimulatedStorage(seed: generator.next())
        clients = (1...4).map { SimulatedClient(number: $0) }
        // Few, so that outcomes are forgotten now and then, or enough for all.
        rememberedOutcomeCount = generator.pick([640, 100_000])
        try start()
        try openAccounts()
    }

    /// Takes steps with faults, and then some without until every request is answered.
    mutating func run(stepCount: Int) throws {
        storage.failureOneIn = generator.pick([0, 100, 1_000])
        let crashOneIn = generator.pick([300, 1_000, 10_000])
        for _ in 0..<stepCount { try step(crashOneIn: crashOneIn) }
        storage.failureOneIn = 0
        storage.reportedHealth = StorageHealth()
        server?.lookAtStorage()
        var remaining = 1_000_000
        while remaining > 0, clients.contains(where: { !$0.unanswered.isEmpty }) {
            remaining -= 1
            try step(crashOneIn: 0, isAsking: false)
        }
    }

    // MARK: Steps

    private mutating func step(crashOneIn: Int, isAsking: Bool = true) throws {
        stepCount += 1
        if generator.oneIn(10) {
            time.advance(by: UInt64.random(in: 0...2_000_000, using: &generator))
        }
        guard let server else {
            try start()
            return
        }
        if crashOneIn > 0, generator.oneIn(crashOneIn) {
            crash()
            return
        }
        if isAsking, generator.oneIn(200) {
            storage.reportedHealth.writesStopped = generator.oneIn(3)
            server.lookAtStorage()
        }
        do {
            switch Int.random(in: 0..<10, using: &generator) {
            case 0, 1, 2: try stepClient(generator.pick(clients), server, isAsking: isAsking)
            case 3, 4: server.runLoop()
            case 5, 6: _ = try server.stepWriter()
            case 7, 8: _ = try server.stepCommitter()
            default: _ = try server.stepMaterialiser()
            }
        } catch is StorageError {
            // The process stops without answering anybody.
            crash()
        }
    }

    private mutating func stepClient(
        _ client: SimulatedClient, _ server: SimulatedServer, isAsking: Bool
    ) throws {
        guard client.isConnected else {
            try client.connect(to: server)
            return
        }
        switch Int.random(in: 0..<100, using: &generator) {
        case 0 where isAsking: client.disconnect()
        case 0..<25 where isAsking:
            if client.unanswered.count < 6 {
                client.ask(
                    toldSequence: toldSequence,
                    milliseconds: time.clock.wallMicroseconds / 1_000, &generator)
            }
        case 25..<50: client.send()
        case 50..<75: try client.deliver(&generator)
        default:
            let told = try client.receive(
                durableSequence: server.durableSequence, &generator)
            toldSequence = max(toldSequence, told)
        }
    }

    private mutating func start() throws {
        storage.restart()
        startCount += 1
        do {
            server = try SimulatedServer(
                storage, SchemaVersion(number: 1, compiled: Self.schema), time.clock,
                rememberedOutcomeCount: rememberedOutcomeCount)
        } catch is StorageError {
            // It starts again.
        }
    }

    private mutating func crash() {
        for client in clients { client.disconnect() }
        server = nil
    }

    private mutating func openAccounts() throws {
        let client = SimulatedClient(number: 0)
        let accounts = Array(1...Self.accountCount)
        var owners = Column()
        for _ in accounts { owners.append("") }
        client.prepare(
            Run(
                operation: Self.operations.open, transactionCount: accounts.count,
                arguments: [
                    Column(words: accounts), owners, Column(words: accounts.map { _ in 0 }),
                ]),
            milliseconds: time.clock.wallMicroseconds / 1_000)
        guard let server else { return }
        try client.connect(to: server)
        while !client.unanswered.isEmpty {
            client.send()
            try client.deliver(&generator)
            server.runLoop()
            _ = try server.stepWriter()
            _ = try server.stepCommitter()
            server.runLoop()
            _ = try client.receive(durableSequence: server.durableSequence, &generator)
        }
        client.disconnect()
        toldSequence = Self.accountCount
    }

    // MARK: The end

    /// All answers, in words.
    var transcript: [String] {
        clients.flatMap { $0.operations.map { "\($0.sequenceBefore) \($0.sequenceAfter) \($0)" } }
    }

    /// What contradicts the promises, in words.
    func findings() throws -> [String] {
        var check = SimulationCheck(accountCount: Self.accountCount)
        var findings = try check.findings(of: clients.flatMap(\.operations))
        // A batch that was refused for its age may have been carried out before, for all its client knows.
        guard !clients.contains(where: { $0.operations.contains(where: \.isRefused) }) else {
            return findings
        }
        let recovered = try LoadedState(storage, SchemaVersion(number: 1, compiled: Self.schema))
        findings += recovered.engine.differences(from: check.engine, limit: 10)
        if recovered.engine.lastSequence != check.engine.lastSequence {
            findings.append(
                "storage ends at sequence \(recovered.engine.lastSequence), the replies at "
                    + "\(check.engine.lastSequence)")
        }
        return findings
    }
}
