internal import CProtocol

/// Memory for one message: taken from the front, given back all at once.
///
/// A message's parts are taken from it, so that decoding costs no `malloc` for each part.
struct Arena: ~Copyable {
    private let firstChunk: ArenaChunk
    private var laterChunks: [ArenaChunk] = []
    private var next: UnsafeMutableRawPointer
    private var remaining: Int
    private var allocated = 0
    private let limit: Int
    /// Whether `allocate` has returned nil.
    private(set) var isExhausted = false
    /// The memory that the arena has taken.
    private(set) var byteCount: Int

    /// - Parameter limit: the bytes after which `allocate` returns nil.
    init(limit: Int = .max) {
        firstChunk = ArenaChunk.pool.take(byteCount: ArenaChunk.byteCountMin)
        next = firstChunk.start
        remaining = firstChunk.byteCount
        byteCount = firstChunk.byteCount
        self.limit = limit
    }

    deinit {
        ArenaChunk.pool.put(firstChunk)
        for chunk in laterChunks { ArenaChunk.pool.put(chunk) }
    }

    /// Memory that stays valid as long as the arena, or nil beyond the limit.
    mutating func allocate(byteCount: Int) -> UnsafeMutableRawPointer? {
        let alignment = ArenaChunk.alignment
        let rounded = (max(byteCount, 1) + alignment - 1) & ~(alignment - 1)
        guard allocated + rounded <= limit else {
            isExhausted = true
            return nil
        }
        if rounded > remaining { addChunk(for: rounded) }
        let result = next
        next += rounded
        remaining -= rounded
        allocated += rounded
        return result
    }

    private mutating func addChunk(for byteCount: Int) {
        let last = laterChunks.last ?? firstChunk
        let chunk = ArenaChunk.pool.take(byteCount: max(byteCount, 2 * last.byteCount))
        laterChunks.append(chunk)
        self.byteCount += chunk.byteCount
        next = chunk.start
        remaining = chunk.byteCount
    }

    /// Calls the body with protobuf-c's view of the arena.
    mutating func withAllocator<Result>(
        _ body: (UnsafeMutablePointer<ProtobufCAllocator>) -> Result
    ) -> Result {
        withUnsafeMutablePointer(to: &self) { arena in
            // SAFETY: the arena outlives the call, and protobuf-c keeps no allocator beyond it.
            var allocator = ProtobufCAllocator(
                alloc: { arena, size in
                    arena?.assumingMemoryBound(to: Arena.self).pointee.allocate(byteCount: size)
                },
                free: { _, _ in },
                allocator_data: arena)
            return withUnsafeMutablePointer(to: &allocator, body)
        }
    }
}
