import AtomicStateProtocol
import AtomicStateValues
import Foundation
import HistoryChecker
import SeededRandom
import Synchronization

/// Whether there is a server to connect to, and whether there is anything left to do.
final class LoadGate: Sendable {
    enum Phase: Sendable {
        /// The server is down. Nobody tries to connect: on loopback, a connection to a port that nobody
        /// listens on may be made to itself, and then the port is taken.
        case closed
        case open(port: Int)
        /// Only what has no answer is sent again.
        case ending(port: Int)
        /// The test has failed.
        case abandoned
    }

    private let current = Mutex(Phase.closed)

    var phase: Phase {
        get { current.withLock { $0 } }
        set { current.withLock { $0 = newValue } }
    }
}

/// One client: several requests in flight on a connection of its own, all of which are recorded. Whatever
/// has no answer is sent again, over one connection after the other, until it has one. Used by one thread.
final class RecordingClient {
    private static let inFlightCountMax = 3
    private let number: Int
    private let workload: Workload
    private let recorder: HistoryRecorder
    private var random: SeededGenerator
    /// Batches without an answer.
    private var unknown: [History.Batch] = []
    /// Some with one, which may come again nevertheless.
    private var known: [History.Batch] = []
    private var lastNumber: UInt64 = 0
    private var lastKey = IdempotencyKey(milliseconds: 0, high: 0, low: 0)
    private var refusalCount = 0

    init(_ number: Int, _ workload: Workload, _ recorder: HistoryRecorder, seed: UInt64) {
        self.number = number
        self.workload = workload
        self.recorder = recorder
        random = SeededGenerator(state: seed &+ UInt64(number))
        // Other keys than other clients'.
        lastKey = IdempotencyKey(milliseconds: 0, high: 0, low: random.next())
    }

    /// Sends whatever comes to mind until the gate is ending.
    func run(_ gate: LoadGate) throws {
        while true {
            switch gate.phase {
            case .abandoned: return
            case .ending where unknown.isEmpty: return
            case .closed: usleep(2_000)
            case .open(let port), .ending(let port):
                // The server may have been killed since.
                guard let connection = try? RawConnection(port: port),
                    let greeting = try? connection.greeting()
                else {
                    usleep(2_000)
                    continue
                }
                try converse(connection, at: greeting.milliseconds) {
                    self.nextExchange(gate, at: greeting.milliseconds)
                }
            }
        }
    }

    /// Sends these one after the other, and nothing else.
    func run(_ exchanges: [History.Exchange], port: Int) throws {
        let connection = try RawConnection(port: port)
        let greeting = try connection.greeting()
        var rest = exchanges[...]
        try converse(connection, at: greeting.milliseconds) { rest.popFirst() }
        guard unknown.isEmpty, rest.isEmpty else {
            throw ServerProcess.Failure(description: "the connection ended")
        }
    }

    // MARK: One connection

    /// Until there is nothing more to send, or the connection ends.
    private func converse(
        _ connection: RawConnection, at milliseconds: UInt64, _ next: () -> History.Exchange?
    ) throws {
        var inFlight: [Int: History.Exchange] = [:]
        defer { for exchange in inFlight.values { noteUnknown(exchange) } }
        while true {
            while inFlight.count < Self.inFlightCountMax, let exchange = next() {
                let operation = recorder.begin(number, exchange)
                inFlight[operation] = exchange
                connection.send(exchange.requestBody, id: UInt64(operation))
            }
            guard !inFlight.isEmpty, let response = try connection.receive() else { return }
            guard let exchange = inFlight.removeValue(forKey: Int(response.id)) else {
                throw ServerProcess.Failure(description: "a reply to nothing: \(response)")
            }
            if case .failure(let status) = response.body {
                recorder.refuse(Int(response.id))
                noteUnknown(exchange)
                refusalCount += 1
                if refusalCount > 100 { throw status }
                continue
            }
            recorder.end(Int(response.id), try exchange.answered(with: response.body))
            if case .submit(let batch, _) = exchange {
                if known.count > 50 { known.removeFirst() }
                known.append(batch)
            }
        }
    }

    private func noteUnknown(_ exchange: History.Exchange) {
        if case .submit(let batch, _) = exchange { unknown.append(batch) }
    }

    // MARK: Requests

    private func oneIn(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &random) == 0 }

    private func nextExchange(_ gate: LoadGate, at milliseconds: UInt64) -> History.Exchange? {
        if !unknown.isEmpty {
            // Under another name, it has to be sent again by its own later.
            if oneIn(4), let other = renamed(unknown[0], at: milliseconds) {
                return .submit(other, [])
            }
            return .submit(unknown.removeFirst(), [])
        }
        guard case .open = gate.phase else { return nil }
        usleep(UInt32.random(in: 0...2_000, using: &random))
        if oneIn(15), let batch = known.randomElement(using: &random) {
            return .submit(renamed(batch, at: milliseconds) ?? batch, [])
        }
        if oneIn(3) { return .get(workload.read(&random), []) }
        return .submit(newBatch(at: milliseconds), [])
    }

    private func newBatch(at milliseconds: UInt64) -> History.Batch {
        var batch = History.Batch(
            transactions: (0..<Int.random(in: 1...6, using: &random)).map { _ in
                workload.transaction(&random)
            },
            isAtomic: oneIn(5), name: nextName(at: milliseconds))
        if oneIn(2) {
            for index in batch.transactions.indices {
                lastKey = IdempotencyKey(
                    milliseconds: milliseconds, high: UInt64(number), low: lastKey.low + 1)
                batch.transactions[index].key = lastKey
            }
        }
        return batch
    }

    /// The same transactions, known by their keys, in another batch; nil if they have none.
    private func renamed(_ batch: History.Batch, at milliseconds: UInt64) -> History.Batch? {
        guard !batch.isAtomic, batch.transactions.allSatisfy({ $0.key != nil }) else { return nil }
        return History.Batch(
            transactions: batch.transactions.shuffled(using: &random),
            name: nextName(at: milliseconds))
    }

    private func nextName(at milliseconds: UInt64) -> BatchName {
        lastNumber += 1
        return BatchName(
            producer: UInt64(number), number: lastNumber, sentMilliseconds: milliseconds)
    }
}
