import Testing

@testable import AtomicStateProtocol

@Suite struct ArenaChunkPoolTests {
    private let pool = ArenaChunkPool()

    @Test(arguments: [1, 2_048, 2_049, 60_000, 1 << 20, 1 << 20 + 1, 16 << 20])
    func aChunkIsAsLongAsWasAsked(byteCount: Int) {
        for _ in 0..<2 {
            let chunk = pool.take(byteCount: byteCount)
            #expect(chunk.byteCount >= byteCount)
            #expect(chunk.byteCount < 2 * max(byteCount, ArenaChunk.byteCountMin))
            pool.put(chunk)
        }
    }

    @Test(.enabled(if: ArenaChunkPool.keptByteCountMax > 0))
    func whatWasGivenBackLastIsTakenFirst() {
        let chunks = (0..<3).map { _ in pool.take(byteCount: 10_000) }
        for chunk in chunks { pool.put(chunk) }
        for chunk in chunks.reversed() {
            #expect(pool.take(byteCount: 9_000).start == chunk.start)
        }
        #expect(pool.keptByteCount == 0)
        for chunk in chunks { pool.put(chunk) }
    }

    @Test func aChunkIsNobodyElsesUntilItIsGivenBack() {
        let first = pool.take(byteCount: 1)
        pool.put(first)
        let chunks = (0..<3).map { _ in pool.take(byteCount: 1) }
        #expect(Set(chunks.map(\.start)).count == chunks.count)
        for chunk in chunks { pool.put(chunk) }
    }

    @Test func onlySoMuchIsKept() {
        let chunkByteCount = ArenaChunkPool.chunkByteCountMax
        let countMax = ArenaChunkPool.keptByteCountMax / chunkByteCount
        let chunks = (0..<countMax + 2).map { _ in pool.take(byteCount: chunkByteCount) }
        for chunk in chunks { pool.put(chunk) }
        pool.put(pool.take(byteCount: chunkByteCount + 1))
        #expect(pool.keptByteCount == countMax * chunkByteCount)
    }
}
