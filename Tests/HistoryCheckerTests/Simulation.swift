import AtomicStateSchema
import AtomicStateValues
import Foundation
import HistoryChecker
import SeededRandom

/// The history of clients of a simulated server, the same for the same seed. Answers get lost, the server
/// is killed, and what has no answer is sent again until it has one.
struct Simulation {
    /// Of each test's histories; ATOMIC_STATE_HISTORY_SEEDS asks for more of them.
    static let seeds =
        1...(ProcessInfo.processInfo.environment["ATOMIC_STATE_HISTORY_SEEDS"]
        .flatMap { UInt64($0) } ?? 16)

    let workload: Workload
    private(set) var server: SimulatedServer
    private(set) var history = History()
    private var random: SeededGenerator
    private var clients: [Client]
    private var now: UInt64 = 0
    private var lastNumber: UInt64 = 0
    /// Whether some batches are never sent again.
    private let givesUp: Bool

    private struct Client {
        /// The operation under way, and what the server did with it.
        var operation: Int?
        var answer: History.Exchange?
        /// Batches without an answer.
        var unknown: [History.Batch] = []
        /// Those with one, which may come again nevertheless.
        var known: [History.Batch] = []
    }

    init(
        _ workload: Workload, seed: UInt64, clientCount: Int = 5,
        fault: SimulatedServer.Fault? = nil, givesUp: Bool = false
    ) {
        self.workload = workload
        self.givesUp = givesUp
        server = SimulatedServer(schema: workload.schema, fault: fault)
        random = SeededGenerator(state: seed)
        clients = Array(repeating: Client(), count: clientCount)
    }

    mutating func run(operationCount: Int) -> History {
        finish(0, .submit(History.Batch(transactions: workload.beginning), []))
        while history.operations.count < operationCount {
            if random.oneIn(givesUp ? 200 : 60) { kill() }
            step(Int.random(in: clients.indices, using: &random))
        }
        for client in clients.indices {
            while clients[client].operation != nil { step(client) }
            while let batch = clients[client].unknown.popLast(), !givesUp {
                finish(client, .submit(again(batch), []))
            }
        }
        for read in workload.reads { finish(0, .get(read, [])) }
        return history
    }

    private mutating func tick() -> UInt64 {
        now += 1
        return now
    }

    // MARK: Events

    private mutating func finish(_ client: Int, _ exchange: History.Exchange) {
        send(client, exchange)
        execute(client)
        complete(client)
    }

    private mutating func step(_ client: Int) {
        if clients[client].operation == nil {
            send(client, nextExchange(client))
        } else if clients[client].answer == nil {
            execute(client)
        } else if random.oneIn(givesUp ? 30 : 12) {
            lose(client)
        } else {
            complete(client)
        }
    }

    private mutating func send(_ client: Int, _ exchange: History.Exchange) {
        clients[client].operation = history.operations.count
        history.operations.append(
            History.Operation(client: client, invoked: tick(), completed: nil, exchange))
    }

    private mutating func execute(_ client: Int) {
        guard let operation = clients[client].operation else { return }
        switch history.operations[operation].exchange {
        case .submit(let batch, _): clients[client].answer = .submit(batch, server.submit(batch))
        case .get(let read, _): clients[client].answer = .get(read, server.get(read))
        }
    }

    private mutating func complete(_ client: Int) {
        guard let operation = clients[client].operation, let answer = clients[client].answer
        else { return }
        history.operations[operation].exchange = answer
        history.operations[operation].completed = tick()
        if case .submit(let batch, _) = answer { clients[client].known.append(batch) }
        clients[client].operation = nil
        clients[client].answer = nil
    }

    private mutating func lose(_ client: Int) {
        guard let operation = clients[client].operation else { return }
        if case .submit(let batch, _) = history.operations[operation].exchange {
            clients[client].unknown.append(batch)
        }
        clients[client].operation = nil
        clients[client].answer = nil
    }

    private mutating func kill() {
        for client in clients.indices { lose(client) }
        server.kill()
    }

    // MARK: Requests

    private mutating func nextExchange(_ client: Int) -> History.Exchange {
        if !clients[client].unknown.isEmpty, !givesUp {
            return .submit(again(clients[client].unknown.removeFirst()), [])
        }
        if random.oneIn(15), let known = clients[client].known.randomElement(using: &random),
            known.name != nil || known.transactions.allSatisfy({ $0.key != nil })
        {
            return .submit(again(known), [])
        }
        if random.oneIn(3) { return .get(workload.read(&random), []) }
        var batch = History.Batch(
            transactions: (0..<Int.random(in: 1...5, using: &random)).map { _ in
                workload.transaction(&random)
            }, isAtomic: random.oneIn(5))
        let isKeyed = random.oneIn(3)
        if isKeyed {
            for index in batch.transactions.indices {
                lastNumber += 1
                batch.transactions[index].key = IdempotencyKey(
                    milliseconds: 1, high: 0, low: lastNumber)
            }
        }
        if (!isKeyed && !givesUp) || batch.isAtomic || random.oneIn(2) { batch.name = nextName() }
        return .submit(batch, [])
    }

    private mutating func nextName() -> BatchName {
        lastNumber += 1
        return BatchName(producer: 1, number: lastNumber, sentMilliseconds: 1)
    }

    /// By its name, or by its transactions' keys.
    private mutating func again(_ batch: History.Batch) -> History.Batch {
        guard !batch.isAtomic, batch.transactions.allSatisfy({ $0.key != nil }), random.oneIn(2)
        else {
            return batch
        }
        var other = batch
        other.transactions.shuffle(using: &random)
        other.name = random.oneIn(2) ? nil : nextName()
        return other
    }
}

extension Workload {
    init(_ example: Example) throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(
            contentsOf: root.appending(path: "examples/\(example.rawValue).yaml"), encoding: .utf8)
        self.init(example, try Schema(parsing: text))
    }
}
