internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Asks a server's admin port, for the commands that probe it.
package enum AdminClient {
    package struct Response: Sendable {
        package let statusCode: UInt
        package let body: String

        package var isSuccess: Bool { (200..<300).contains(statusCode) }
    }

    private static let timeout = TimeAmount.seconds(5)

    private struct NoAnswer: Error, CustomStringConvertible {
        let description = "no answer within \(AdminClient.timeout.nanoseconds / 1_000_000_000) s"
    }

    private static let bodyByteCountMax = 1 << 20

    package static func get(_ path: String, host: String, port: Int) async throws -> Response {
        let group = MultiThreadedEventLoopGroup.singleton
        let channel = try await ClientBootstrap(group: group)
            .connectTimeout(timeout)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(
                        NIOHTTPClientResponseAggregator(maxContentLength: bodyByteCountMax))
                }
            }
            .connect(host: host, port: port)
            .get()
        let response = channel.eventLoop.makePromise(of: Response.self)
        let alarm = channel.eventLoop.scheduleTask(in: timeout) {
            response.fail(NoAnswer())
        }
        do {
            try await channel.eventLoop.submit {
                try channel.pipeline.syncOperations.addHandler(ResponseHandler(response))
            }.get()
            let headers = HTTPHeaders([("host", "\(host):\(port)"), ("connection", "close")])
            let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: path, headers: headers)
            channel.write(HTTPClientRequestPart.head(head), promise: nil)
            channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
        } catch {
            response.fail(error)
        }
        defer { alarm.cancel() }
        let result = try await response.futureResult.get()
        try? await channel.close()
        return result
    }

    private final class ResponseHandler: ChannelInboundHandler {
        typealias InboundIn = NIOHTTPClientResponseFull

        private let response: EventLoopPromise<Response>

        init(_ response: EventLoopPromise<Response>) {
            self.response = response
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let full = unwrapInboundIn(data)
            response.succeed(
                Response(
                    statusCode: full.head.status.code,
                    body: full.body.map { String(buffer: $0) } ?? ""))
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            response.fail(error)
            context.close(promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) {
            response.fail(ChannelError.eof)
        }
    }
}
