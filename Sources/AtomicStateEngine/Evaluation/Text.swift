internal import CPlatform
internal import Glibc

// What rules do with text. Strings are ordered by code points (CEL language definition, "Ordering"),
// which for UTF-8 is the order of the bytes.

func compare(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
    let common = min(left.count, right.count)
    if common > 0, let leftBase = left.baseAddress, let rightBase = right.baseAddress {
        let order = memcmp(leftBase, rightBase, common)
        if order != 0 { return Int(order) }
    }
    return left.count - right.count
}

/// Counts the bytes that start a code point.
func codePointCount(_ text: UnsafeRawBufferPointer) -> Int {
    text.reduce(into: 0) { count, byte in
        if byte & 0xC0 != 0x80 { count += 1 }
    }
}

func starts(_ text: UnsafeRawBufferPointer, with prefix: UnsafeRawBufferPointer) -> Bool {
    prefix.count <= text.count
        && areEqual(UnsafeRawBufferPointer(rebasing: text[..<prefix.count]), prefix)
}

func ends(_ text: UnsafeRawBufferPointer, with suffix: UnsafeRawBufferPointer) -> Bool {
    suffix.count <= text.count
        && areEqual(
            UnsafeRawBufferPointer(rebasing: text[(text.count - suffix.count)...]), suffix)
}

func contains(_ text: UnsafeRawBufferPointer, _ part: UnsafeRawBufferPointer) -> Bool {
    guard !part.isEmpty else { return true }
    return find_bytes(text.baseAddress, text.count, part.baseAddress, part.count) != nil
}

/// Whether the bytes are UTF-8.
func isUTF8(_ text: UnsafeRawBufferPointer) -> Bool {
    if isASCII(text) { return true }
    return String(validating: text, as: UTF8.self) != nil
}

private func isASCII(_ text: UnsafeRawBufferPointer) -> Bool {
    var bits: UInt64 = 0
    var offset = 0
    while offset + 8 <= text.count {
        bits |= text.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        offset += 8
    }
    while offset < text.count {
        bits |= UInt64(text[offset])
        offset += 1
    }
    return bits & 0x8080_8080_8080_8080 == 0
}
