internal import AtomicStateSchema
internal import Glibc

/// An entity's key while it is looked up: a number, or text in memory that outlives the look-up.
enum Key {
    case number(UInt64)
    case text(UnsafeRawBufferPointer)

    /// The key of a row, as long as the row has it.
    @inline(__always)
    init(of row: Row, _ type: KeyType) {
        self =
            switch type {
            case .uint64: .number(row[RowLayout.keyOffset])
            case .string, .uuid: .text(TextHeap.text(at: row[RowLayout.keyOffset]))
            }
    }

    /// - Parameter row: of a type with such keys.
    @inline(__always)
    func isKey(of row: Row) -> Bool {
        switch self {
        case .number(let number): row[RowLayout.keyOffset] == number
        case .text(let text): areEqual(TextHeap.text(at: row[RowLayout.keyOffset]), text)
        }
    }

    /// Spreads keys over an index; its low bits find the slot, its high bits the tag.
    @inline(__always)
    func hash(_ secret: HashSecret) -> UInt64 {
        switch self {
        // Once would not do: with an unlucky factor, the products of numbers in a row lie in a row themselves.
        case .number(let number): finish(mix(number ^ secret.start, secret.factor))
        case .text(let text): Self.hash(of: text, secret)
        }
    }

    /// Folds eight bytes at a time by a 128-bit product, as the wyhash family does
    /// (https://github.com/wangyi-fudan/wyhash).
    private static func hash(of text: UnsafeRawBufferPointer, _ secret: HashSecret) -> UInt64 {
        var state = secret.start ^ UInt64(text.count)
        var offset = 0
        while offset + 8 <= text.count {
            let word = text.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            state = mix(state ^ word, secret.factor)
            offset += 8
        }
        let tail = tail(of: text, from: offset)
        return finish(state ^ tail)
    }

    /// The last bytes, fewer than eight, as a big-endian number.
    @inline(__always)
    private static func tail(of text: UnsafeRawBufferPointer, from start: Int) -> UInt64 {
        guard start >= 8 else { return text[start...].reduce(0) { $0 << 8 | UInt64($1) } }
        let last = text.loadUnaligned(fromByteOffset: text.count - 8, as: UInt64.self).bigEndian
        return last & (1 << UInt64((text.count - start) * 8) - 1)
    }
}

/// What hashes depend on beside the value. Each hash table has its own, so that nobody can choose keys that meet
/// in it and make every look-up long.
struct HashSecret: BitwiseCopyable {
    let start: UInt64
    /// Odd.
    let factor: UInt64

    /// Of hashes that are written to disk.
    static let published = HashSecret(
        start: 0xA076_1D64_78BD_642F, factor: 0xE703_7ED1_A0B4_28DB)

    static func random() -> HashSecret {
        HashSecret(
            start: .random(in: .min ... .max), factor: .random(in: .min ... .max) | 1)
    }
}

@inline(__always)
private func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
}

/// Spreads what a secret factor, which may be any odd number, left close together.
@inline(__always)
private func finish(_ state: UInt64) -> UInt64 { mix(state, 0x8EBC_6AF0_9C88_C6E3) }

/// Reads short texts by words, and nothing past their end. `memcmp` does that where the processor has masked
/// loads, and what lies behind a key may be in another cache line, which nobody has asked for.
///
/// Not inlined: look-ups of numbers would become longer.
@inline(never)
func areEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    let count = left.count
    guard count == right.count else { return false }
    guard let leftBase = left.baseAddress, let rightBase = right.baseAddress else { return true }
    func areEqual<Word: FixedWidthInteger & BitwiseCopyable>(at offset: Int, _: Word.Type) -> Bool {
        leftBase.loadUnaligned(fromByteOffset: offset, as: Word.self)
            == rightBase.loadUnaligned(fromByteOffset: offset, as: Word.self)
    }
    // Of two words, the second one ends where the text does.
    switch count {
    case 0: return true
    case 1: return areEqual(at: 0, UInt8.self)
    case 2...3: return areEqual(at: 0, UInt16.self) && areEqual(at: count &- 2, UInt16.self)
    case 4...7: return areEqual(at: 0, UInt32.self) && areEqual(at: count &- 4, UInt32.self)
    case 8...16: return areEqual(at: 0, UInt64.self) && areEqual(at: count &- 8, UInt64.self)
    default: return memcmp(leftBase, rightBase, count) == 0
    }
}
