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

    /// All slots up to an end, whatever was in the set, and a slot that comes twice counts once.
    @Test(arguments: [0, 1, 63, 64, 65, 511, 512, 513, 10_000]) func insertsAll(before end: Int) {
        var set = SlotSet()
        for slot in [3, 3, 700] { set.insert(slot) }
        #expect(set.count == 2)
        set.insertAll(before: end)
        let expected = Set(0..<end).union([3, 700]).sorted()
        #expect(set.count == expected.count)
        for slot in expected { #expect(set.removeFirst() == slot) }
        #expect(set.removeFirst() == nil)
    }
}
