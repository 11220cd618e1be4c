import Testing

@testable import AtomicStateEngine

@Suite struct OutcomeMemoryTests {
    /// The first generation is smaller than all others, so its table is of no use once it is forgotten.
    @Test func forgottenTablesAreGivenBackByShares() {
        let capacity = 2 * OutcomeMemory.capacityMin
        let batchCount = 8_192
        var memory = OutcomeMemory(capacity: capacity, forgottenUntil: 0, firstGroup: 1)
        var milliseconds: UInt64 = 0
        var largestDecrease = 0
        var byteCountMax = 0
        while milliseconds < 3 * capacity / (2 * batchCount) {
            milliseconds += 1
            let byteCount = memory.byteCount
            memory.makeRoom(for: batchCount)
            largestDecrease = max(largestDecrease, byteCount - memory.byteCount)
            byteCountMax = max(byteCountMax, memory.byteCount)
            for index in 0..<UInt64(batchCount) {
                memory.remember(
                    high: milliseconds << 16, low: index, milliseconds: milliseconds, content: 0,
                    .accepted(index))
            }
        }
        #expect(memory.forgottenUntil > 0)
        #expect(memory.count >= capacity)
        // All that is left are tables of the common size.
        let common = OutcomeTable(capacity: capacity / 8).byteCount
        #expect(memory.byteCount.isMultiple(of: common))
        #expect(byteCountMax <= memory.byteCount + common)
        #expect((1...(256 << 10)).contains(largestDecrease))
    }
}
