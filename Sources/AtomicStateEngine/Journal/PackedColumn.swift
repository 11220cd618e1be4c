// A column of words, as journal and outcome records have it: what all values have in common is stored
// once. All numbers are little-endian.
//
//     0   1   width: 0, 1, 2, 4 or 8 bytes
//     1   8   base
//     9       for each value, value - base modulo 2^64 in `width` bytes

extension ByteBuffer {
    mutating func appendPacked(_ words: UnsafePointer<UInt64>, count: Int) {
        var least = Int64(bitPattern: words[0])
        var greatest = least
        for index in 1..<max(count, 1) {
            let value = Int64(bitPattern: words[index])
            least = min(least, value)
            greatest = max(greatest, value)
        }
        let base = UInt64(bitPattern: least)
        let range = UInt64(bitPattern: greatest) &- base
        switch range {
        case 0: appendPacked(words, 0, base, width: 0) { (_: UInt64) in UInt8(0) }
        case ...0xFF: appendPacked(words, count, base, width: 1) { UInt8(truncatingIfNeeded: $0) }
        case ...0xFFFF:
            appendPacked(words, count, base, width: 2) { UInt16(truncatingIfNeeded: $0) }
        case ...0xFFFF_FFFF:
            appendPacked(words, count, base, width: 4) { UInt32(truncatingIfNeeded: $0) }
        default: appendPacked(words, count, base, width: 8) { $0 }
        }
    }

    @inline(__always)
    private mutating func appendPacked<Packed: FixedWidthInteger>(
        _ words: UnsafePointer<UInt64>, _ count: Int, _ base: UInt64, width: UInt8,
        _ pack: (UInt64) -> Packed
    ) {
        append(width)
        append(base)
        withAppendedBytes(count * Int(width)) { bytes in
            for index in 0..<count {
                // SAFETY: the memory has room for `count` values; a record's columns are unaligned.
                bytes.storeBytes(
                    of: pack(words[index] &- base).littleEndian,
                    toByteOffset: index &* MemoryLayout<Packed>.size, as: Packed.self)
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
