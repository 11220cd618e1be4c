/// Memory for the text of rows: blocks that are found by their address.
///
/// A block is a byte count (UInt32) and as many bytes of UTF-8. Blocks of up to 1 KiB are carved from
/// large chunks and kept in a free list for each size; larger ones come from the system, and are linked.
struct TextHeap: ~Copyable {
    private static let granule = 16
    private static let smallByteCountMax = 1024
    private static let chunkByteCount = TableMemory.hugePageByteCount
    private static let headerByteCount = MemoryLayout<UInt32>.size

    /// What lies before a large block: those around it.
    private struct Links {
        var next: UnsafeMutablePointer<Links>
        var previous: UnsafeMutablePointer<Links>
    }

    /// For each size in granules, the first free block; a free block's first word is the next one.
    private let freeBlocks: UnsafeMutablePointer<UInt64>
    /// Before the first large block, and behind the last one.
    private let largeBlocks: UnsafeMutablePointer<Links>
    private var chunks: [UnsafeMutableRawPointer] = []
    private var next = UnsafeMutableRawPointer(bitPattern: Self.granule)!
    private var remaining = 0
    /// What the heap has taken from the system, free blocks included.
    private(set) var byteCount = 0

    init() {
        let sizeCount = Self.smallByteCountMax / Self.granule + 1
        freeBlocks = .allocate(capacity: sizeCount)
        freeBlocks.initialize(repeating: 0, count: sizeCount)
        largeBlocks = .allocate(capacity: 1)
        largeBlocks.initialize(to: Links(next: largeBlocks, previous: largeBlocks))
    }

    deinit {
        while largeBlocks.pointee.next != largeBlocks { Self.unlink(largeBlocks.pointee.next) }
        largeBlocks.deallocate()
        for chunk in chunks { chunk.deallocate() }
        freeBlocks.deallocate()
    }

    /// A new block that holds a copy of the bytes; its address.
    mutating func allocate(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        let block = allocate(byteCount: bytes.count)
        if let base = bytes.baseAddress {
            Self.bytes(of: block).copyMemory(from: base, byteCount: bytes.count)
        }
        return block
    }

    /// A new block with room for as many bytes, which are not initialised.
    mutating func allocate(byteCount: Int) -> UInt64 {
        let block = allocateBlock(Self.headerByteCount + byteCount)
        block.storeBytes(of: UInt32(byteCount), as: UInt32.self)
        return UInt64(UInt(bitPattern: block))
    }

    /// Gives a block back. 0 is no block.
    mutating func free(_ address: UInt64) {
        guard address != 0 else { return }
        let block = Self.pointer(address)
        let granules = Self.granules(Self.headerByteCount + Self.text(at: address).count)
        guard granules * Self.granule <= Self.smallByteCountMax else {
            byteCount -= granules * Self.granule + MemoryLayout<Links>.size
            Self.unlink((block - MemoryLayout<Links>.size).assumingMemoryBound(to: Links.self))
            return
        }
        block.storeBytes(of: freeBlocks[granules], as: UInt64.self)
        freeBlocks[granules] = address
    }

    /// The text of a block; empty for 0.
    @inline(__always)
    static func text(at address: UInt64) -> UnsafeRawBufferPointer {
        guard address != 0 else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        let block = pointer(address)
        return UnsafeRawBufferPointer(
            start: block + headerByteCount, count: Int(block.load(as: UInt32.self)))
    }

    /// Where a block's bytes start.
    static func bytes(of address: UInt64) -> UnsafeMutableRawPointer {
        pointer(address) + headerByteCount
    }

    @inline(__always)
    private static func pointer(_ address: UInt64) -> UnsafeMutableRawPointer {
        // SAFETY: an address other than 0 comes from `allocate`.
        UnsafeMutableRawPointer(bitPattern: UInt(address)).unsafelyUnwrapped
    }

    private static func granules(_ byteCount: Int) -> Int {
        (byteCount + granule - 1) / granule
    }

    private mutating func allocateLarge(_ blockByteCount: Int) -> UnsafeMutableRawPointer {
        let linkByteCount = MemoryLayout<Links>.size
        byteCount += linkByteCount + blockByteCount
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: linkByteCount + blockByteCount, alignment: Self.granule)
        let first = largeBlocks.pointee.next
        let links = memory.bindMemory(to: Links.self, capacity: 1)
        links.initialize(to: Links(next: first, previous: largeBlocks))
        first.pointee.previous = links
        largeBlocks.pointee.next = links
        return memory + linkByteCount
    }

    /// Gives a large block back.
    private static func unlink(_ links: UnsafeMutablePointer<Links>) {
        links.pointee.next.pointee.previous = links.pointee.previous
        links.pointee.previous.pointee.next = links.pointee.next
        UnsafeMutableRawPointer(links).deallocate()
    }

    private mutating func allocateBlock(_ blockByteCount: Int) -> UnsafeMutableRawPointer {
        let granules = Self.granules(blockByteCount)
        let rounded = granules * Self.granule
        guard rounded <= Self.smallByteCountMax else { return allocateLarge(rounded) }
        if freeBlocks[granules] != 0 {
            let block = Self.pointer(freeBlocks[granules])
            freeBlocks[granules] = block.load(as: UInt64.self)
            return block
        }
        if remaining < rounded {
            // Aligned, so that a block of 16 or 32 bytes lies in one cache line.
            next = UnsafeMutableRawPointer(
                TableMemory.allocate(wordCount: Self.chunkByteCount / MemoryLayout<UInt64>.size))
            remaining = Self.chunkByteCount
            byteCount += Self.chunkByteCount
            chunks.append(next)
        }
        defer {
            next += rounded
            remaining -= rounded
        }
        return next
    }
}
