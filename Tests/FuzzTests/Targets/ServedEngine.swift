import AtomicStateEngine
import AtomicStateProtocol
import AtomicStateSchema
import AtomicStateStorage
import Foundation
import Logging
import NIOCore
import NIOEmbedded

@testable import AtomicStateServer

/// The server from the socket's bytes to the engine and back, on one thread: what is queued is carried
/// out when everything has come.
final class ServedEngine {
    struct Conversation {
        /// The server's frames, one after the other.
        var bytes: [UInt8] = []
        var responses: [DecodedResponse] = []
        /// Whether the server ended the connection.
        let isClosed: Bool

        fileprivate mutating func read(from channel: EmbeddedChannel) throws {
            while let frame = try channel.readOutbound(as: NIOCore.ByteBuffer.self) {
                bytes += frame.readableBytesView
                responses.append(try Self.response(frame))
            }
        }

        private static func response(_ frame: NIOCore.ByteBuffer) throws -> DecodedResponse {
            guard let flag = frame.getInteger(at: 0, as: UInt8.self),
                let length = frame.getInteger(at: 1, as: UInt32.self)
            else { throw Finding(description: "a response of \(frame.readableBytes) bytes") }
            let header = try FrameHeader(flag: flag, length: length)
            try expect(
                FrameHeader.byteCount + header.messageByteCount == frame.readableBytes,
                "a response whose header says \(length) has \(frame.readableBytes) bytes")
            return try frame.withUnsafeReadableBytes { bytes in
                try DecodedResponse(
                    UnsafeRawBufferPointer(rebasing: bytes[FrameHeader.byteCount...]))
            }
        }
    }

    private var engine = Depot.engine()
    private let sequencer = Sequencer()
    private let service: RequestService
    private let firstSequence: UInt64

    /// A server needs a database to tell its health; nothing is written to it.
    private static let database: Database = {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "atomic-state-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        do {
            try FileManager.default.createDirectory(
                atPath: folder + "/staging", withIntermediateDirectories: true)
            return try Database(
                path: folder + "/rocksdb", stagingPath: folder + "/staging", mayCreate: true)
        } catch {
            preconditionFailure("\(error)")
        }
    }()

    init(replaying journal: [[UInt8]]) {
        do throws(CorruptionError) {
            try engine.load(journal: journal)
        } catch {
            preconditionFailure("\(error)")
        }
        firstSequence = engine.lastSequence + 1
        let statistics = Statistics()
        let health = HealthReporter(
            database: Self.database, sequencer: sequencer, statistics: statistics)
        health.enter(.serving)
        service = RequestService(
            compiled: Depot.compiled, sequencer: sequencer, health: health,
            statistics: statistics)
        engine.beginGroup(microseconds: 1_700_000_000_000_000)
    }

    /// What the server says to a new connection that sends these bytes, in these pieces.
    func converse(_ pieces: [ArraySlice<UInt8>]) throws(Finding) -> Conversation {
        do {
            let channel = EmbeddedChannel()
            let connection = Connection(
                eventLoop: channel.eventLoop, service: service,
                logger: Logger(label: "fuzz", factory: { _ in SwiftLogNoOpLogHandler() }))
            try channel.pipeline.syncOperations.addHandler(connection)
            channel.connect(to: try SocketAddress(unixDomainSocketPath: "/fuzz"), promise: nil)
            for piece in pieces where channel.isActive {
                try channel.writeInbound(NIOCore.ByteBuffer(bytes: piece))
            }
            // What is carried out after the end is answered to nobody.
            var conversation = Conversation(isClosed: !channel.isActive)
            try conversation.read(from: channel)
            carryOutQueue()
            connection.flushReplies()
            if !conversation.isClosed { try conversation.read(from: channel) }
            _ = try channel.finish(acceptAlreadyClosed: true)
            return conversation
        } catch let finding as Finding {
            throw finding
        } catch {
            throw Finding(description: "the connection failed: \(error)")
        }
    }

    private func carryOutQueue() {
        let group = Sequencer.OpenGroup(isEmpty: true, isLarge: false, isFull: false)
        while sequencer.transactionCount > 0, case .work(let item) = sequencer.nextStep(group) {
            item.connection.write(
                PendingReply(
                    connection: item.connection, requestID: item.request.id, body: perform(item)))
        }
    }

    private func perform(_ item: WorkItem) -> PendingReply.Body {
        switch item.kind {
        case .submit(let runs, isAtomic: let isAtomic):
            do throws(StepError) {
                return .outcome(try engine.execute(runs, isAtomic: isAtomic))
            } catch {
                return .failure(Status(.invalidArgument, error.description))
            }
        case .get(type: let type, keys: let keys, count: let count):
            return .read(engine.read(type: type, keys: keys, count: count))
        }
    }

    // MARK: What is kept of it

    /// The journal record of what was accepted; nil if nothing was.
    func finishGroup() -> [UInt8]? {
        guard !engine.groupIsEmpty else { return nil }
        var record = AtomicStateEngine.ByteBuffer()
        engine.finishGroup(firstSequence: firstSequence, record: &record)
        return record.withBytes { Array($0) }
    }

    /// The record that the requests lead to.
    func record(of requests: [RequestBody]) -> [UInt8]? {
        let bytes = ([Depot.hello] + requests).flatMap { $0.frame() }
        do throws(Finding) {
            _ = try converse([bytes[...]])
        } catch {
            preconditionFailure("\(error)")
        }
        return finishGroup()
    }

    /// What this engine holds otherwise than the journal says.
    func differences(from other: borrowing Engine) -> [String] {
        engine.differences(from: other, limit: 5)
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
