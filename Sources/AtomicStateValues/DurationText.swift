/// Durations as CEL writes and reads them: `90s`, `1.5s`; also `1h30m`, `-2m0.5s`, `10ms`, `5us`, `1ns`.
enum DurationText {
    private static let nanosecondsOfUnits: [(unit: StaticString, nanoseconds: Int128)] = [
        ("ns", 1), ("us", 1_000), ("µs", 1_000), ("μs", 1_000), ("ms", 1_000_000),
        ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000),
    ]
    /// A duration has 12 digits of seconds; more than these are no duration.
    private static let digitCountMax = 22

    /// An optional sign, then numbers, each with its unit; or `0`. What is finer than a nanosecond is
    /// cut off.
    static func parse(_ text: UnsafeRawBufferPointer) -> TimeValue? {
        var scanner = TextScanner(text)
        let isNegative = scanner.skip("-")
        if !isNegative { _ = scanner.skip("+") }
        var sum: Int128 = 0
        var isUnitless = false
        var partCount = 0
        while !scanner.isAtEnd {
            guard !isUnitless, let number = number(&scanner) else { return nil }
            partCount += 1
            if scanner.isAtEnd, partCount == 1, number.whole == 0, number.fraction == 0 {
                isUnitless = true
                continue
            }
            guard let unit = nanosecondsOfUnits.first(where: { scanner.skip(word: $0.unit) }) else {
                return nil
            }
            sum += number.whole * unit.nanoseconds
            sum += number.fraction * unit.nanoseconds / number.fractionUnits
            guard sum <= Int128(Int64.max) * 1_000_000_000 else { return nil }
        }
        guard partCount > 0 else { return nil }
        let (seconds, nanoseconds) = split(isNegative ? -sum : sum)
        let value = TimeValue(seconds: Int64(seconds), nanoseconds: Int64(nanoseconds))
        return TimeKind.duration.contains(value) ? value : nil
    }

    static func text(of value: TimeValue) -> String {
        guard value.seconds < 0, value.nanoseconds > 0 else {
            return "\(value.seconds)\(TimestampText.fraction(value.nanoseconds))s"
        }
        // -1 s and 500,000,000 ns is half a second before zero.
        let magnitude = (value.seconds + 1).magnitude
        let rest = TimeValue.nanosecondsPerSecond - value.nanoseconds
        return "-\(magnitude)\(TimestampText.fraction(rest))s"
    }

    private static func split(_ sum: Int128) -> (seconds: Int128, nanoseconds: Int128) {
        let (quotient, remainder) = sum.quotientAndRemainder(dividingBy: 1_000_000_000)
        return remainder < 0 ? (quotient - 1, remainder + 1_000_000_000) : (quotient, remainder)
    }

    /// Digits with an optional fraction, as whole + fraction / fractionUnits.
    private static func number(_ scanner: inout TextScanner)
        -> (whole: Int128, fraction: Int128, fractionUnits: Int128)?
    {
        var whole: Int128 = 0
        var count = 0
        while let digit = scanner.digit() {
            count += 1
            guard count <= digitCountMax else { return nil }
            whole = whole * 10 + Int128(digit)
        }
        var fraction: Int128 = 0
        var fractionUnits: Int128 = 1
        if scanner.skip(".") {
            while let digit = scanner.digit() {
                count += 1
                // Finer than a nanosecond of the largest unit.
                guard fractionUnits < 1_000_000_000_000_000_000 else { continue }
                fraction = fraction * 10 + Int128(digit)
                fractionUnits *= 10
            }
        }
        return count == 0 ? nil : (whole, fraction, fractionUnits)
    }
}
