internal import AtomicStateProtocol
internal import Logging
internal import NIOCore

/// One client's connection: takes frames off the socket, checks and queues requests, and writes the
/// answers.
///
/// Malformed input ends this connection, after a reason is sent; a request that does not fit the
/// schema is refused and the connection goes on.
final class Connection: ChannelInboundHandler, @unchecked Sendable {  // Guarded by its event loop.
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let eventLoop: any EventLoop
    private let service: RequestService
    private let logger: Logger
    private var context: ChannelHandlerContext?
    /// What has come of a frame that is not complete.
    private var partial = ByteBuffer()
    private var isGreeted = false
    private var isClosing = false
    private var isPaused = false
    /// A read that the channel asked for while the connection was paused.
    private var hasDeferredRead = false
    private var inFlightCount = 0
    private var hasUnflushedReplies = false

    init(eventLoop: any EventLoop, service: RequestService, logger: Logger) {
        self.eventLoop = eventLoop
        self.service = service
        self.logger = logger
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        service.connections.add(self)
        context.read()
    }

    func channelInactive(context: ChannelHandlerContext) {
        isClosing = true
        service.connections.remove(self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing else { return }
        var incoming = unwrapInboundIn(data)
        if partial.readableBytes > 0 {
            partial.writeBuffer(&incoming)
            consumeFrames(&partial)
            partial.discardReadBytes()
        } else {
            consumeFrames(&incoming)
            if incoming.readableBytes > 0 { partial = incoming }
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        flushReplies()
        readMore()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        logger.debug("connection failed", metadata: ["error": "\(error)"])
        context.close(promise: nil)
    }

    private func readMore() {
        if isPaused || isClosing {
            hasDeferredRead = true
        } else {
            context?.read()
        }
    }

    /// The queue has room again. May be called on any thread.
    func resumeReading() {
        eventLoop.execute {
            self.isPaused = false
            guard self.hasDeferredRead, !self.isClosing else { return }
            self.hasDeferredRead = false
            self.context?.read()
        }
    }

    // MARK: Requests

    private func consumeFrames(_ buffer: inout ByteBuffer) {
        do throws(Status) {
            while !isClosing, let byteCount = try nextFrameByteCount(buffer) {
                buffer.moveReaderIndex(forwardBy: FrameHeader.byteCount)
                let message = buffer.readSlice(length: byteCount) ?? ByteBuffer()
                let request = try decode(message)
                do throws(Status) {
                    try handle(request, byteCount: byteCount)
                } catch {
                    close(after: error, requestID: request.id)
                }
            }
        } catch {
            close(after: error, requestID: 0)
        }
    }

    /// The byte count of the next message if it has come whole; its limit is checked before that.
    private func nextFrameByteCount(_ buffer: ByteBuffer) throws(Status) -> Int? {
        guard let flag: UInt8 = buffer.getInteger(at: buffer.readerIndex),
            let length: UInt32 = buffer.getInteger(at: buffer.readerIndex + 1)
        else { return nil }
        let header = try FrameHeader(flag: flag, length: length)
        guard buffer.readableBytes >= FrameHeader.byteCount + header.messageByteCount else {
            return nil
        }
        return header.messageByteCount
    }

    /// - Throws: why the connection has to end.
    private func handle(_ request: DecodedRequest, byteCount: Int) throws(Status) {
        if case .hello(let hello) = request.body {
            try greet(hello, requestID: request.id)
            return
        }
        guard isGreeted else {
            throw Status(
                .failedPrecondition, "a connection starts with a hello; found another request")
        }
        guard inFlightCount < ProtocolLimits.requestsInFlightMax else {
            throw Status(
                .resourceExhausted,
                "more requests in flight than the \(ProtocolLimits.requestsInFlightMax) that the "
                    + "server allowed in its greeting")
        }
        switch service.admit(request, byteCount: byteCount, from: self) {
        case .answer(let response):
            write(response, requestID: request.id)
        case .queued(let mayReadOn):
            inFlightCount += 1
            if !mayReadOn { isPaused = true }
        }
    }

    private func decode(_ message: ByteBuffer) throws(Status) -> DecodedRequest {
        let decoded = message.withUnsafeReadableBytes { bytes -> Result<DecodedRequest, Status> in
            do throws(Status) {
                return .success(try DecodedRequest(bytes))
            } catch {
                return .failure(error)
            }
        }
        return try decoded.get()
    }

    private func greet(_ hello: DecodedRequest.Hello, requestID: UInt64) throws(Status) {
        let greeting = try service.greet(hello)
        isGreeted = true
        write(.hello(greeting), requestID: requestID)
    }

    // MARK: Answers

    /// Writes the answer to a queued request. On the connection's event loop.
    func write(_ reply: PendingReply) {
        inFlightCount -= 1
        write(service.response(for: reply.body), requestID: reply.requestID)
    }

    func flushReplies() {
        guard hasUnflushedReplies else { return }
        hasUnflushedReplies = false
        context?.flush()
    }

    private func write(_ response: ResponseBody, requestID: UInt64) {
        guard let context else { return }
        var frame = ByteBuffer()
        response.encodeFrame(id: requestID) { byteCount, fill in
            frame = context.channel.allocator.buffer(capacity: byteCount)
            frame.writeWithUnsafeMutableBytes(minimumWritableBytes: byteCount) { memory in
                fill(UnsafeMutableRawBufferPointer(rebasing: memory[..<byteCount]))
                return byteCount
            }
        }
        context.write(wrapOutboundOut(frame), promise: nil)
        hasUnflushedReplies = true
    }

    /// Sends the reason, then ends the connection.
    private func close(after reason: Status, requestID: UInt64) {
        service.statistics.refusedRequestCount.add(1, ordering: .relaxed)
        logger.info("connection refused", metadata: ["reason": "\(reason)"])
        isClosing = true
        write(.failure(reason), requestID: requestID)
        hasUnflushedReplies = false
        context?.flush()
        context?.close(promise: nil)
    }

    /// Ends the connection when the answers that were written have left. On any thread.
    func closeGracefully() {
        eventLoop.execute {
            self.isClosing = true
            self.flushReplies()
            self.context?.close(promise: nil)
        }
    }
}
