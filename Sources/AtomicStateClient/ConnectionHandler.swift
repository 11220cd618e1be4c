internal import AtomicStateProtocol
internal import NIOCore
internal import Synchronization

/// Sends requests and hands each response to the caller that waits for it. Lives on one event loop,
/// from before its channel is there.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    typealias Caller = CheckedContinuation<Result<ResponseBody, AttemptFailure>, Never>

    /// Unsent bytes from which on a flush pays off at once; fewer wait for the requests that are
    /// made in the same turn of the event loop, to share one system call.
    private static let flushByteCountMin = 64 << 10

    private let eventLoop: any EventLoop
    private let progress: ConnectionProgress
    private var window = RequestWindow<Caller>()
    private let responses = NIOSingleStepByteToMessageProcessor(ResponseDecoder())
    private var context: ChannelHandlerContext?
    private var unflushedByteCount = 0
    private var flushIsScheduled = false
    /// Whether the last request was the only one in flight.
    private var wasAlone = false
    /// Goes off at the first deadline, or before.
    private var alarm: Scheduled<Void>?
    private var alarmTime = NIODeadline.distantFuture

    init(eventLoop: any EventLoop, progress: ConnectionProgress) {
        self.eventLoop = eventLoop
        self.progress = progress
    }

    // MARK: Calls

    func send(id: UInt64, frame: ByteBuffer, deadline: NIODeadline, caller: Caller) {
        guard deadline > .now() else {
            caller.resume(returning: .failure(.deadlinePassed(wasSent: false)))
            return
        }
        carryOut(window.admit(id: id, frame: frame, deadline: deadline, caller: caller), deadline)
    }

    func sendHandshake(id: UInt64, frame: ByteBuffer, deadline: NIODeadline, caller: Caller) {
        carryOut(
            window.admitHandshake(id: id, frame: frame, deadline: deadline, caller: caller),
            deadline)
    }

    /// The caller of this request was cancelled.
    func abandon(id: UInt64) {
        window.abandon(id: id)?.fail { .cancelled(wasSent: $0) }
    }

    /// The server has said how many requests it takes at once.
    func widen(to requestsInFlightMax: Int) {
        window.widen(to: requestsInFlightMax)
        sendWaiting()
    }

    func end(_ reason: ConnectionError) {
        progress.isEnded.store(true, ordering: .releasing)
        alarm?.cancel()
        for released in window.close(reason) { released.fail { .connection(reason, wasSent: $0) } }
        context?.close(promise: nil)
    }

    /// Calls `body` when the channel is closed, or at once if there is none.
    func whenClosed(_ body: @escaping @Sendable () -> Void) {
        guard let context else { return body() }
        context.channel.closeFuture.whenComplete { _ in body() }
    }

    // MARK: Channel

    /// Begins to read from the channel, which is connected.
    func serve(_ channel: any Channel) throws {
        guard !progress.isEnded.load(ordering: .acquiring) else {
            channel.close(promise: nil)
            return
        }
        try channel.pipeline.syncOperations.addHandler(self)
        try channel.syncOptions?.setOption(.autoRead, value: true)
    }

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

    private func carryOut(_ admission: RequestWindow<Caller>.Admission, _ deadline: NIODeadline) {
        switch admission {
        case .send(let frame): write(frame)
        case .wait: break
        case .refuse(let caller, let error):
            caller.resume(returning: .failure(.connection(error, wasSent: false)))
            return
        }
        if deadline < alarmTime { setAlarm(deadline) }
    }

    private func receive(_ response: DecodedResponse) {
        if response.id == 0, case .failure(let status) = response.body {
            // Not an answer to one request: the server could not read what came, and gives up.
            end(.lost(reason: "the server ended it: \(status)"))
            return
        }
        switch window.arrive(id: response.id) {
        case .deliver(let caller): caller.resume(returning: .success(response.body))
        case .drop: break
        case .violation:
            end(.lost(reason: "the server answered request \(response.id), which was not asked"))
        }
        sendWaiting()
    }

    private func sendWaiting() {
        while let frame = window.nextToSend() { write(frame) }
    }

    private func setAlarm(_ time: NIODeadline) {
        alarm?.cancel()
        alarmTime = time
        alarm = eventLoop.assumeIsolated().scheduleTask(deadline: time) { self.expire() }
    }

    /// Mostly there is nothing to be done but to set the alarm anew: deadlines are far, answers near.
    private func expire() {
        for released in window.expire(.now()) { released.fail { .deadlinePassed(wasSent: $0) } }
        alarm = nil
        alarmTime = .distantFuture
        if let next = window.earliestDeadline { setAlarm(next) }
    }

    private func write(_ frame: ByteBuffer) {
        guard let context else { return }
        unflushedByteCount += frame.readableBytes
        context.write(wrapOutboundOut(frame), promise: nil)
        // Where the last one was alone too, no others are to be expected in this turn.
        let isAlone = window.inFlightCount == 1
        defer { wasAlone = isAlone }
        if unflushedByteCount >= Self.flushByteCountMin || (isAlone && wasAlone) {
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

/// How far a connection has come, for any thread to see.
final class ConnectionProgress: Sendable {
    let isGreeted = Atomic(false)
    let isEnded = Atomic(false)
}

extension RequestWindow<ConnectionHandler.Caller>.Released {
    fileprivate func fail(_ failure: (_ wasSent: Bool) -> AttemptFailure) {
        caller.resume(returning: .failure(failure(wasSent)))
    }
}
