import Testing

@testable import AtomicStateEngine

struct SlotSetTests {
    /// Inserted and removed in turns, every slot is removed once, and the lowest first.
    @Test(arguments: [1, 100, 100_000]) func removesEverySlotOnce(slotCount: Int) {
        var random = SystemRandomNumberGenerator()
        var set = SlotSet()
        var expected: Set<Int> = []
        for _ in 0..<20 {
            for _ in 0..<500 {
                let slot = Int.random(in: 0..<slotCount, using: &random)
                if expected.insert(slot).inserted { set.insert(slot) }
            }
            #expect(set.count == expected.count)
            for slot in expected.sorted().prefix(Int.random(in: 0..<1_000, using: &random)) {
                #expect(set.removeFirst() == slot)
                expected.remove(slot)
            }
        }
        for slot in expected.sorted() { #expect(set.removeFirst() == slot) }
        #expect(set.removeFirst() == nil && set.count == 0)
    }
}
