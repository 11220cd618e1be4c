import AtomicStateValues
import Synchronization
import Testing

@testable import AtomicStateClient

@Suite struct ServerClockTests {
    /// Ahead of a clock that stands at 500.
    private final class Hands: Sendable {
        let milliseconds = Atomic<UInt64>(500)
    }

    private let hands = Hands()
    private let clock: ServerClock

    init() {
        clock = ServerClock { [hands] in hands.milliseconds.load(ordering: .relaxed) }
        clock.set(to: 1_700_000_000_000)
    }

    @Test func followsTheServersTime() {
        #expect(clock.milliseconds == 1_700_000_000_000)
        hands.milliseconds.store(750, ordering: .relaxed)
        #expect(clock.milliseconds == 1_700_000_000_250)
        // The next greeting may come from another clock, behind this one.
        clock.set(to: 1_600_000_000_000)
        #expect(clock.milliseconds == 1_600_000_000_000)
    }

    @Test func everyBatchHasANameOfItsOwn() {
        let names = (0..<3).map { _ in clock.nextName() }
        #expect(names.map(\.number) == [1, 2, 3])
        #expect(Set(names.map(\.producer)).count == 1)
        #expect(names.allSatisfy { $0.sentMilliseconds == 1_700_000_000_000 })
        #expect(ServerClock().nextName().producer != names[0].producer)
    }

    @Test func keysFollowOneAnother() {
        let keys = clock.nextKeys(3) + clock.nextKeys(2)
        #expect(keys.allSatisfy { $0.milliseconds == 1_700_000_000_000 })
        #expect(Array(keys.dropFirst()) == keys.dropLast().map { $0.next(at: 1_700_000_000_000) })
        hands.milliseconds.store(501, ordering: .relaxed)
        #expect(clock.nextKeys(1) == [keys[4].next(at: 1_700_000_000_001)])
        #expect(ServerClock().nextKeys(1)[0].low != keys[0].low)
        #expect(clock.nextKeys(0).isEmpty)
    }

    @Test func anIdentifiersKeyIsAlwaysTheSame() {
        let key = IdempotencyKey(milliseconds: 1_700_000_000_000, of: "order-123")
        // The first 16 bytes that sha256sum prints, with the time, the version and the variant.
        #expect(key.description == "018bcfe5-6800-7f27-b91a-a5a8b37ab70d")
        #expect(key == IdempotencyKey(milliseconds: 1_700_000_000_000, of: "order-123"))
        #expect(key != IdempotencyKey(milliseconds: 1_700_000_000_001, of: "order-123"))
        #expect(key != IdempotencyKey(milliseconds: 1_700_000_000_000, of: "order-124"))
    }
}
