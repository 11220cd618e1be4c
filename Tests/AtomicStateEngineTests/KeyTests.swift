import SeededRandom
import Testing

@testable import AtomicStateEngine

@Suite struct KeyTests {
    /// Every length that is read in another way, and beyond.
    private static let byteCounts = 0...40

    @Test(arguments: byteCounts)
    func textsAreEqualByteForByte(byteCount: Int) {
        var random = SeededGenerator(state: UInt64(byteCount))
        let bytes = (0..<byteCount).map { _ in UInt8.random(in: 0...255, using: &random) }
        #expect(Self.areEqual(bytes, bytes))
        #expect(!Self.areEqual(bytes, bytes + [0]))
        for place in bytes.indices {
            var other = bytes
            other[place] ^= 1 << UInt8(place % 8)
            #expect(!Self.areEqual(bytes, other), "byte \(place)")
        }
    }

    /// The hashes of texts are a part of what outcome records hold.
    @Test(arguments: byteCounts)
    func hashIsWhatItsDefinitionSays(byteCount: Int) {
        var random = SeededGenerator(state: UInt64(byteCount))
        let bytes = (0..<byteCount).map { _ in UInt8.random(in: 0...255, using: &random) }
        var state = 0xA076_1D64_78BD_642F ^ UInt64(byteCount)
        for start in stride(from: 0, to: byteCount / 8 * 8, by: 8) {
            let word = bytes[start..<(start + 8)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
            state = Self.mix(state ^ word, 0xE703_7ED1_A0B4_28DB)
        }
        let tail = bytes[(byteCount / 8 * 8)...].reduce(0) { $0 << 8 | UInt64($1) }
        let expected = Self.mix(state ^ tail, 0x8EBC_6AF0_9C88_C6E3)
        #expect(bytes.withUnsafeBytes { Key.text($0).hash(.published) } == expected)
    }

    /// Keys mostly come in sequences. A secret is drawn at every start, so that no draw may be an unlucky one.
    @Test(arguments: [1, 4096, 65_536])
    func everySecretSpreadsNumbersInSequence(step: UInt64) {
        var random = SeededGenerator(state: step)
        for _ in 0..<2_000 {
            let secret = HashSecret(start: random.next(), factor: random.next() | 1)
            let looks = Self.meanLooks(
                (0..<1_250).map { Key.number(UInt64($0) * step).hash(secret) }, slotCount: 2_048)
            #expect(looks < 2.5, "start \(secret.start), factor \(secret.factor)")
        }
    }

    /// Texts shorter than a word are not multiplied by the secret factor.
    @Test(arguments: [2, 6, 10])
    func everySecretSpreadsTextsInSequence(prefixLength: Int) {
        var random = SeededGenerator(state: UInt64(prefixLength))
        let texts = (0..<1_250).map {
            Array((String(repeating: "a", count: prefixLength) + String($0)).utf8)
        }
        for _ in 0..<200 {
            let secret = HashSecret(start: random.next(), factor: random.next() | 1)
            let looks = Self.meanLooks(
                texts.map { $0.withUnsafeBytes { Key.text($0).hash(secret) } }, slotCount: 2_048)
            #expect(looks < 2.5, "start \(secret.start), factor \(secret.factor)")
        }
    }

    /// Slots that a look-up sees until it is at its key, with linear probing from a hash's low bits. At the load of
    /// these tests, 0.61, ideal hashes give (1 + 1 / (1 - 0.61)) / 2 = 1.78 (Knuth, The Art of Computer
    /// Programming, volume 3, section 6.4).
    private static func meanLooks(_ hashes: [UInt64], slotCount: Int) -> Double {
        var isTaken = [Bool](repeating: false, count: slotCount)
        var looks = 0
        for hash in hashes {
            var position = Int(hash % UInt64(slotCount))
            while isTaken[position] {
                position = (position + 1) % slotCount
                looks += 1
            }
            isTaken[position] = true
            looks += 1
        }
        return Double(looks) / Double(hashes.count)
    }

    private static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    /// Each text in memory of its own length, so that AddressSanitizer sees what is read past its end.
    private static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.withUnsafeBytes { left in
            right.withUnsafeBytes { AtomicStateEngine.areEqual(left, $0) }
        }
    }
}
