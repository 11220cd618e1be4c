internal import NIOCore
internal import Synchronization

/// How many connections to the admin port are open.
final class AdminConnectionCount: Sendable {
    private let count = Atomic<Int>(0)

    /// Counts one more; false if there are too many with it.
    func add() -> Bool {
        count.add(1, ordering: .relaxed).newValue <= ServerLimits.adminConnectionCountMax
    }

    func remove() {
        count.subtract(1, ordering: .relaxed)
    }
}

/// Stands before HTTP on the admin port: bounds how many connections there are, how long each lives, and
/// what it may send. One connection serves one request.
final class AdminGuard: ChannelDuplexHandler, @unchecked Sendable {  // Guarded by its event loop.
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private let statistics: Statistics
    private let openCount: AdminConnectionCount
    private var context: ChannelHandlerContext?
    private var receivedByteCount = 0
    private var isRefused = false
    private var hasAnswered = false
    private var deadline: Scheduled<Void>?

    init(statistics: Statistics, openCount: AdminConnectionCount) {
        self.statistics = statistics
        self.openCount = openCount
    }

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        deadline = context.eventLoop.scheduleTask(in: .seconds(ServerLimits.adminSeconds)) {
            self.refuse(
                "408 Request Timeout", "a request takes at most \(ServerLimits.adminSeconds) s")
        }
        guard openCount.add() else {
            refuse(
                "503 Service Unavailable",
                "at most \(ServerLimits.adminConnectionCountMax) connections at a time")
            return
        }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        openCount.remove()
        deadline?.cancel()
        self.context = nil
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        receivedByteCount += unwrapInboundIn(data).readableBytes
        guard receivedByteCount <= ServerLimits.adminRequestByteCountMax else {
            refuse(
                "431 Request Header Fields Too Large",
                "a request has at most \(ServerLimits.adminRequestByteCountMax) bytes")
            return
        }
        if !isRefused { context.fireChannelRead(data) }
    }

    func write(
        context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?
    ) {
        hasAnswered = true
        context.write(data, promise: promise)
    }

    /// Answers without HTTP's handlers, which may be in the middle of a request, and closes.
    private func refuse(_ status: String, _ reason: String) {
        guard let context, !isRefused else { return }
        isRefused = true
        statistics.refusedAdminRequestCount.add(1, ordering: .relaxed)
        guard !hasAnswered else {
            // Its answer is not taken: another would not be either.
            context.close(promise: nil)
            return
        }
        let text = reason + "\n"
        let answer =
            "HTTP/1.1 \(status)\r\ncontent-type: text/plain; charset=utf-8\r\n"
            + "content-length: \(text.utf8.count)\r\nconnection: close\r\n\r\n\(text)"
        context.writeAndFlush(
            wrapOutboundOut(.byteBuffer(ByteBuffer(string: answer))), promise: nil)
        context.close(promise: nil)
    }
}
