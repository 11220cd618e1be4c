internal import AtomicStateProtocol
internal import NIOCore

/// How a connection ends: with a reason that its peer gets to read, or when it has been given its time.
extension Connection {
    /// Sends the reason, then ends the connection.
    func end(after reason: Status, _ cause: ConnectionEnd, requestID: UInt64 = 0) {
        beginEnd(reason, cause)
        backlog.append(.failure(reason), requestID: requestID)
        settle()
    }

    func refuse(_ found: ForeignProtocol) {
        beginEnd(Status(.unimplemented, "\(found.name): expected a hello"), .protocol)
        backlog.append(found.answer)
        settle()
    }

    private func beginEnd(_ reason: Status, _ cause: ConnectionEnd) {
        if cause == .protocol {
            service.statistics.refusedRequestCount.add(1, ordering: .relaxed)
        }
        service.statistics.noteEnd(cause)
        service.connections.refusalLog.note(
            reason, cause, now: service.clock.monotonicNanoseconds)
        isClosing = true
        incoming = ByteBuffer()
    }

    /// All that was to be said is said. The peer gets a moment to read it: closing at once, with bytes of
    /// its unread, would make its system throw the answer away.
    func finishSending() {
        guard !hasFinishedSending else { return }
        hasFinishedSending = true
        context?.close(mode: .output, promise: nil)
        eventLoop.scheduleTask(in: .seconds(ServerLimits.lingerSeconds)) {
            self.context?.close(promise: nil)
        }
    }

    /// Ends the connection when the answers that were written have left. On any thread.
    func closeGracefully() {
        eventLoop.execute {
            self.isClosing = true
            self.incoming = ByteBuffer()
            self.settle()
        }
    }

    /// Ends the connection if its peer takes too long. On the connection's event loop.
    func endIfOverdue(_ limits: PeerTimes.Limits, now: UInt64) {
        guard let context, !loopStoodStill(since: now) else { return }
        let isBusy = inFlightCount > 0 || !backlog.isEmpty || waitsForQueue
        let reason = times.overdue(
            takenByteCount: backlog.isEmpty ? nil : takenByteCount(context), isBusy: isBusy,
            now: now, limits: limits)
        guard let reason else { return }
        if isClosing {
            context.close(promise: nil)
        } else {
            endNow(after: reason, .timeout)
        }
    }

    /// Whether the loop gets to it long after it was asked to: it may have waited for the disk, and has not
    /// looked at what came meanwhile.
    private func loopStoodStill(since then: UInt64) -> Bool {
        let now = service.clock.monotonicNanoseconds
        return now > then + ServerLimits.lateNanosecondsMax
    }

    /// Ends the connection to get its memory back. On the connection's event loop.
    func shed() {
        guard let context else { return }
        // It is ending already, and its peer does not read what it was told.
        guard !isClosing else {
            context.close(promise: nil)
            return
        }
        let reason = Status(
            .resourceExhausted, service.connections.memory.refusal, retryAfterMilliseconds: 1_000)
        endNow(after: reason, .memory)
    }

    /// Tells the reason only if nothing stands before it that the peer does not read.
    private func endNow(after reason: Status, _ cause: ConnectionEnd) {
        guard !backlog.isEmpty else {
            end(after: reason, cause)
            return
        }
        beginEnd(reason, cause)
        context?.close(promise: nil)
    }

    /// The bytes of answers that the system has taken for the peer.
    private func takenByteCount(_ context: ChannelHandlerContext) -> Int {
        do {
            let options = context.channel.syncOptions
            let buffered = try options?.getOption(.bufferedWritableBytes) ?? 0
            return backlog.totalByteCount - backlog.waitingByteCount - buffered
        } catch {
            // A channel that is closed has no options: nothing is taken any more.
            return 0
        }
    }

    var tooManyConnections: Status {
        Status(
            .resourceExhausted,
            "\(service.connections.countMax) connections are open, as many as may be",
            retryAfterMilliseconds: 1_000)
    }
}
