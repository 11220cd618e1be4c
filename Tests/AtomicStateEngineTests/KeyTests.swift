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
