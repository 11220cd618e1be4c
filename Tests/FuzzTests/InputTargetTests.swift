import Foundation
import SeededRandom
import Testing

/// What reads bytes from outside, on inputs that occur, on those that were findings once, and on some that
/// chance makes of them. `make fuzz-inputs` looks for more with libFuzzer.
@Suite struct InputTargetTests {
    static let names = InputTarget.all.map(\.name)

    @Test(arguments: names) func inputsThatOccur(name: String) throws {
        let target = try #require(InputTarget.named(name))
        let seeds = try target.seeds()
        #expect(seeds.count > 1)
        for (index, seed) in seeds.enumerated() {
            check(seed, target, "seed \(index)")
        }
    }

    @Test(arguments: names) func inputsThatWereFindings(name: String) throws {
        let target = try #require(InputTarget.named(name))
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Cases/\(name)")
        guard FileManager.default.fileExists(atPath: folder.path) else { return }
        for file in try FileManager.default.contentsOfDirectory(
            at: folder, includingPropertiesForKeys: nil)
        {
            check(Array(try Data(contentsOf: file)), target, file.lastPathComponent)
        }
    }

    /// `ATOMIC_STATE_INPUT_COUNT` inputs for each target, from `ATOMIC_STATE_FUZZ_SEED` on. The same seed
    /// makes the same inputs.
    @Test(arguments: names) func inputsOfChance(name: String) throws {
        let target = try #require(InputTarget.named(name))
        let environment = ProcessInfo.processInfo.environment
        let count = environment["ATOMIC_STATE_INPUT_COUNT"].flatMap(Int.init) ?? 500
        let firstSeed = environment["ATOMIC_STATE_FUZZ_SEED"].flatMap(UInt64.init) ?? 1
        let inputs = try target.seeds()
        let words = target.words()
        for offset in 0..<count {
            let seed = firstSeed &+ UInt64(offset)
            var mutator = Mutator(seed: seed, words: words)
            check(mutator.input(from: inputs), target, "seed \(seed)")
        }
    }

    private func check(_ input: [UInt8], _ target: InputTarget, _ place: String) {
        do throws(Finding) {
            try target.check(input)
        } catch {
            Issue.record("\(target.name), \(place): \(error)")
        }
    }
}

/// Makes inputs of others, as a seed determines.
private struct Mutator {
    private var random: SeededGenerator
    private let words: [[UInt8]]

    init(seed: UInt64, words: [[UInt8]]) {
        random = SeededGenerator(state: seed)
        self.words = words
    }

    mutating func input(from inputs: [[UInt8]]) -> [UInt8] {
        var bytes = random.pick(inputs)
        for _ in 0..<Int.random(in: 1...4, using: &random) { change(&bytes) }
        return bytes
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        let start = Int.random(in: 0...bytes.count, using: &random)
        let end = min(bytes.count, start + Int.random(in: 0...8, using: &random))
        let byte = UInt8.random(in: .min ... .max, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0 where start < bytes.count: bytes[start] = byte
        case 1 where start < bytes.count: bytes[start] ^= 1 << (byte & 7)
        case 2: bytes.removeSubrange(start..<end)
        case 3: bytes.insert(contentsOf: bytes[start..<end], at: start)
        case 4 where !words.isEmpty:
            bytes.replaceSubrange(start..<end, with: random.pick(words))
        default: bytes.insert(byte, at: start)
        }
    }
}
