import Foundation

/// How long random tests run: about half a second each by default. `ATOMIC_STATE_FUZZ_SECONDS` is the time
/// for all of them together, and `ATOMIC_STATE_FUZZ_SEED` the seed to begin with.
struct Budget {
    private static let testCount = 12
    private let end: ContinuousClock.Instant
    private(set) var seed: UInt64

    init() {
        let environment = ProcessInfo.processInfo.environment
        let seconds = environment["ATOMIC_STATE_FUZZ_SECONDS"].flatMap(Double.init) ?? 4
        seed = environment["ATOMIC_STATE_FUZZ_SEED"].flatMap(UInt64.init) ?? 1
        end = .now + .seconds(seconds / Double(Self.testCount))
    }

    /// Calls the body with one seed after the other, at least once.
    ///
    /// - Parameter trials: what it tries with each.
    mutating func forEachSeed(of trials: String, _ body: (UInt64) throws -> Void) rethrows {
        let first = seed
        repeat {
            try body(seed)
            seed += 1
        } while .now < end
        print("tried \(seed - first) \(trials), seeds \(first) to \(seed - 1)")
    }
}
