internal import AtomicStateProtocol
internal import NIOCore
internal import Synchronization

/// One client's connection: takes frames off the socket, checks and queues requests, and writes the
/// answers.
///
/// Malformed input ends this connection, after a reason is sent; a request that does not fit the
/// schema is refused and the connection goes on. The next frame is left where it is while the queue is
/// full, or while the connection holds as much as one may: what a client does not read, or sends faster
/// than it is carried out, waits on its side.
final class Connection: ChannelInboundHandler, @unchecked Sendable {  // Guarded by its event loop.
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let eventLoop: any EventLoop
    let service: RequestService
    /// The requests that wait for the writer, which are the sequencer's.
    let lane = FairQueue.Lane()
    private(set) var context: ChannelHandlerContext?
    /// What has come and was not consumed: the beginning of a frame, or frames that have to wait.
    var incoming = ByteBuffer()
    var times: PeerTimes
    private var isGreeted = false
    var isClosing = false
    private var isReading = false
    /// The queue is full; it tells when it is not.
    private(set) var waitsForQueue = false
    /// The rest of what has come is looked at when others have had their turn.
    private var waitsForTurn = false
    /// Frames may lie in `incoming` because the connection could not take them.
    private var framesWait = false
    /// The event loop is to take the writer's steps when it has looked at all that has come.
    var hasWritersTurn = false
    private var isSending = false
    var hasFinishedSending = false
    /// Requests that are not answered.
    private(set) var inFlightCount = 0
    private var inFlightByteCount = 0
    private var inFlightTransactionCount = 0
    /// There were answers, and they were not looked at since.
    private var hasAnswers = false
    var backlog = ReplyBacklog()
    private let held = Atomic<Int>(0)

    init(eventLoop: any EventLoop, service: RequestService) {
        self.eventLoop = eventLoop
        self.service = service
        times = PeerTimes(now: service.clock.monotonicNanoseconds)
    }

    /// Memory of what came, of requests in flight with the most that their answers may take, and of
    /// answers that did not leave. On any thread.
    var heldByteCount: Int { held.load(ordering: .relaxed) }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        switch service.connections.add(self) {
        case .admitted: readMore()
        case .refused: end(after: tooManyConnections, .limit)
        case .dropped:
            service.statistics.noteEnd(.limit)
            isClosing = true
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        isClosing = true
        incoming = ByteBuffer()
        backlog = ReplyBacklog()
        for item in service.abandonRequests(of: self) { noteDone(item) }
        noteHeld(heldNow)
        service.connections.remove(self)
        takeWritersTurn()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing else { return }
        var bytes = unwrapInboundIn(data)
        if incoming.readableBytes > 0 {
            incoming.writeBuffer(&bytes)
        } else {
            incoming = bytes
        }
        consumeFrames()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        settle()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard !isSending, hasSentAll(context) else { return }
        backlog.partWasSent()
        advance()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    /// The queue has room again. May be called on any thread.
    func resumeReading() {
        eventLoop.execute {
            self.waitsForQueue = false
            self.advance()
        }
    }

    private func advance() {
        consumeFrames()
        settle()
    }

    /// Sends what was answered, asks for more where there is room for it, and has done what came if that is left
    /// to this loop.
    func settle() {
        sendBacklog()
        if framesWait, !isClosing, canTakeRequest, !waitsForTurn { yieldTurn() }
        keepLittle()
        noteHeld(heldNow)
        readMore()
        takeWritersTurn()
    }

    private func takeWritersTurn() {
        guard hasWritersTurn else { return }
        hasWritersTurn = false
        service.takeWritersTurn()
    }

    private func readMore() {
        guard !isReading, isClosing || canTakeRequest, !waitsForTurn else { return }
        guard let context, context.channel.isActive else { return }
        isReading = true
        context.read()
    }

    /// What is left of a read is seldom much: it must not keep the whole read's memory.
    private func keepLittle() {
        if incoming.readableBytes == 0 {
            incoming = ByteBuffer()
        } else if incoming.readableBytes < incoming.capacity / 4 {
            incoming = ByteBuffer(bytes: incoming.readableBytesView)
        } else {
            incoming.discardReadBytes()
        }
    }

    private var heldNow: Int {
        inFlightByteCount + backlog.byteCount
            + (incoming.readableBytes > 0 ? incoming.capacity : 0)
    }

    private func noteHeld(_ byteCount: Int) {
        let difference = byteCount - held.exchange(byteCount, ordering: .relaxed)
        guard difference != 0 else { return }
        service.connections.memory.change(by: difference)
        if difference > 0 { service.connections.shedIfExceeded() }
    }

    // MARK: Requests

    /// Whether the connection holds little enough to take a request, however large.
    private var canTakeRequest: Bool {
        !waitsForQueue
            && inFlightByteCount + backlog.byteCount < ServerLimits.connectionByteCountMax
            && inFlightTransactionCount < ServerLimits.connectionTransactionCountMax
    }

    private func consumeFrames() {
        guard !isClosing else { return }
        let start = service.clock.monotonicNanoseconds
        var now = start
        var count = 0
        var needsMore = false
        do throws(Status) {
            while !isClosing, !needsMore, !waitsForTurn, canTakeRequest {
                guard let byteCount = try nextFrameByteCount() else {
                    needsMore = true
                    break
                }
                let isLight = isLight(byteCount)
                guard isLight || service.hasRoom(for: self) else {
                    waitsForQueue = true
                    break
                }
                incoming.moveReaderIndex(forwardBy: FrameHeader.byteCount)
                let message = incoming.readSlice(length: byteCount) ?? ByteBuffer()
                try handle(try decode(message), isLight: isLight)
                count += 1
                now = service.clock.monotonicNanoseconds
                if now - start > ServerLimits.turnNanosecondsMax { yieldTurn() }
            }
        } catch {
            end(after: error, .protocol)
        }
        if count > 0 { times.noteRequest(now: now) }
        let hasBytes = incoming.readableBytes > 0
        framesWait = hasBytes && !needsMore
        // A frame that waits here is not the peer's fault.
        times.noteFrame(hasBegun: hasBytes && needsMore, isNext: count > 0, now: now)
    }

    /// Whether a request is let into the queue even if large ones have filled it: a small one of a
    /// connection that has none there. Memory bounds their number.
    private func isLight(_ byteCount: Int) -> Bool {
        inFlightCount == 0 && byteCount <= ServerLimits.lightRequestByteCountMax
    }

    /// The loop carries out what is to be done at once before it looks at any socket, so a turn later is a
    /// moment later.
    private func yieldTurn() {
        waitsForTurn = true
        eventLoop.scheduleTask(in: .microseconds(ServerLimits.turnPauseMicroseconds)) {
            self.waitsForTurn = false
            self.advance()
        }
    }

    /// The byte count of the next message if it has come whole; its limit is checked before that.
    private func nextFrameByteCount() throws(Status) -> Int? {
        guard let flag: UInt8 = incoming.getInteger(at: incoming.readerIndex),
            let length: UInt32 = incoming.getInteger(at: incoming.readerIndex + 1)
        else { return nil }
        if flag != 0, !isGreeted, let found = ForeignProtocol(incoming.readableBytesView) {
            refuse(found)
            return nil
        }
        let header = try FrameHeader(flag: flag, length: length)
        guard incoming.readableBytes >= FrameHeader.byteCount + header.messageByteCount else {
            return nil
        }
        return header.messageByteCount
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

    /// - Throws: why the connection has to end, if what came is no request.
    private func handle(_ request: DecodedRequest, isLight: Bool) throws(Status) {
        do throws(Status) {
            if !isGreeted {
                try greet(request)
                return
            }
            guard inFlightCount < ProtocolLimits.requestsInFlightMax else {
                throw Status(
                    .resourceExhausted,
                    "more requests in flight than the \(ProtocolLimits.requestsInFlightMax) that the "
                        + "server allowed in its greeting")
            }
        } catch {
            end(after: error, .protocol, requestID: request.id)
            return
        }
        switch service.admit(request, from: self, isLight: isLight) {
        case .answer(let response):
            backlog.append(response, requestID: request.id)
        case .queued(let item):
            inFlightCount += 1
            inFlightByteCount += item.byteCountWithReply
            inFlightTransactionCount += item.transactionCount
        }
    }

    private func greet(_ request: DecodedRequest) throws(Status) {
        guard case .hello(let hello) = request.body else {
            throw Status(
                .failedPrecondition, "a connection starts with a hello; found another request")
        }
        backlog.append(.hello(try service.greet(hello)), requestID: request.id)
        isGreeted = true
        times.noteGreeting()
    }

    // MARK: Answers

    /// Answers a request that was queued. On the connection's event loop.
    func answer(_ item: WorkItem) {
        guard inFlightCount > 0, let answer = item.answer else {
            preconditionFailure("an answer belongs to a request in flight")
        }
        noteDone(item)
        hasAnswers = true
        guard !isClosing else { return }
        backlog.append(service.response(for: answer), requestID: item.request.id)
    }

    private func noteDone(_ item: WorkItem) {
        inFlightCount -= 1
        inFlightByteCount -= item.byteCountWithReply
        inFlightTransactionCount -= item.transactionCount
    }

    /// Sends the answers, and looks at what had to wait for them. On the connection's event loop.
    func flushAnswers() {
        guard hasAnswers else { return }
        hasAnswers = false
        advance()
    }

    private func sendBacklog() {
        guard let context else { return }
        isSending = true
        while let part = backlog.nextPart() {
            context.writeAndFlush(wrapOutboundOut(part), promise: nil)
            if hasSentAll(context) { backlog.partWasSent() }
        }
        isSending = false
        if isClosing, backlog.isEmpty { finishSending() }
    }

    /// Whether the system has taken all that the channel was given.
    private func hasSentAll(_ context: ChannelHandlerContext) -> Bool {
        context.channel.isWritable
    }
}
