internal import CProtocol

/// Memory for one message: taken from the front, given back all at once.
///
/// protobuf-c takes a message's parts from it, so that decoding costs no `malloc` for each part.
/// An arena is used by one thread at a time.
final class Arena {
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
    func allocate(byteCount: Int) -> UnsafeMutableRawPointer? {
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

    private func addChunk(for byteCount: Int) {
        let last = laterChunks.last ?? firstChunk
        let chunk = ArenaChunk.pool.take(byteCount: max(byteCount, 2 * last.byteCount))
        laterChunks.append(chunk)
        self.byteCount += chunk.byteCount
        next = chunk.start
        remaining = chunk.byteCount
    }

    /// Calls the body with protobuf-c's view of the arena.
    func withAllocator<Result>(
        _ body: (UnsafeMutablePointer<ProtobufCAllocator>) -> Result
    ) -> Result {
        // SAFETY: the arena outlives the call, and protobuf-c keeps no allocator beyond it.
        var allocator = ProtobufCAllocator(
            alloc: { arena, size in
                guard let arena else { return nil }
                return Unmanaged<Arena>.fromOpaque(arena).takeUnretainedValue()
                    .allocate(byteCount: size)
            },
            free: { _, _ in },
            allocator_data: Unmanaged.passUnretained(self).toOpaque())
        return withUnsafeMutablePointer(to: &allocator, body)
    }
}

// MARK: Building messages

extension Arena {
    /// Room for `count` values; the arena must have no limit.
    func array<Element: BitwiseCopyable>(
        of type: Element.Type, count: Int
    ) -> UnsafeMutablePointer<Element> {
        guard let memory = allocate(byteCount: count * MemoryLayout<Element>.stride) else {
            preconditionFailure("an arena for building messages has no limit")
        }
        return memory.bindMemory(to: type, capacity: count)
    }

    func copy<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafeMutablePointer<Element> {
        let copy = array(of: Element.self, count: elements.count)
        elements.withUnsafeBufferPointer { source in
            if let base = source.baseAddress {
                copy.update(from: base, count: source.count)
            }
        }
        return copy
    }

    /// The text with a terminating zero.
    func string(_ text: String) -> UnsafeMutablePointer<CChar> {
        string(text.utf8)
    }

    /// The same of UTF-8.
    func string(_ text: some Collection<UInt8>) -> UnsafeMutablePointer<CChar> {
        let byteCount = text.count
        let copy = array(of: CChar.self, count: byteCount + 1)
        UnsafeMutableRawBufferPointer(start: copy, count: byteCount).copyBytes(from: text)
        copy[byteCount] = 0
        return copy
    }

    /// One message, initialised by protobuf-c and then by the closure.
    func message<Message>(
        _ initialize: (UnsafeMutablePointer<Message>?) -> Void,
        _ fill: (inout Message) -> Void
    ) -> UnsafeMutablePointer<Message> {
        guard
            let memory = allocate(byteCount: MemoryLayout<Message>.stride)?
                .bindMemory(to: Message.self, capacity: 1)
        else {
            preconditionFailure("an arena for building messages has no limit")
        }
        initialize(memory)
        fill(&memory.pointee)
        return memory
    }

    /// The array of pointers that stands for a repeated message.
    func pointers<Message>(
        _ messages: [UnsafeMutablePointer<Message>]
    ) -> UnsafeMutablePointer<UnsafeMutablePointer<Message>?> {
        let array = array(of: UnsafeMutablePointer<Message>?.self, count: messages.count)
        for (index, message) in messages.enumerated() { array[index] = message }
        return array
    }
}
