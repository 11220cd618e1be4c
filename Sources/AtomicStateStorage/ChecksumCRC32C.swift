/// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78), eight bytes at a time with eight tables:
/// "slicing-by-8", M. E. Kounavis and F. L. Berry, "Novel Table Lookup-Based Algorithms for
/// High-Performance CRC Generation", IEEE Transactions on Computers 57 (2008).
struct ChecksumCRC32C {
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            tables[byte] = (0..<8).reduce(UInt32(byte)) { value, _ in
                value & 1 == 0 ? value >> 1 : value >> 1 ^ 0x82F6_3B78
            }
        }
        for index in 256..<tables.count {
            let before = tables[index - 256]
            tables[index] = before >> 8 ^ tables[Int(before & 0xFF)]
        }
        return tables
    }()

    static func checksum(of bytes: UnsafeRawBufferPointer) -> UInt32 {
        tables.withUnsafeBufferPointer { tables in
            var value = UInt32.max
            var position = 0
            while position + 8 <= bytes.count {
                let word =
                    UInt64(
                        littleEndian: bytes.loadUnaligned(
                            fromByteOffset: position, as: UInt64.self))
                    ^ UInt64(value)
                value = 0
                for place in 0..<8 {
                    value ^= tables[(7 - place) << 8 | Int(word >> (8 * UInt64(place)) & 0xFF)]
                }
                position += 8
            }
            for byte in bytes[position...] {
                value = value >> 8 ^ tables[Int(UInt8(truncatingIfNeeded: value) ^ byte)]
            }
            return ~value
        }
    }
}
