internal import AtomicStateProtocol
internal import NIOCore
internal import NIOPosix
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// One TCP connection that any number of callers share. Requests can be made before it is open: they
/// wait.
final class Connection: Sendable {
    private static let receiveByteCountMax = 256 << 10

    private let eventLoop: any EventLoop
    private let handler: NIOLoopBoundBox<ConnectionHandler>
    private let progress = ConnectionProgress()
    private let lastRequestID = Atomic<UInt64>(0)

    init(on eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        handler = .makeBoxSendingValue(
            ConnectionHandler(eventLoop: eventLoop, progress: progress), eventLoop: eventLoop)
    }

    deinit {
        // The event loop may be gone by now if the connection is.
        if !isEnded { perform { $0.end(.closed) } }
    }

    /// Whether the server has greeted.
    var isGreeted: Bool { progress.isGreeted.load(ordering: .acquiring) }

    /// Whether every request is refused.
    var isEnded: Bool { progress.isEnded.load(ordering: .acquiring) }

    /// Connects and shakes hands, and sends what waits.
    ///
    /// - Parameters:
    ///   - timeout: for the connection to be made, and again for the server to greet.
    ///   - patience: for the server to take what is sent.
    ///   - resolver: of the host's name; nil for the system's.
    /// - Throws: `ConnectionError`, or the `Status` with which the server refuses this client. The
    ///   connection is then of no use.
    func open(
        to address: ServerAddress, client: String, schemaFingerprint: String, timeout: TimeAmount,
        patience: TimeAmount, resolver: (any Resolver & Sendable)? = nil
    ) async throws -> ServerGreeting {
        let bootstrap = ClientBootstrap(group: eventLoop)
            .resolver(resolver)
            .connectTimeout(timeout)
            .detectingDeadPeers(askedAfter: timeout, within: max(timeout, patience))
            .channelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(
                    minimum: 4 << 10, initial: 64 << 10, maximum: Self.receiveByteCountMax)
            )
            // Until there is somebody to read for.
            .channelOption(.autoRead, value: false)
        do {
            // A name can have several addresses, each tried on a channel of its own: the handler is for the one
            // that is left.
            try await bootstrap.connect(host: address.host, port: address.port)
                .flatMapThrowing { [handler] in try handler.value.serve($0) }
                .get()
        } catch {
            throw ConnectionError.unreachable(address, reason: failureReason(error))
        }
        let hello = RequestBody.hello(client: client, schemaFingerprint: schemaFingerprint)
        let response: ResponseBody
        do throws(AttemptFailure) {
            response = try await handshake(hello, deadline: .now() + timeout)
        } catch {
            throw error.ofHandshake(with: address, timeout: timeout)
        }
        guard case .hello(let greeting) = response else { throw unexpectedResponse(to: "hello") }
        try greeting.requireFitting(schemaFingerprint: schemaFingerprint)
        progress.isGreeted.store(true, ordering: .releasing)
        perform { $0.widen(to: greeting.requestsInFlightMax) }
        return greeting
    }

    /// Sends the request and waits for its response, behind the requests that came before it.
    ///
    /// Encoding is done here, on the caller's thread; the event loop only moves bytes.
    ///
    /// - Parameter messageByteCountMax: the server's limit.
    /// - Throws: as soon as there is a status, no connection, or the task is cancelled.
    func response(
        to body: RequestBody, deadline: NIODeadline, messageByteCountMax: Int
    ) async throws(AttemptFailure) -> ResponseBody {
        let id = nextRequestID()
        let frame = body.frame(id: id)
        let messageByteCount = frame.readableBytes - FrameHeader.byteCount
        guard messageByteCount <= messageByteCountMax else {
            throw .status(
                Status(
                    .resourceExhausted,
                    "a message of \(messageByteCount) bytes: expected at most \(messageByteCountMax)"
                ))
        }
        return try await response(id: id) {
            $0.send(id: id, frame: frame, deadline: deadline, caller: $1)
        }
    }

    private func handshake(
        _ hello: RequestBody, deadline: NIODeadline
    ) async throws(AttemptFailure) -> ResponseBody {
        let id = nextRequestID()
        let frame = hello.frame(id: id)
        return try await response(id: id) {
            $0.sendHandshake(id: id, frame: frame, deadline: deadline, caller: $1)
        }
    }

    private func response(
        id: UInt64,
        _ send: @escaping @Sendable (ConnectionHandler, ConnectionHandler.Caller) -> Void
    ) async throws(AttemptFailure) -> ResponseBody {
        guard !Task.isCancelled else { throw .cancelled(wasSent: false) }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { caller in
                perform { send($0, caller) }
                // A cancellation until here came before the request, and found nothing to abandon.
                if Task.isCancelled { perform { $0.abandon(id: id) } }
            }
        } onCancel: {
            // Also on the event loop in its turn: the request may wait there to be sent.
            eventLoop.execute { [handler] in handler.value.abandon(id: id) }
        }
        let response = try result.get()
        if case .failure(let status) = response { throw .status(status) }
        return response
    }

    /// Refuses whatever waits, and what comes.
    func end(_ reason: ConnectionError) {
        perform { $0.end(reason) }
    }

    /// Returns when the connection is closed.
    func close() async {
        await withCheckedContinuation { closed in
            perform {
                $0.end(.closed)
                $0.whenClosed { closed.resume() }
            }
        }
    }

    private func nextRequestID() -> UInt64 {
        lastRequestID.wrappingAdd(1, ordering: .relaxed).newValue
    }

    private func perform(_ action: @escaping @Sendable (ConnectionHandler) -> Void) {
        if eventLoop.inEventLoop {
            action(handler.value)
        } else {
            eventLoop.execute { [handler] in action(handler.value) }
        }
    }
}

extension ClientBootstrap {
    /// Has the system end a connection whose other side is gone without a word, which otherwise takes
    /// a quarter of an hour, or for ever while nothing is sent.
    ///
    /// - Parameters:
    ///   - silence: after it the other side is asked for a sign of life.
    ///   - timeout: also ends a connection whose other side lives, and takes nothing for so long.
    fileprivate func detectingDeadPeers(
        askedAfter silence: TimeAmount, within timeout: TimeAmount
    ) -> ClientBootstrap {
        var bootstrap = channelOption(.socketOption(.so_keepalive), value: 1)
        #if os(Linux)
            // The system takes no more than 32,767 seconds.
            func milliseconds(_ time: TimeAmount) -> Int {
                Int(min(max(time.nanoseconds / 1_000_000, 1), 32_767_000))
            }
            let seconds = max(milliseconds(silence) / 1_000, 1)
            let options = [
                (TCP_KEEPIDLE, seconds), (TCP_KEEPINTVL, seconds),
                (TCP_USER_TIMEOUT, milliseconds(timeout)),
            ]
            for (option, value) in options {
                bootstrap = bootstrap.channelOption(
                    .tcpOption(NIOBSDSocket.Option(rawValue: option)), value: value)
            }
        #endif
        return bootstrap
    }
}

extension ServerGreeting {
    /// - Parameter schemaFingerprint: empty for any.
    fileprivate func requireFitting(schemaFingerprint expected: String) throws(Status) {
        guard version == ProtocolLimits.version else {
            throw Status(
                .failedPrecondition,
                "the server speaks protocol version \(version): expected \(ProtocolLimits.version)")
        }
        // Servers refuse another schema themselves. But on it depends what is carried out at all.
        guard expected.isEmpty || expected == schemaFingerprint else {
            throw Status(
                .failedPrecondition, "schema \(schemaFingerprint): expected \(expected)")
        }
    }
}

extension AttemptFailure {
    fileprivate func ofHandshake(with address: ServerAddress, timeout: TimeAmount) -> any Error {
        switch self {
        case .status(let status): status
        case .connection(let error, wasSent: _): error
        case .deadlinePassed(wasSent: _):
            ConnectionError.unreachable(
                address, reason: "it did not answer within \(Duration(timeout))")
        case .cancelled(wasSent: _): CancellationError()
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

func unexpectedResponse(to request: String) -> Status {
    Status(.internal, "the server answered \(request) with a response of another kind")
}
