/// Growing memory that is owned by one place, written at its end, and keeps its capacity.
package struct ByteBuffer: ~Copyable {
    private var memory: UnsafeMutableRawPointer
    private var capacity: Int
    package private(set) var count = 0

    package init(capacity: Int = 4096) {
        self.capacity = capacity
        memory = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit { memory.deallocate() }

    package mutating func removeAll() { count = 0 }

    mutating func removeLast(_ byteCount: Int) { count -= byteCount }

    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        reserve(bytes.count)
        (memory + count).copyMemory(from: base, byteCount: bytes.count)
        count += bytes.count
    }

    /// Appends the integer, little-endian.
    package mutating func append<Integer: FixedWidthInteger & BitwiseCopyable>(_ value: Integer) {
        reserve(MemoryLayout<Integer>.size)
        (memory + count).storeBytes(of: value.littleEndian, as: Integer.self)
        count += MemoryLayout<Integer>.size
    }

    mutating func appendZeros(_ byteCount: Int) {
        reserve(byteCount)
        (memory + count).initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
        count += byteCount
    }

    /// Appends as many bytes, which the body has to fill.
    @inline(__always)
    mutating func withAppendedBytes(
        _ byteCount: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Void
    ) {
        reserve(byteCount)
        fill(UnsafeMutableRawBufferPointer(start: memory + count, count: byteCount))
        count += byteCount
    }

    package borrowing func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: memory, count: count))
    }

    mutating func withMutableBytes(_ body: (UnsafeMutableRawBufferPointer) -> Void) {
        body(UnsafeMutableRawBufferPointer(start: memory, count: count))
    }

    private mutating func reserve(_ byteCount: Int) {
        guard count + byteCount > capacity else { return }
        capacity = max(capacity * 2, count + byteCount)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
        larger.copyMemory(from: memory, byteCount: count)
        memory.deallocate()
        memory = larger
    }
}
