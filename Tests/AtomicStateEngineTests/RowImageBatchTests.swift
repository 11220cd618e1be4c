import SeededRandom
import Testing

@testable import AtomicStateEngine

/// Images come out in the order of their keys, each key once with the later image, whatever keys have in
/// common with one another.
@Suite struct RowImageBatchTests {
    @Test(arguments: 1...4 as ClosedRange<UInt64>, [0, 3, 11])
    func agreesWithASortedDictionary(seed: UInt64, commonByteCount: Int) {
        let common = [UInt8](repeating: 1, count: commonByteCount)
        var random = SeededGenerator(state: seed)
        var batch = RowImageBatch()
        var expected: [[UInt8]: [UInt8]] = [:]
        for step in 0..<3_000 as Range<UInt64> {
            // Types 255 and 256 tell big-endian order from little-endian.
            let type = random.pick([0, 1, 255, 256])
            let key = common + Self.randomKey(&random)
            let image = random.oneIn(4) ? [] : withUnsafeBytes(of: step) { Array($0) }
            key.withUnsafeBytes { key in
                batch.append(type: type, key: .text(key)) { bytes in
                    image.withUnsafeBytes { bytes.append($0) }
                }
            }
            expected[[UInt8(type >> 8), UInt8(type & 0xFF)] + key] = image
        }
        #expect(batch.count == 3_000)
        var found: [(key: [UInt8], image: [UInt8])] = []
        batch.forEachInKeyOrder { key, image in
            found.append((Array(key), image.map { Array($0) } ?? []))
        }
        let wanted = expected.sorted { $0.key.lexicographicallyPrecedes($1.key) }
        #expect(found.count == wanted.count)
        for (found, wanted) in zip(found, wanted) {
            #expect(found.key == wanted.key)
            #expect(found.image == wanted.value)
        }
    }

    /// Few different bytes, zero among them, and lengths on both sides of a word's.
    private static func randomKey(_ random: inout SeededGenerator) -> [UInt8] {
        let start = random.oneIn(2) ? [UInt8](repeating: 7, count: 8) : []
        let count = Int.random(in: 1...4, using: &random)
        return start + (0..<count).map { _ in random.pick([0, 1, 0xFF]) }
    }

    @Test func numbersAscend() {
        var random = SeededGenerator(state: 5)
        var batch = RowImageBatch()
        var expected: Set<UInt64> = []
        for _ in 0..<1_000 {
            let number =
                UInt64.random(in: .min ... .max, using: &random)
                >> UInt64.random(in: 0..<64, using: &random)
            batch.append(type: 3, key: .number(number)) { $0.append(number) }
            expected.insert(number)
        }
        var found: [UInt64] = []
        batch.forEachInKeyOrder { _, image in
            found.append(image.unsafelyUnwrapped.loadUnaligned(as: UInt64.self))
        }
        #expect(found == expected.sorted())
    }
}
