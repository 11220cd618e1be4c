import AtomicStateProtocol
import AtomicStateValues
import Synchronization
import Testing

@testable import AtomicStateServer

/// Batches from the socket to storage, one at a time, with clocks that a test sets.
@Suite struct ServedBatchTests {
    private final class Times: Sendable {
        let milliseconds = Mutex<UInt64>(1_700_000_000_000)
        var clock: Clock {
            Clock(
                monotonicNanoseconds: { 0 },
                wallMicroseconds: { self.milliseconds.withLock { $0 * 1_000 } })
        }
    }

    private let times = Times()
    private let server: SimulatedServer
    private let socket: SimulatedSocket

    init() throws {
        server = try SimulatedServer(
            SimulatedStorage(seed: 1), SchemaVersion(number: 1, compiled: SimulatedWorld.schema),
            times.clock, rememberedOutcomeCount: 4_096)
        socket = try server.accept()
        _ = try greeting(on: socket)
        let owners = Column(lengths: 1)
        let opened = try submit(
            Run(
                operation: SimulatedWorld.operations.open, transactionCount: 1,
                arguments: [Column(words: [1]), owners, Column(words: [0])]),
            number: 0, at: now)
        guard case .submit(let reply) = opened else { throw ServedBatchError.noReply }
        try #require(reply.acceptedCount == 1)
    }

    private var now: UInt64 { times.milliseconds.withLock { $0 } }

    /// The server's time does not go back, and clients that went on from it are not kept out until it goes on.
    @Test func aClockThatIsSetBack() throws {
        #expect(try accepts(number: 1, at: now))
        let reached = now
        times.milliseconds.withLock { $0 -= 3_600_000 }
        #expect(try accepts(number: 2, at: reached))
        guard case .failure(let refusal) = try deposit(number: 3, at: reached + 5_000) else {
            Issue.record("what is five seconds ahead is accepted")
            return
        }
        #expect(refusal.code == .outOfRange)
        #expect(refusal.timeMilliseconds == reached)
        #expect(try accepts(number: 4, at: refusal.timeMilliseconds))
        // A client that comes now is told the same.
        let other = try server.accept()
        #expect(try greeting(on: other).milliseconds == reached)
        other.close()
    }

    /// Where storage does not get done with images of rows, no more of them gather in memory.
    @Test func imagesWaitForStorage() throws {
        let statistics = server.statistics
        statistics.waitingRowByteCount.store(
            ServerLimits.waitingRowByteCountMax, ordering: .relaxed)
        for number in 1...200 { #expect(try accepts(number: UInt64(number), at: now)) }
        #expect(try !server.stepMaterialiser())
        statistics.waitingRowByteCount.store(0, ordering: .relaxed)
        for number in 201...202 { #expect(try accepts(number: UInt64(number), at: now)) }
        #expect(statistics.waitingRowByteCount.load(ordering: .relaxed) > 0)
        while try server.stepMaterialiser() {}
        #expect(statistics.waitingRowByteCount.load(ordering: .relaxed) == 0)
        #expect(statistics.rowsCompleteSequence.load(ordering: .relaxed) > 0)
    }

    // MARK: Steps

    private func accepts(number: UInt64, at milliseconds: UInt64) throws -> Bool {
        guard case .submit(let reply) = try deposit(number: number, at: milliseconds) else {
            return false
        }
        return reply.acceptedCount == 1
    }

    private func deposit(number: UInt64, at milliseconds: UInt64) throws -> ResponseBody {
        try submit(
            Run(
                operation: SimulatedWorld.operations.deposit, transactionCount: 1,
                arguments: [Column(words: [1]), Column(words: [1])]),
            number: number, at: milliseconds)
    }

    private func submit(_ run: Run, number: UInt64, at milliseconds: UInt64) throws -> ResponseBody
    {
        let name = BatchName(producer: 1, number: number, sentMilliseconds: milliseconds)
        return try response(
            to: .submit([run], isAtomic: false, timeoutMilliseconds: 0, name: name), on: socket)
    }

    private func greeting(on socket: SimulatedSocket) throws -> ServerGreeting {
        guard
            case .hello(let greeting) = try response(
                to: .hello(client: "", schemaFingerprint: ""), on: socket)
        else { throw ServedBatchError.noReply }
        return greeting
    }

    private func response(
        to request: RequestBody, on socket: SimulatedSocket
    ) throws -> ResponseBody {
        var frame: [UInt8] = []
        request.encodeFrame(id: 1) { byteCount, fill in
            frame = [UInt8](repeating: 0, count: byteCount)
            frame.withUnsafeMutableBytes { fill($0) }
        }
        try socket.deliver(frame[...])
        repeat { server.runLoop() } while try server.stepWriter() || server.stepCommitter()
        server.runLoop()
        let sent = try socket.takeSent()
        guard sent.count > FrameHeader.byteCount else { throw ServedBatchError.noReply }
        return try sent.dropFirst(FrameHeader.byteCount).withUnsafeBytes {
            try DecodedResponse($0).body
        }
    }
}

private enum ServedBatchError: Error { case noReply }

extension Column {
    /// Empty texts.
    fileprivate init(lengths count: Int) {
        self.init()
        for _ in 0..<count { append("") }
    }
}
