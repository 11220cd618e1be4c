import Foundation
import SeededRandom
import Testing

@testable import AtomicStateEngine

/// The trees of `min` and `max` against a sorted array.
@Suite struct ValueTreeTests {
    @Test(arguments: 1...4 as ClosedRange<UInt64>, [1, 2])
    func agreesWithAnArray(seed: UInt64, wordCount: Int) {
        var random = SeededGenerator(state: seed)
        var tree = ValueTree()
        var roots: [ValueTree.Address] = [0, 0]
        var expected: [[[Int64]]] = [[], []]
        for step in 0..<6_000 {
            let place = Int.random(in: 0...1, using: &random)
            let isShrinking = step / 1_000 % 2 == 1
            if !expected[place].isEmpty, random.oneIn(isShrinking ? 1 : 3) {
                let index = Int.random(in: expected[place].indices, using: &random)
                let words = expected[place].remove(at: index)
                roots[place] = tree.remove(Self.value(words), from: roots[place])
            } else {
                let words = (0..<wordCount).map { _ in
                    random.oneIn(20)
                        ? random.pick([.min, .max, 0, -1])
                        : Int64.random(in: -300...300, using: &random)
                }
                expected[place].append(words)
                roots[place] = tree.insert(Self.value(words), into: roots[place])
            }
            #expect((roots[place] == 0) == expected[place].isEmpty)
            guard !expected[place].isEmpty else { continue }
            let sorted = expected[place].sorted { $0.lexicographicallyPrecedes($1) }
            for (words, isGreatest) in [(sorted[0], false), (sorted[sorted.count - 1], true)] {
                let found = ValueTree.extreme(of: roots[place], isGreatest: isGreatest)
                #expect(found == Self.value(words), "step \(step) of seed \(seed)")
            }
        }
    }

    enum Order: CaseIterable { case ascending, descending, outwards, random }

    /// Whatever the order of changes, the height follows the logarithm of the number of values.
    @Test(arguments: Order.allCases)
    func staysLow(order: Order) {
        let count = 20_000
        var random = SeededGenerator(state: 9)
        let values: [Int64]
        switch order {
        case .ascending: values = (0..<Int64(count)).map(\.self)
        case .descending: values = (0..<Int64(count)).reversed()
        case .outwards: values = (0..<Int64(count)).map { $0 % 2 == 0 ? $0 : -$0 }
        case .random: values = (0..<Int64(count)).shuffled(using: &random)
        }
        var tree = ValueTree()
        var root: ValueTree.Address = 0
        for value in values { root = tree.insert(Self.value([value]), into: root) }
        #expect(Double(ValueTree.height(root)) <= 1.45 * log2(Double(count + 2)))
        for value in values.dropLast(100) { root = tree.remove(Self.value([value]), from: root) }
        #expect(Double(ValueTree.height(root)) <= 1.45 * log2(102))
    }

    /// Values that come and go take no more memory than they need at once.
    @Test func nodesAreUsedAgain() {
        var tree = ValueTree()
        var root: ValueTree.Address = 0
        for round in 0..<50 as Range<Int64> {
            for value in 0..<1_000 as Range<Int64> {
                root = tree.insert(Self.value([value * round]), into: root)
                root = tree.insert(Self.value([value * round]), into: root)
            }
            tree.removeAll(from: root)
            root = 0
        }
        var small = ValueTree()
        _ = small.insert(Self.value([1]), into: 0)
        #expect(tree.byteCount == small.byteCount, "one chunk of nodes")
    }

    private static func value(_ words: [Int64]) -> ValueTree.Value {
        words.map { UInt64(bitPattern: $0) }.withUnsafeBufferPointer { words in
            ValueTree.Value(at: words.baseAddress.unsafelyUnwrapped, wordCount: words.count)
        }
    }
}
