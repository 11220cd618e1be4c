import AtomicStateClient
import AtomicStateProtocol
import NIOCore
import NIOPosix

/// A peer that speaks the protocol and answers as a test wants.
final class ScriptedServer: Sendable {
    /// What to do with a request, besides the handshake's, which is answered as by any server.
    enum Answer: Sendable {
        case respond(ResponseBody)
        /// With another id than the request's.
        case respondAs(UInt64, ResponseBody)
        case sendBytes([UInt8])
        case stayQuiet
        case hangUp
    }

    typealias Script = @Sendable (DecodedRequest) -> Answer

    let address: ServerAddress
    private let channel: any Channel

    init(
        requestsInFlightMax: Int = 4, frameByteCountMax: Int = 1 << 20, _ script: @escaping Script
    ) async throws {
        let greeting = Self.greeting(
            requestsInFlightMax: requestsInFlightMax, frameByteCountMax: frameByteCountMax)
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        ScriptedHandler { request in
                            switch script(request) {
                            case .respond(.pong) where request.isHello:
                                .respond(.hello(greeting))
                            case .respond(.pong) where request.isDescribe:
                                .respond(.describe(bankDescription))
                            case let answer: answer
                            }
                        })
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        address = ServerAddress(host: "127.0.0.1", port: channel.localAddress?.port ?? 0)
    }

    func client(retries: RetryPolicy = .none) async throws -> AtomicStateClient {
        try await .connect(to: address, retries: retries, timeout: .seconds(5))
    }

    /// What the handshake is answered with.
    static func greeting(
        schemaFingerprint: String = "00ff", requestsInFlightMax: Int = 4,
        frameByteCountMax: Int = 1 << 20
    ) -> ServerGreeting {
        ServerGreeting(
            version: ProtocolLimits.version, server: "scripted", role: "primary",
            schemaName: "bank", schemaFingerprint: schemaFingerprint,
            frameByteCountMax: frameByteCountMax, batchTransactionCountMax: 1_000,
            requestsInFlightMax: requestsInFlightMax, keyByteCountMax: 64,
            rememberedOutcomeCount: 1_000_000, health: "ok", milliseconds: 1_700_000_000_000)
    }

    deinit {
        channel.close(promise: nil)
    }
}

extension DecodedRequest {
    var isHello: Bool { if case .hello = body { true } else { false } }
    var isDescribe: Bool { if case .describe = body { true } else { false } }
}

private final class ScriptedHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let script: ScriptedServer.Script
    private var received = ByteBuffer()

    init(_ script: @escaping ScriptedServer.Script) {
        self.script = script
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        received.writeBuffer(&bytes)
        while let length = received.getInteger(at: received.readerIndex + 1, as: UInt32.self),
            received.readableBytes >= FrameHeader.byteCount + Int(length)
        {
            received.moveReaderIndex(forwardBy: FrameHeader.byteCount)
            guard let message = received.readSlice(length: Int(length)),
                let request = try? message.withUnsafeReadableBytes({ try DecodedRequest($0) })
            else {
                context.close(promise: nil)
                return
            }
            answer(request, context)
        }
    }

    private func answer(_ request: DecodedRequest, _ context: ChannelHandlerContext) {
        switch script(request) {
        case .respond(let body): send(body, id: request.id, context)
        case .respondAs(let id, let body): send(body, id: id, context)
        case .sendBytes(let bytes):
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
        case .stayQuiet: break
        case .hangUp: context.close(promise: nil)
        }
    }

    private func send(_ body: ResponseBody, id: UInt64, _ context: ChannelHandlerContext) {
        body.encodeFrame(id: id) { byteCount, fill in
            var frame = ByteBuffer()
            frame.writeWithUnsafeMutableBytes(minimumWritableBytes: byteCount) { memory in
                fill(UnsafeMutableRawBufferPointer(rebasing: memory[..<byteCount]))
                return byteCount
            }
            context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
        }
    }
}
