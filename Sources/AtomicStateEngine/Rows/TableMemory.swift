internal import Glibc

/// Zeroed words for tables that are read at random places.
///
/// Large pieces lie on huge pages where the system grants them: with small ones, a table of many
/// millions of rows costs a walk of the page table for almost every row that is touched.
enum TableMemory {
    static let hugePageByteCount = 2 << 20
    private static let cacheLineByteCount = 64

    static func allocate(wordCount: Int) -> UnsafeMutablePointer<UInt64> {
        let byteCount = wordCount * MemoryLayout<UInt64>.size
        let isLarge = byteCount >= hugePageByteCount
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: byteCount, alignment: isLarge ? hugePageByteCount : cacheLineByteCount)
        // Advice: if it is not taken, the pages are small.
        if isLarge { madvise(memory, byteCount, MADV_HUGEPAGE) }
        return memory.initializeMemory(as: UInt64.self, repeating: 0, count: wordCount)
    }

    /// Zeroed memory that is not resident before it is touched, a small page at a time: to find a huge one
    /// can take the system tenths of a second.
    static func map(byteCount: Int) -> UnsafeMutableRawPointer {
        let memory = mmap(
            nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory, memory != MAP_FAILED else {
            fatalError("the system has no \(byteCount) bytes of memory for a table")
        }
        madvise(memory, byteCount, MADV_NOHUGEPAGE)
        return memory
    }

    /// Makes mapped memory resident at once. Advice: if the system does not take it, pages become
    /// resident when they are touched.
    ///
    /// - Parameter memory: at the start of a page.
    static func makeResident(_ memory: UnsafeMutableRawPointer, byteCount: Int) {
        madvise(memory, byteCount, MADV_POPULATE_WRITE)
    }

    static func unmap(_ memory: UnsafeMutableRawPointer, byteCount: Int) {
        munmap(memory, byteCount)
    }
}
