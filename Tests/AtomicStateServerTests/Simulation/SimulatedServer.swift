import AtomicStateProtocol
import AtomicStateSchema
import AtomicStateStorage
import Logging
import NIOCore
import NIOEmbedded
import Synchronization

@testable import AtomicStateServer

/// The time of a simulated world: it passes when the world says so.
final class SimulatedTime: Sendable {
    private let nanoseconds = Atomic<UInt64>(1_700_000_000 * 1_000_000_000)

    func advance(by nanoseconds: UInt64) {
        self.nanoseconds.add(nanoseconds, ordering: .relaxed)
    }

    var clock: Clock {
        Clock(
            monotonicNanoseconds: { self.nanoseconds.load(ordering: .relaxed) },
            wallMicroseconds: { self.nanoseconds.load(ordering: .relaxed) / 1_000 })
    }
}

/// The server from its connections down to its storage, whose threads take a step when the world says so.
final class SimulatedServer {
    static let configuration = Configuration(
        dataPath: "", listen: .init(host: "", port: 0), admin: .init(host: "", port: 0),
        eventLoopThreadCount: 1, materialiseAfterByteCount: 2_000,
        journalRetentionByteCount: 0, rememberedOutcomeCount: 0)

    let loop = EmbeddedEventLoop()
    private let pipeline: CommitPipeline
    let service: RequestService
    /// What the committer is busy with.
    private var committing: CommitGroup?
    private(set) var hasStopped = false

    /// Recovers from storage.
    ///
    /// - Throws: `StorageError` for a write that failed, and `RecoveryError`.
    init(
        _ storage: SimulatedStorage, _ schema: SchemaVersion, _ clock: Clock,
        rememberedOutcomeCount: Int
    ) throws {
        var state = try LoadedState(storage, schema)
        try storage.discardRows(outside: state.rows.blocks)
        state.engine.outcomes = try .init(storage, capacity: rememberedOutcomeCount)
        let logger = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
        pipeline = CommitPipeline(
            state: state, schema: schema, storage: storage, configuration: Self.configuration,
            clock: clock, logger: logger)
        pipeline.health.enter(.serving)
        service = RequestService(
            compiled: schema.compiled, pipeline: pipeline,
            rememberedOutcomeCount: rememberedOutcomeCount,
            connections: ConnectionTable(
                countMax: ServerLimits.connectionCountDefault,
                memoryByteCount: ServerLimits.connectionMemoryDefault << 20, logger: logger),
            clock: clock)
    }

    /// On empty storage, with the schema of the simulated world.
    convenience init(_ clock: Clock) throws {
        try self.init(
            SimulatedStorage(seed: 1), SchemaVersion(number: 1, compiled: SimulatedWorld.schema),
            clock, rememberedOutcomeCount: 0)
    }

    func accept() throws -> SimulatedSocket {
        try SimulatedSocket(Connection(eventLoop: loop, service: service), loop: loop)
    }

    var statistics: Statistics { pipeline.statistics }

    var durableSequence: UInt64 {
        statistics.durableSequence.load(ordering: .relaxed)
    }

    // MARK: The threads' steps; false if there is nothing to do

    func lookAtStorage() {
        pipeline.health.look()
    }

    func runLoop() {
        loop.run()
    }

    func stepWriter() throws(StorageError) -> Bool {
        guard !hasStopped, let step = pipeline.sequencer.nextStep(pipeline.writer.openGroup) else {
            return false
        }
        hasStopped = try !pipeline.writer.take(step)
        return true
    }

    /// Takes a group, or writes the one that was taken.
    func stepCommitter() throws(StorageError) -> Bool {
        if let group = committing {
            try pipeline.committer.commit(group)
            committing = pipeline.sequencer.nextGroup()
            return true
        }
        committing = pipeline.sequencer.nextGroup()
        return committing != nil
    }

    func stepMaterialiser() throws(StorageError) -> Bool {
        guard let task = pipeline.materialiser.nextTask() else { return false }
        try pipeline.materialiser.carryOut(task)
        return true
    }
}

/// The server's end of a connection.
final class SimulatedSocket {
    private let channel: EmbeddedChannel
    private let gate = ReadGate()

    fileprivate init(_ connection: Connection, loop: EmbeddedEventLoop) throws {
        channel = EmbeddedChannel(handlers: [gate, connection], loop: loop)
        try channel.connect(to: SocketAddress(unixDomainSocketPath: "/simulation")).wait()
    }

    var isOpen: Bool { channel.isActive }

    /// Whether the server wants to read.
    var isReading: Bool { gate.isReading && isOpen }

    func deliver(_ bytes: ArraySlice<UInt8>) throws {
        gate.isReading = false
        try channel.writeInbound(ByteBuffer(bytes: bytes))
    }

    /// What the server has sent since the last call.
    func takeSent() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) {
            bytes += buffer.readableBytesView
        }
        return bytes
    }

    func close() {
        _ = try? channel.finish(acceptAlreadyClosed: true)
    }

    /// Holds bytes back until the server reads.
    private final class ReadGate: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer
        var isReading = false

        func read(context: ChannelHandlerContext) {
            isReading = true
        }
    }
}
