internal import NIOCore

/// The requests of one connection: those that wait for credit, in order, and those in flight.
///
/// It does no I/O: it says what is to be done, and its owner does it.
struct RequestWindow<Caller> {
    /// How many requests may be in flight. None but the handshake until the server has greeted.
    private var capacity = 0
    private var waiting = CircularBuffer<Waiting>()
    private var inFlight: [UInt64: InFlight] = [:]
    private var end: ConnectionError?

    private struct Waiting {
        let id: UInt64
        let frame: ByteBuffer
        let deadline: NIODeadline
        let caller: Caller
    }

    private enum InFlight {
        case awaited(Caller, deadline: NIODeadline)
        /// Its caller has gone; it uses credit until the response comes.
        case abandoned
    }

    /// A caller that gets no response.
    struct Released {
        let caller: Caller
        /// Whether the server may have got the request.
        let wasSent: Bool
    }

    enum Admission {
        case send(ByteBuffer)
        case wait
        case refuse(Caller, ConnectionError)
    }

    mutating func admit(
        id: UInt64, frame: ByteBuffer, deadline: NIODeadline, caller: Caller
    ) -> Admission {
        if let end { return .refuse(caller, end) }
        guard inFlight.count < capacity, waiting.isEmpty else {
            waiting.append(Waiting(id: id, frame: frame, deadline: deadline, caller: caller))
            return .wait
        }
        inFlight[id] = .awaited(caller, deadline: deadline)
        return .send(frame)
    }

    /// Goes ahead of everything that waits, and needs no credit.
    mutating func admitHandshake(
        id: UInt64, frame: ByteBuffer, deadline: NIODeadline, caller: Caller
    ) -> Admission {
        if let end { return .refuse(caller, end) }
        inFlight[id] = .awaited(caller, deadline: deadline)
        return .send(frame)
    }

    enum Arrival {
        case deliver(Caller)
        /// Nobody waits for it any more.
        case drop
        /// The server answered what it was not asked.
        case violation
    }

    mutating func arrive(id: UInt64) -> Arrival {
        switch inFlight.removeValue(forKey: id) {
        case .awaited(let caller, deadline: _): .deliver(caller)
        case .abandoned: .drop
        case nil: .violation
        }
    }

    /// The next waiting request, if there is credit for it.
    mutating func nextToSend() -> ByteBuffer? {
        guard inFlight.count < capacity, let next = waiting.popFirst() else { return nil }
        inFlight[next.id] = .awaited(next.caller, deadline: next.deadline)
        return next.frame
    }

    /// Those included whose callers have gone.
    var inFlightCount: Int { inFlight.count }

    mutating func widen(to capacity: Int) {
        self.capacity = max(capacity, 1)
    }

    /// Returns the caller if it still waited, sent or unsent.
    mutating func abandon(id: UInt64) -> Released? {
        if let index = waiting.firstIndex(where: { $0.id == id }) {
            return Released(caller: waiting.remove(at: index).caller, wasSent: false)
        }
        guard case .awaited(let caller, deadline: _) = inFlight[id] else { return nil }
        inFlight[id] = .abandoned
        return Released(caller: caller, wasSent: true)
    }

    /// The first deadline of a caller that waits.
    var earliestDeadline: NIODeadline? {
        let sent = inFlight.values.compactMap { request -> NIODeadline? in
            if case .awaited(_, let deadline) = request { deadline } else { nil }
        }
        return (sent + waiting.map(\.deadline)).min()
    }

    /// Abandons every request whose deadline has come.
    mutating func expire(_ now: NIODeadline) -> [Released] {
        let sent = inFlight.compactMap { id, request -> UInt64? in
            if case .awaited(_, let deadline) = request, deadline <= now { id } else { nil }
        }
        let unsent = waiting.filter { $0.deadline <= now }.map(\.id)
        return (sent + unsent).compactMap { abandon(id: $0) }
    }

    /// Returns everybody who waited. The first reason stays: what follows is its consequence.
    mutating func close(_ reason: ConnectionError) -> [Released] {
        guard end == nil else { return [] }
        end = reason
        let sent = inFlight.values.compactMap { request -> Released? in
            if case .awaited(let caller, deadline: _) = request {
                Released(caller: caller, wasSent: true)
            } else {
                nil
            }
        }
        let unsent = waiting.map { Released(caller: $0.caller, wasSent: false) }
        inFlight.removeAll()
        waiting.removeAll()
        return sent + unsent
    }
}
