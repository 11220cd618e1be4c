internal import AtomicStateProtocol
internal import NIOCore

/// Sends requests and hands each response to the caller that waits for it. Lives on its channel's
/// event loop.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    typealias Caller = CheckedContinuation<ResponseBody, any Error>

    /// Unsent bytes from which on a flush pays off at once; fewer wait for the requests that are
    /// made in the same turn of the event loop, to share one system call.
    private static let flushByteCountMin = 64 << 10

    private var window = RequestWindow<Caller>()
    private let responses = NIOSingleStepByteToMessageProcessor(ResponseDecoder())
    private var context: ChannelHandlerContext?
    private var unflushedByteCount = 0
    private var flushIsScheduled = false

    // MARK: Calls

    func send(id: UInt64, frame: ByteBuffer, caller: Caller) {
        switch window.admit(id: id, frame: frame, caller: caller) {
        case .send(let frame): write(frame)
        case .wait: break
        case .refuse(let caller, let error): caller.resume(throwing: error)
        }
    }

    /// The caller of this request was cancelled.
    func abandon(id: UInt64) {
        window.abandon(id: id)?.resume(throwing: CancellationError())
    }

    /// The server has said how many requests it takes at once.
    func widen(to requestsInFlightMax: Int) {
        window.widen(to: requestsInFlightMax)
        sendWaiting()
    }

    func end(_ reason: ConnectionError) {
        for caller in window.close(reason) { caller.resume(throwing: reason) }
        context?.close(promise: nil)
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        do {
            try responses.process(buffer: unwrapInboundIn(data), receive)
        } catch {
            end(.lost(reason: "what the server sent can't be read: \(error)"))
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(.lost(reason: "the server closed it"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(.lost(reason: failureReason(error)))
    }

    // MARK: Inside

    private func receive(_ response: DecodedResponse) {
        if response.id == 0, case .failure(let status) = response.body {
            // Not an answer to one request: the server could not read what came, and gives up.
            end(.lost(reason: "the server ended it: \(status)"))
            return
        }
        switch window.arrive(id: response.id) {
        case .deliver(let caller): caller.resume(returning: response.body)
        case .drop: break
        case .violation:
            end(.lost(reason: "the server answered request \(response.id), which was not asked"))
        }
        sendWaiting()
    }

    private func sendWaiting() {
        while let frame = window.nextToSend() { write(frame) }
    }

    private func write(_ frame: ByteBuffer) {
        guard let context else { return }
        unflushedByteCount += frame.readableBytes
        context.write(wrapOutboundOut(frame), promise: nil)
        if unflushedByteCount >= Self.flushByteCountMin {
            flush()
        } else if !flushIsScheduled {
            flushIsScheduled = true
            context.eventLoop.assumeIsolated().execute { self.flush() }
        }
    }

    private func flush() {
        flushIsScheduled = false
        guard unflushedByteCount > 0 else { return }
        unflushedByteCount = 0
        context?.flush()
    }
}
