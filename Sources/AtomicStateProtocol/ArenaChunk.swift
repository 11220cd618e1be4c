internal import Synchronization

/// A piece of an arena's memory.
struct ArenaChunk: @unchecked Sendable {  // Guarded by being handed over, not shared.
    /// Enough for a message of a transaction or two.
    static let byteCountMin = 2 << 10
    /// What protobuf-c's messages and all their parts need at most.
    static let alignment = 16
    static let pool = ArenaChunkPool()

    let start: UnsafeMutableRawPointer
    let byteCount: Int

    fileprivate init(byteCount: Int) {
        start = .allocate(byteCount: byteCount, alignment: Self.alignment)
        self.byteCount = byteCount
    }

    fileprivate func deallocate() {
        start.deallocate()
    }
}

/// The chunks of arenas that are gone, for the next ones. The last one given back is the first one taken,
/// as it may still be in the processor's caches. A message is decoded on one thread and often done with on
/// another; `malloc` hands out colder memory then.
final class ArenaChunkPool: Sendable {
    #if SANITIZED
        /// A sanitizer has to see where memory is used that was given back.
        static let keptByteCountMax = 0
    #else
        static let keptByteCountMax = 8 << 20
    #endif
    /// Chunks are of powers of two bytes up to this one; longer ones are not kept.
    static let chunkByteCountMax = 1 << 20

    private struct State {
        var keptByteCount = 0
        /// By the powers of two.
        var chunks: [[ArenaChunk]]
    }

    private let state: Mutex<State>

    init() {
        let sizeCount = Self.sizeIndex(Self.chunkByteCountMax) + 1
        state = Mutex(State(chunks: Array(repeating: [], count: sizeCount)))
    }

    deinit {
        state.withLock { state in
            for chunk in state.chunks.joined() { chunk.deallocate() }
        }
    }

    var keptByteCount: Int { state.withLock { $0.keptByteCount } }

    /// A chunk of so many bytes or more.
    func take(byteCount: Int) -> ArenaChunk {
        guard byteCount <= Self.chunkByteCountMax else { return ArenaChunk(byteCount: byteCount) }
        let index = Self.sizeIndex(byteCount)
        let chunk = state.withLock { state in
            let chunk = state.chunks[index].popLast()
            state.keptByteCount -= chunk?.byteCount ?? 0
            return chunk
        }
        return chunk ?? ArenaChunk(byteCount: ArenaChunk.byteCountMin << index)
    }

    func put(_ chunk: ArenaChunk) {
        let isKept = state.withLock { state in
            guard chunk.byteCount <= Self.chunkByteCountMax,
                state.keptByteCount + chunk.byteCount <= Self.keptByteCountMax
            else { return false }
            state.keptByteCount += chunk.byteCount
            state.chunks[Self.sizeIndex(chunk.byteCount)].append(chunk)
            return true
        }
        if !isKept { chunk.deallocate() }
    }

    private static func sizeIndex(_ byteCount: Int) -> Int {
        let smallest = ArenaChunk.byteCountMin
        guard byteCount > smallest else { return 0 }
        return Int.bitWidth - (byteCount - 1).leadingZeroBitCount - smallest.trailingZeroBitCount
    }
}
