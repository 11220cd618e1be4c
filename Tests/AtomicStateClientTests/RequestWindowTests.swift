import NIOCore
import Testing

@testable import AtomicStateClient

@Suite struct RequestWindowTests {
    private var window = RequestWindow<String>()

    private mutating func admit(_ id: UInt64, deadline: Int64 = 100) -> String {
        Self.text(
            window.admit(
                id: id, frame: ByteBuffer(integer: id), deadline: .seconds(deadline),
                caller: "caller \(id)"))
    }

    private mutating func admitHandshake(_ id: UInt64) -> String {
        Self.text(
            window.admitHandshake(
                id: id, frame: ByteBuffer(integer: id), deadline: .seconds(100),
                caller: "caller \(id)"))
    }

    private static func text(_ admission: RequestWindow<String>.Admission) -> String {
        switch admission {
        case .send: "send"
        case .wait: "wait"
        case .refuse(let caller, let error): "refuse \(caller): \(error)"
        }
    }

    private mutating func abandon(_ id: UInt64) -> String? {
        window.abandon(id: id).map(Self.text)
    }

    private static func text(_ released: RequestWindow<String>.Released) -> String {
        "\(released.caller), \(released.wasSent ? "sent" : "unsent")"
    }

    private mutating func arrive(_ id: UInt64) -> String {
        switch window.arrive(id: id) {
        case .deliver(let caller): "deliver to \(caller)"
        case .drop: "drop"
        case .violation: "violation"
        }
    }

    private mutating func nextID() -> UInt64? {
        var frame = window.nextToSend()
        return frame?.readInteger()
    }

    @Test mutating func onlyTheHandshakeUntilTheServerHasGreeted() {
        #expect(admit(1) == "wait")
        #expect(admitHandshake(2) == "send")
        #expect(nextID() == nil)
        #expect(arrive(2) == "deliver to caller 2")
        #expect(nextID() == nil)
        window.widen(to: 1)
        #expect([nextID(), nextID()] == [1, nil])
        #expect(admit(3) == "wait")
    }

    @Test mutating func waitingRequestsGoOutInOrder() {
        window.widen(to: 2)
        #expect(
            [admit(1), admit(2), admit(3), admit(4), admit(5)] == [
                "send", "send", "wait", "wait", "wait",
            ])
        #expect(arrive(2) == "deliver to caller 2")
        // There is credit, but those who waited come first.
        #expect(admit(6) == "wait")
        #expect(nextID() == 3)
        #expect(nextID() == nil)
        #expect(arrive(1) == "deliver to caller 1")
        #expect(arrive(3) == "deliver to caller 3")
        #expect([nextID(), nextID(), nextID()] == [4, 5, nil])
        #expect(arrive(4) == "deliver to caller 4")
        #expect(nextID() == 6)
    }

    @Test mutating func aResponseComesOnce() {
        window.widen(to: 8)
        #expect(admit(1) == "send")
        #expect(arrive(9) == "violation")
        #expect(arrive(1) == "deliver to caller 1")
        #expect(arrive(1) == "violation")
    }

    @Test mutating func anAbandonedRequestKeepsItsCreditUntilItsResponse() {
        window.widen(to: 1)
        #expect([admit(1), admit(2)] == ["send", "wait"])
        #expect(abandon(1) == "caller 1, sent")
        #expect(abandon(1) == nil)
        #expect(nextID() == nil)
        #expect(arrive(1) == "drop")
        #expect(nextID() == 2)
    }

    @Test mutating func anAbandonedWaitingRequestIsNeverSent() {
        window.widen(to: 1)
        #expect([admit(1), admit(2), admit(3)] == ["send", "wait", "wait"])
        #expect(abandon(2) == "caller 2, unsent")
        #expect(arrive(1) == "deliver to caller 1")
        #expect(nextID() == 3)
        #expect(abandon(7) == nil)
    }

    @Test mutating func closingReturnsEverybodyOnce() {
        window.widen(to: 2)
        #expect([admit(1), admit(2), admit(3)] == ["send", "send", "wait"])
        #expect(abandon(1) == "caller 1, sent")
        #expect(
            window.close(.closed).map(Self.text).sorted() == [
                "caller 2, sent", "caller 3, unsent",
            ])
        #expect(window.close(.lost(reason: "later")).isEmpty)
        #expect(admit(4) == "refuse caller 4: the client is closed")
        #expect(admitHandshake(5) == "refuse caller 5: the client is closed")
        #expect(arrive(2) == "violation")
        #expect(nextID() == nil)
    }

    @Test mutating func requestsExpireSentOrUnsent() {
        window.widen(to: 2)
        #expect(window.earliestDeadline == nil)
        #expect(
            [admit(1, deadline: 9), admit(2, deadline: 5), admit(3, deadline: 7), admit(4)]
                == ["send", "send", "wait", "wait"])
        #expect(window.earliestDeadline == .seconds(5))
        #expect(window.expire(.seconds(4)).isEmpty)
        #expect(
            window.expire(.seconds(7)).map(Self.text).sorted() == [
                "caller 2, sent", "caller 3, unsent",
            ])
        #expect(window.earliestDeadline == .seconds(9))
        // The one that was sent uses credit until its response comes.
        #expect(nextID() == nil)
        #expect(arrive(2) == "drop")
        #expect(nextID() == 4)
    }
}

extension NIODeadline {
    fileprivate static func seconds(_ seconds: Int64) -> NIODeadline {
        .uptimeNanoseconds(UInt64(seconds) * 1_000_000_000)
    }
}
