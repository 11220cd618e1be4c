internal import ArgumentParser

/// A span of time on the command line: a number and one of the units ms, s, m, h.
struct TimeSpan: ExpressibleByArgument {
    let duration: Duration

    init(_ duration: Duration) {
        self.duration = duration
    }

    init?(argument: String) {
        let units: [(suffix: String, seconds: Double)] = [
            ("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600),
        ]
        guard let unit = units.first(where: { argument.hasSuffix($0.suffix) }),
            let number = Double(argument.dropLast(unit.suffix.count)), number.isFinite
        else { return nil }
        let seconds = number * unit.seconds
        // A week is more than any run, and far from where a duration overflows.
        guard seconds > 0, seconds <= 7 * 86_400 else { return nil }
        duration = .seconds(seconds)
    }

    var defaultValueDescription: String { "\(duration)" }
}
