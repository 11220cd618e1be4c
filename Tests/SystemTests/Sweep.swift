import Foundation
import SeededRandom

/// How much of a systematic sweep is tried: a sample, all of it, or as much as a time is enough for, in an
/// order of chance.
struct Sweep {
    private let setting: String?
    private let end: ContinuousClock.Instant

    /// - Parameter variable: of the environment: `all`, or seconds.
    init(_ variable: String) {
        setting = ProcessInfo.processInfo.environment[variable]
        let seconds = setting.flatMap(Double.init) ?? .infinity
        end = .now + .seconds(min(seconds, 1e6))
    }

    var isSample: Bool { setting == nil }

    /// Calls the body with the trials until the time is over; at least with one. How many it were.
    func forEach<Trial>(
        of trials: [Trial], _ generator: inout SeededGenerator,
        _ body: (Trial, inout SeededGenerator) async throws -> Void
    ) async rethrows -> Int {
        var count = 0
        for trial in isSample ? trials : trials.shuffled(using: &generator) {
            try await body(trial, &generator)
            count += 1
            if .now > end { break }
        }
        return count
    }
}
