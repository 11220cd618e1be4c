internal import AtomicStateProtocol

/// Since when a connection waits for its peer, and whether that is too long. Times are nanoseconds of a
/// clock that never steps back, passed in.
struct PeerTimes {
    struct Limits {
        /// For the greeting, for the rest of a frame, and for taking some of the answers.
        let peerSeconds: Int
        /// For the next request; 0 for as long as it likes.
        let idleSeconds: Int
    }

    private let connected: UInt64
    private var isGreeted = false
    private var frameBegan: UInt64?
    private var answersTaken: UInt64?
    private var takenByteCount = 0
    private var wasBusy: UInt64

    init(now: UInt64) {
        connected = now
        wasBusy = now
    }

    mutating func noteGreeting() {
        isGreeted = true
    }

    mutating func noteRequest(now: UInt64) {
        wasBusy = now
    }

    /// A frame has begun to come, or nothing of one is there.
    ///
    /// - Parameter isNext: whether another frame was complete before it.
    mutating func noteFrame(hasBegun: Bool, isNext: Bool, now: UInt64) {
        if !hasBegun {
            frameBegan = nil
        } else if isNext || frameBegan == nil {
            frameBegan = now
        }
    }

    /// - Parameters:
    ///   - takenByteCount: of all answers so far; nil if none wait.
    ///   - isBusy: whether requests are being carried out, or answers wait.
    /// - Returns: why the connection has to end, if the peer took too long.
    mutating func overdue(
        takenByteCount: Int?, isBusy: Bool, now: UInt64, limits: Limits
    ) -> Status? {
        noteTaken(takenByteCount, now: now)
        if isBusy || frameBegan != nil { wasBusy = now }
        let (peer, idle) = (limits.peerSeconds, limits.idleSeconds)
        if !isGreeted, seconds(from: connected, to: now) >= peer {
            return Status(.deadlineExceeded, "no hello for \(peer) s")
        }
        if let frameBegan, seconds(from: frameBegan, to: now) >= peer {
            return Status(.deadlineExceeded, "a frame that is not complete after \(peer) s")
        }
        if let answersTaken, seconds(from: answersTaken, to: now) >= peer {
            return Status(.deadlineExceeded, "answers of which none were taken for \(peer) s")
        }
        if idle > 0, seconds(from: wasBusy, to: now) >= idle {
            return Status(.deadlineExceeded, "no request for \(idle) s")
        }
        return nil
    }

    private mutating func noteTaken(_ byteCount: Int?, now: UInt64) {
        guard let byteCount else {
            answersTaken = nil
            return
        }
        if answersTaken == nil || byteCount != takenByteCount {
            answersTaken = now
            takenByteCount = byteCount
        }
    }

    private func seconds(from start: UInt64, to end: UInt64) -> Int {
        Int((end - min(start, end)) / 1_000_000_000)
    }
}
