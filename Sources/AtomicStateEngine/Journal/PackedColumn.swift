// A column of words, as journal and outcome records have it: what all values have in common is stored
// once. All numbers are little-endian.
//
//     0   1   width: 0, 1, 2, 4 or 8 bytes
//     1   8   base
//     9       for each value, value - base modulo 2^64 in `width` bytes

extension ByteBuffer {
    /// - Parameter words: at least one.
    mutating func appendPacked(_ words: UnsafeBufferPointer<UInt64>) {
        var least = Int64(bitPattern: words[0])
        var greatest = least
        for word in words {
            least = min(least, Int64(bitPattern: word))
            greatest = max(greatest, Int64(bitPattern: word))
        }
        let base = UInt64(bitPattern: least)
        let range = UInt64(bitPattern: greatest) &- base
        switch range {
        case 0:
            append(UInt8(0))
            append(base)
        case ...0xFF: appendPacked(words, base) { UInt8(truncatingIfNeeded: $0) }
        case ...0xFFFF: appendPacked(words, base) { UInt16(truncatingIfNeeded: $0) }
        case ...0xFFFF_FFFF: appendPacked(words, base) { UInt32(truncatingIfNeeded: $0) }
        default: appendPacked(words, base) { $0 }
        }
    }

    @inline(__always)
    private mutating func appendPacked<Packed: FixedWidthInteger>(
        _ words: UnsafeBufferPointer<UInt64>, _ base: UInt64, _ pack: (UInt64) -> Packed
    ) {
        let width = MemoryLayout<Packed>.size
        append(UInt8(width))
        append(base)
        withAppendedBytes(words.count * width) { bytes in
            for index in words.indices {
                // SAFETY: the memory has room for every word; a record's columns are unaligned.
                bytes.storeBytes(
                    of: pack(words[index] &- base).littleEndian, toByteOffset: index &* width,
                    as: Packed.self)
            }
        }
    }
}

extension ByteReader {
    mutating func readPacked(count: Int) throws(CorruptionError) -> [UInt64] {
        let width = Int(try read("a column's width") as UInt8)
        let base: UInt64 = try read("a column's base")
        let packed = try readBytes(width * count, "a column's values")
        switch width {
        case 0: return Array(repeating: base, count: count)
        case 1: return Self.unpack(packed, base, count, as: UInt8.self)
        case 2: return Self.unpack(packed, base, count, as: UInt16.self)
        case 4: return Self.unpack(packed, base, count, as: UInt32.self)
        case 8: return Self.unpack(packed, base, count, as: UInt64.self)
        default: throw CorruptionError("column of width \(width): expected 0, 1, 2, 4 or 8")
        }
    }

    private static func unpack<Packed: FixedWidthInteger & BitwiseCopyable>(
        _ packed: UnsafeRawBufferPointer, _ base: UInt64, _ count: Int, as: Packed.Type
    ) -> [UInt64] {
        [UInt64](unsafeUninitializedCapacity: count) { words, initializedCount in
            for index in 0..<count {
                let value = packed.loadUnaligned(
                    fromByteOffset: index * MemoryLayout<Packed>.size, as: Packed.self)
                words.initializeElement(
                    at: index, to: base &+ UInt64(truncatingIfNeeded: Packed(littleEndian: value)))
            }
            initializedCount = count
        }
    }
}
