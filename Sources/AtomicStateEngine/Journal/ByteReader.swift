/// Reads from the front of bytes that may be damaged.
struct ByteReader {
    private let bytes: UnsafeRawBufferPointer
    private var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { offset == bytes.count }

    mutating func read<Integer: FixedWidthInteger & BitwiseCopyable>(
        _ what: String
    ) throws(CorruptionError) -> Integer {
        let part = try readBytes(MemoryLayout<Integer>.size, what)
        return Integer(littleEndian: part.loadUnaligned(as: Integer.self))
    }

    mutating func readBytes(
        _ count: Int, _ what: String
    ) throws(CorruptionError) -> UnsafeRawBufferPointer {
        guard count <= bytes.count - offset else {
            throw CorruptionError(
                "\(what): expected \(count) bytes at offset \(offset), found \(bytes.count - offset)"
            )
        }
        defer { offset += count }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + count)])
    }
}
