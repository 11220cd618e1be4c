internal import NIOCore

/// The requests of one connection: those that wait for credit, in order, and those in flight.
///
/// It does no I/O: it says what is to be done, and its owner does it.
struct RequestWindow<Caller> {
    /// How many requests may be in flight. One, the handshake, until the server has said more.
    private var capacity = 1
    private var waiting = CircularBuffer<(id: UInt64, frame: ByteBuffer, caller: Caller)>()
    private var inFlight: [UInt64: InFlight] = [:]
    private var end: ConnectionError?

    private enum InFlight {
        case awaited(Caller)
        /// Its caller has gone; it uses credit until the response comes.
        case abandoned
    }

    enum Admission {
        case send(ByteBuffer)
        case wait
        case refuse(Caller, ConnectionError)
    }

    mutating func admit(id: UInt64, frame: ByteBuffer, caller: Caller) -> Admission {
        if let end { return .refuse(caller, end) }
        guard inFlight.count < capacity, waiting.isEmpty else {
            waiting.append((id, frame, caller))
            return .wait
        }
        inFlight[id] = .awaited(caller)
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
        case .awaited(let caller): .deliver(caller)
        case .abandoned: .drop
        case nil: .violation
        }
    }

    /// The next waiting request, if there is credit for it.
    mutating func nextToSend() -> ByteBuffer? {
        guard inFlight.count < capacity, let next = waiting.popFirst() else { return nil }
        inFlight[next.id] = .awaited(next.caller)
        return next.frame
    }

    mutating func widen(to capacity: Int) {
        self.capacity = max(capacity, 1)
    }

    /// Returns the caller if it still waited, sent or unsent.
    mutating func abandon(id: UInt64) -> Caller? {
        if let index = waiting.firstIndex(where: { $0.id == id }) {
            return waiting.remove(at: index).caller
        }
        guard case .awaited(let caller) = inFlight[id] else { return nil }
        inFlight[id] = .abandoned
        return caller
    }

    /// Returns everybody who waited. The first reason stays: what follows is its consequence.
    mutating func close(_ reason: ConnectionError) -> [Caller] {
        guard end == nil else { return [] }
        end = reason
        let sent = inFlight.values.compactMap { request -> Caller? in
            if case .awaited(let caller) = request { caller } else { nil }
        }
        let unsent = waiting.map(\.caller)
        inFlight.removeAll()
        waiting.removeAll()
        return sent + unsent
    }
}
