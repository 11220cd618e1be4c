import SeededRandom
import Testing

@testable import AtomicStateEngine

/// Blocks keep their text until they are freed, whatever happens around them.
@Suite struct TextHeapTests {
    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func keepsTextsApart(seed: UInt64) {
        var random = SeededGenerator(state: seed)
        var heap = TextHeap()
        var expected: [UInt64: [UInt8]] = [:]
        for _ in 0..<3_000 {
            if random.oneIn(3), let address = expected.keys.min() {
                heap.free(address)
                expected[address] = nil
            } else {
                let byteCount =
                    random.oneIn(50)
                    ? Int.random(in: 1_000...70_000, using: &random)
                    : Int.random(in: 0...64, using: &random)
                let bytes = [UInt8](
                    repeating: UInt8.random(in: 0...255, using: &random), count: byteCount)
                let address = bytes.withUnsafeBytes { heap.allocate($0) }
                #expect(expected.updateValue(bytes, forKey: address) == nil, "seed \(seed)")
            }
        }
        for (address, bytes) in expected {
            #expect(Array(TextHeap.text(at: address)) == bytes, "seed \(seed)")
        }
    }

    @Test(arguments: [0, 11, 12, 13, 1_019, 1_020, 1_021, 65_535])
    func sizesAtTheEdges(byteCount: Int) {
        var heap = TextHeap()
        let bytes = [UInt8](repeating: 0xAB, count: byteCount)
        let first = bytes.withUnsafeBytes { heap.allocate($0) }
        let second = bytes.withUnsafeBytes { heap.allocate($0) }
        heap.free(first)
        #expect(Array(TextHeap.text(at: second)) == bytes)
        heap.free(second)
    }

    @Test func freedMemoryIsUsedAgain() {
        var heap = TextHeap()
        for _ in 0..<1_000 {
            let block = heap.allocate(byteCount: 900)
            let large = heap.allocate(byteCount: 5_000)
            heap.free(block)
            heap.free(large)
        }
        #expect(heap.byteCount <= 2 << 20)
    }

    @Test func noBlockIsEmptyText() {
        var heap = TextHeap()
        heap.free(0)
        #expect(TextHeap.text(at: 0).isEmpty)
    }
}
