import AtomicStateEngine
import AtomicStateProtocol
import AtomicStateSchema
import AtomicStateStorage
import Logging
import NIOCore
import NIOEmbedded

@testable import AtomicStateServer

/// The server from the socket's bytes to the journal's and back, on one thread: what is queued is carried
/// out and committed when everything has come.
final class ServedEngine {
    struct Conversation {
        /// The server's frames, one after the other.
        var bytes: [UInt8] = []
        var responses: [DecodedResponse] = []
        /// Whether the server ended the connection.
        let isClosed: Bool

        fileprivate mutating func read(from channel: EmbeddedChannel) throws {
            var frames = NIOCore.ByteBuffer()
            while var part = try channel.readOutbound(as: NIOCore.ByteBuffer.self) {
                bytes += part.readableBytesView
                frames.writeBuffer(&part)
            }
            while frames.readableBytes > 0 { responses.append(try Self.response(&frames)) }
        }

        private static func response(_ frames: inout NIOCore.ByteBuffer) throws -> DecodedResponse {
            guard let flag = frames.readInteger(as: UInt8.self),
                let length = frames.readInteger(as: UInt32.self)
            else { throw Finding(description: "a response of \(frames.readableBytes) bytes") }
            let header = try FrameHeader(flag: flag, length: length)
            guard let message = frames.readSlice(length: header.messageByteCount) else {
                throw Finding(
                    description: "a response whose header says \(length) has "
                        + "\(frames.readableBytes) bytes")
            }
            return try message.withUnsafeReadableBytes { try DecodedResponse($0) }
        }
    }

    static let wallMicroseconds: UInt64 = 1_700_000_000_000_000

    private static let clock = Clock(
        monotonicNanoseconds: { 1 }, wallMicroseconds: { wallMicroseconds })
    private static let logger = Logger(label: "fuzz", factory: { _ in SwiftLogNoOpLogHandler() })
    private static let configuration = Configuration(
        dataPath: "", listen: .init(host: "", port: 0), admin: .init(host: "", port: 0),
        eventLoopThreadCount: 1, materialiseAfterByteCount: .max,
        journalRetentionByteCount: .max,
        rememberedOutcomeCount: Configuration.rememberedOutcomeCounts.lowerBound)

    private let storage: MemoryStorage
    private let earlierCount: Int
    private let pipeline: CommitPipeline
    private let service: RequestService

    init(after journal: [(number: UInt64, bytes: [UInt8])]) {
        storage = MemoryStorage(journal: journal)
        earlierCount = journal.count
        let schema = SchemaVersion(number: Depot.schemaVersion, compiled: Depot.compiled)
        do throws(RecoveryError) {
            pipeline = CommitPipeline(
                state: try LoadedState(storage, schema), schema: schema, storage: storage,
                configuration: Self.configuration, clock: Self.clock, logger: Self.logger)
        } catch {
            preconditionFailure("\(error)")
        }
        pipeline.health.enter(.serving)
        service = RequestService(
            compiled: Depot.compiled, pipeline: pipeline,
            rememberedOutcomeCount: Self.configuration.rememberedOutcomeCount,
            connections: ConnectionTable(
                countMax: Self.configuration.connectionCountMax,
                memoryByteCount: Self.configuration.connectionMemoryByteCount, logger: Self.logger),
            clock: Self.clock)
    }

    /// What the server says to a new connection that sends these bytes, in these pieces.
    func converse(_ pieces: [ArraySlice<UInt8>]) throws(Finding) -> Conversation {
        do {
            let channel = EmbeddedChannel()
            try channel.pipeline.syncOperations.addHandler(
                Connection(eventLoop: channel.eventLoop, service: service))
            channel.connect(to: try SocketAddress(unixDomainSocketPath: "/fuzz"), promise: nil)
            for piece in pieces where channel.isActive {
                try channel.writeInbound(NIOCore.ByteBuffer(bytes: piece))
            }
            // What is carried out after the end is answered to nobody.
            var conversation = Conversation(isClosed: !channel.isActive)
            try conversation.read(from: channel)
            try carryOutQueue()
            channel.embeddedEventLoop.run()
            if !conversation.isClosed { try conversation.read(from: channel) }
            _ = try channel.finish(acceptAlreadyClosed: true)
            return conversation
        } catch let finding as Finding {
            throw finding
        } catch {
            throw Finding(description: "the connection failed: \(error)")
        }
    }

    private func carryOutQueue() throws(StorageError) {
        while let step = pipeline.sequencer.nextStep(pipeline.writer.openGroup) {
            guard try pipeline.writer.take(step) else { return }
            while let group = pipeline.sequencer.nextGroup() {
                try pipeline.committer.commit(group)
            }
        }
    }

    /// The records of what was accepted.
    var journal: ArraySlice<(number: UInt64, bytes: [UInt8])> {
        storage.journal.dropFirst(earlierCount)
    }

    /// The records of what is remembered.
    var outcomes: [(number: UInt64, bytes: [UInt8])] { storage.outcomes }

    /// A server that was sent the requests.
    static func served(_ requests: [RequestBody], isFirst: Bool = false) -> ServedEngine {
        let served = ServedEngine(after: isFirst ? [] : Depot.journal)
        let bytes = ([Depot.hello] + requests).flatMap { $0.frame() }
        do throws(Finding) {
            _ = try served.converse([bytes[...]])
        } catch {
            preconditionFailure("\(error)")
        }
        return served
    }
}

extension RequestBody {
    func frame(id: UInt64 = 1) -> [UInt8] {
        var frame: [UInt8] = []
        encodeFrame(id: id) { byteCount, fill in
            frame = [UInt8](repeating: 0, count: byteCount)
            frame.withUnsafeMutableBytes { fill($0) }
        }
        return frame
    }

    func message(id: UInt64 = 1) -> [UInt8] {
        Array(frame(id: id).dropFirst(FrameHeader.byteCount))
    }
}
