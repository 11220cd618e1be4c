import AtomicStateProtocol
import AtomicStateValues
import SeededRandom

/// A request, when it was made and answered, and what the answer was.
struct SimulatedOperation {
    enum Request {
        case submit([Run], isAtomic: Bool, name: BatchName)
        case get(keys: [UInt64])
    }

    enum Reply {
        case submit(SubmitReply)
        case get(GetReply)
    }

    let request: Request
    /// The last sequence that any client had been told of when the request was made.
    let sequenceBefore: UInt64
    /// The last sequence that was durable when the answer came.
    var sequenceAfter: UInt64 = 0
    var reply: Reply?
    /// It was refused for good: nothing was done.
    var isRefused = false
}

/// A client whose wire is cut and slow, and who sends again whatever has no answer.
final class SimulatedClient {
    private static let inFlightCountMax = 4
    private let number: UInt64
    private var socket: SimulatedSocket?
    private var outgoing: [UInt8] = []
    private var incoming: [UInt8] = []
    private var inFlight: Set<Int> = []
    private var isGreeted = false
    private(set) var operations: [SimulatedOperation] = []
    /// Those without an answer, in order.
    private(set) var unanswered: [Int] = []
    private var lastKeyNumber: UInt64 = 0
    /// Single transactions with keys, for later batches to hold them again.
    private var keyed: [Run] = []

    init(number: UInt64) {
        self.number = number
    }

    var isConnected: Bool { socket != nil }

    // MARK: The wire

    func connect(to server: SimulatedServer) throws {
        socket = try server.accept()
        append(.hello(client: "\(number)", schemaFingerprint: ""), id: UInt64.max)
    }

    func disconnect() {
        socket?.close()
        socket = nil
        outgoing = []
        incoming = []
        inFlight = []
        isGreeted = false
    }

    /// Sends what was asked for, as far as the window allows.
    func send() {
        guard isGreeted else { return }
        for index in unanswered where !inFlight.contains(index) {
            guard inFlight.count < Self.inFlightCountMax else { return }
            inFlight.insert(index)
            switch operations[index].request {
            case .submit(let runs, isAtomic: let isAtomic, name: let name):
                append(
                    .submit(runs, isAtomic: isAtomic, timeoutMilliseconds: 0, name: name),
                    id: UInt64(index))
            case .get(keys: let keys):
                append(.get(entity: 0, keys: Column(words: keys)), id: UInt64(index))
            }
        }
    }

    private func append(_ request: RequestBody, id: UInt64) {
        request.encodeFrame(id: id) { byteCount, fill in
            var frame = [UInt8](repeating: 0, count: byteCount)
            frame.withUnsafeMutableBytes { fill($0) }
            outgoing += frame
        }
    }

    /// Moves some bytes towards the server, if it reads.
    func deliver(_ generator: inout SeededGenerator) throws {
        guard let socket, socket.isReading, !outgoing.isEmpty else { return }
        let count = Int.random(in: 1...outgoing.count, using: &generator)
        let bytes = outgoing.prefix(count)
        outgoing.removeFirst(count)
        try socket.deliver(bytes)
    }

    /// Moves some bytes from the server, and takes the answers that are complete.
    ///
    /// - Returns: the last sequence that the client was told of.
    func receive(
        durableSequence: UInt64, _ generator: inout SeededGenerator
    ) throws -> UInt64 {
        guard let socket else { return 0 }
        incoming += try socket.takeSent()
        var told: UInt64 = 0
        // A part of a frame stays on the wire.
        guard generator.oneIn(2) else { return 0 }
        while let message = nextMessage() {
            let response = try message.withUnsafeBytes { try DecodedResponse($0) }
            told = max(told, take(response, durableSequence))
        }
        if !socket.isOpen { disconnect() }
        return told
    }

    private func nextMessage() -> [UInt8]? {
        guard incoming.count >= FrameHeader.byteCount else { return nil }
        let length = incoming[1..<5].reduce(0) { $0 << 8 | Int($1) }
        let end = FrameHeader.byteCount + length
        guard incoming.count >= end else { return nil }
        defer { incoming.removeFirst(end) }
        return Array(incoming[FrameHeader.byteCount..<end])
    }

    private func take(_ response: DecodedResponse, _ durableSequence: UInt64) -> UInt64 {
        if case .hello = response.body {
            isGreeted = true
            return 0
        }
        let index = Int(response.id)
        inFlight.remove(index)
        var told: UInt64 = 0
        switch response.body {
        case .submit(let reply):
            operations[index].reply = .submit(reply)
            if reply.acceptedCount > 0 {
                told = reply.firstSequence + UInt64(reply.acceptedCount) - 1
            }
        case .get(let reply): operations[index].reply = .get(reply)
        case .failure(let status) where status.code == .outOfRange:
            operations[index].isRefused = true
        case .failure: return 0
        default: preconditionFailure("an answer of another kind")
        }
        operations[index].sequenceAfter = durableSequence
        unanswered.removeAll { $0 == index }
        return told
    }

    // MARK: What it asks for

    /// - Parameter milliseconds: the time.
    func ask(
        toldSequence: UInt64, milliseconds: UInt64, _ generator: inout SeededGenerator
    ) {
        let request: SimulatedOperation.Request
        if generator.oneIn(4) {
            request = .get(keys: Array(1...SimulatedWorld.accountCount))
        } else {
            request = .submit(
                nextRuns(milliseconds, &generator), isAtomic: generator.oneIn(5),
                name: BatchName(
                    producer: number, number: UInt64(operations.count),
                    sentMilliseconds: milliseconds))
        }
        unanswered.append(operations.count)
        operations.append(
            SimulatedOperation(request: request, sequenceBefore: toldSequence))
    }

    /// Asks for one run, of what everything else builds on.
    func prepare(_ run: Run, milliseconds: UInt64) {
        unanswered.append(operations.count)
        operations.append(
            SimulatedOperation(
                request: .submit(
                    [run], isAtomic: true,
                    name: BatchName(
                        producer: number, number: 0, sentMilliseconds: milliseconds)),
                sequenceBefore: 0))
    }

    private func nextRuns(_ milliseconds: UInt64, _ generator: inout SeededGenerator) -> [Run] {
        (0..<Int.random(in: 1...3, using: &generator)).map { _ in
            if !keyed.isEmpty, generator.oneIn(8) { return generator.pick(keyed) }
            let count = Int.random(in: 1...5, using: &generator)
            let isTransfer = generator.oneIn(2)
            var columns = (0..<(isTransfer ? 2 : 1)).map { _ in
                Column(
                    words: (0..<count).map { _ in
                        UInt64.random(in: 1...SimulatedWorld.accountCount, using: &generator)
                    })
            }
            columns.append(
                Column(
                    words: (0..<count).map { _ in UInt64.random(in: 1...60, using: &generator) }))
            let operations = SimulatedWorld.operations
            var run = Run(
                operation: isTransfer
                    ? operations.transfer
                    : generator.oneIn(2) ? operations.deposit : operations.withdraw,
                transactionCount: count, arguments: columns)
            if generator.oneIn(2) {
                run.idempotencyKeys = (0..<count).map { _ in
                    lastKeyNumber += 1
                    return IdempotencyKey(
                        milliseconds: milliseconds, high: number, low: lastKeyNumber)
                }
                if count == 1 { keyed.append(run) }
            }
            return run
        }
    }
}
