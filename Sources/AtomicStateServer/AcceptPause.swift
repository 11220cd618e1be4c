internal import Logging
internal import NIOCore

/// Stops accepting for a moment when a connection can't be accepted: without descriptors, for one. The
/// connection stays in the system's queue meanwhile. Without the pause the event loop would try again and
/// again: SwiftNIO keeps asking for what it could not read.
final class AcceptPause: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private let logger: Logger

    init(logger: Logger) {
        self.logger = logger
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        logger.warning("can't accept connections", metadata: ["error": "\(error)"])
        setAccepting(false, context)
        context.eventLoop.assumeIsolated().scheduleTask(
            in: .milliseconds(ServerLimits.acceptPauseMilliseconds)
        ) {
            self.setAccepting(true, context)
        }
    }

    private func setAccepting(_ isAccepting: Bool, _ context: ChannelHandlerContext) {
        do {
            try context.channel.syncOptions?.setOption(.autoRead, value: isAccepting)
        } catch {
            // The listener is closed: there is nothing to accept.
        }
    }
}
