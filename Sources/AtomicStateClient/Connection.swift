internal import AtomicStateProtocol
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// One TCP connection that any number of callers share.
final class Connection: Sendable {
    private static let receiveByteCountMax = 256 << 10

    private let channel: any Channel
    private let handler: NIOLoopBound<ConnectionHandler>
    private let lastRequestID = Atomic<UInt64>(0)

    private init(channel: any Channel, handler: NIOLoopBound<ConnectionHandler>) {
        self.channel = channel
        self.handler = handler
    }

    deinit {
        channel.close(promise: nil)
    }

    static func open(
        to address: ServerAddress, on group: any EventLoopGroup, timeout: TimeAmount
    ) async throws(ConnectionError) -> Connection {
        let bootstrap = ClientBootstrap(group: group)
            .connectTimeout(timeout)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(
                    minimum: 4 << 10, initial: 64 << 10, maximum: receiveByteCountMax))
        do {
            return try await bootstrap.connect(host: address.host, port: address.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = ConnectionHandler()
                    try channel.pipeline.syncOperations.addHandler(handler)
                    return Connection(
                        channel: channel,
                        handler: NIOLoopBound(handler, eventLoop: channel.eventLoop))
                }
            }
        } catch {
            throw .unreachable(address, reason: failureReason(error))
        }
    }

    /// Sends the request and waits for its response, behind the requests that came before it.
    ///
    /// Encoding is done here, on the caller's thread; the event loop only moves bytes.
    ///
    /// - Parameter messageByteCountMax: the server's limit.
    /// - Throws: the server's `Status`, `resourceExhausted` for a message beyond the limit,
    ///   `ConnectionError`, or `CancellationError` as soon as the task is cancelled.
    func response(
        to body: RequestBody, messageByteCountMax: Int = ProtocolLimits.frameByteCountMax
    ) async throws -> ResponseBody {
        try Task.checkCancellation()
        let id = lastRequestID.wrappingAdd(1, ordering: .relaxed).newValue
        let frame = body.frame(id: id)
        let messageByteCount = frame.readableBytes - FrameHeader.byteCount
        guard messageByteCount <= messageByteCountMax else {
            throw Status(
                .resourceExhausted,
                "a message of \(messageByteCount) bytes: expected at most \(messageByteCountMax)")
        }
        let response = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { caller in
                perform { $0.send(id: id, frame: frame, caller: caller) }
                // A cancellation until here came before the request, and found nothing to abandon.
                if Task.isCancelled { perform { $0.abandon(id: id) } }
            }
        } onCancel: {
            perform { $0.abandon(id: id) }
        }
        if case .failure(let status) = response { throw status }
        return response
    }

    /// Allows as many requests in flight as the server has announced.
    func widen(to requestsInFlightMax: Int) {
        perform { $0.widen(to: requestsInFlightMax) }
    }

    /// Ends the connection after `delay` unless what is returned is cancelled.
    func end(after delay: TimeAmount, reason: ConnectionError) -> Scheduled<Void> {
        channel.eventLoop.scheduleTask(in: delay) { [handler] in handler.value.end(reason) }
    }

    func close() async {
        perform { $0.end(.closed) }
        await withCheckedContinuation { closed in
            channel.closeFuture.whenComplete { _ in closed.resume() }
        }
    }

    private func perform(_ action: @escaping @Sendable (ConnectionHandler) -> Void) {
        if channel.eventLoop.inEventLoop {
            action(handler.value)
        } else {
            channel.eventLoop.execute { [handler] in action(handler.value) }
        }
    }
}

extension RequestBody {
    fileprivate func frame(id: UInt64) -> ByteBuffer {
        var frame = ByteBuffer()
        encodeFrame(id: id) { byteCount, fill in
            frame.writeWithUnsafeMutableBytes(minimumWritableBytes: byteCount) { memory in
                fill(UnsafeMutableRawBufferPointer(rebasing: memory[..<byteCount]))
                return byteCount
            }
        }
        return frame
    }
}
