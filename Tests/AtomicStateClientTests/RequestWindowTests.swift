import NIOCore
import Testing

@testable import AtomicStateClient

@Suite struct RequestWindowTests {
    private var window = RequestWindow<String>()

    private mutating func admit(_ id: UInt64) -> String {
        switch window.admit(id: id, frame: ByteBuffer(integer: id), caller: "caller \(id)") {
        case .send: "send"
        case .wait: "wait"
        case .refuse(let caller, let error): "refuse \(caller): \(error)"
        }
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

    @Test mutating func oneRequestUntilTheServerAllowsMore() {
        #expect(admit(1) == "send")
        #expect(admit(2) == "wait")
        #expect(nextID() == nil)
        window.widen(to: 2)
        #expect(nextID() == 2)
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
        #expect([admit(1), admit(2)] == ["send", "wait"])
        #expect(window.abandon(id: 1) == "caller 1")
        #expect(window.abandon(id: 1) == nil)
        #expect(nextID() == nil)
        #expect(arrive(1) == "drop")
        #expect(nextID() == 2)
    }

    @Test mutating func anAbandonedWaitingRequestIsNeverSent() {
        #expect([admit(1), admit(2), admit(3)] == ["send", "wait", "wait"])
        #expect(window.abandon(id: 2) == "caller 2")
        #expect(arrive(1) == "deliver to caller 1")
        #expect(nextID() == 3)
        #expect(window.abandon(id: 7) == nil)
    }

    @Test mutating func closingReturnsEverybodyOnce() {
        window.widen(to: 2)
        #expect([admit(1), admit(2), admit(3)] == ["send", "send", "wait"])
        #expect(window.abandon(id: 1) == "caller 1")
        #expect(window.close(.closed).sorted() == ["caller 2", "caller 3"])
        #expect(window.close(.lost(reason: "later")).isEmpty)
        #expect(admit(4) == "refuse caller 4: the client is closed")
        #expect(arrive(2) == "violation")
        #expect(nextID() == nil)
    }
}
