/// The whole numbers from `least` to `greatest`; never empty.
///
/// Both are far inside of 128 bits for every type that rules have: 64 bits, and times in nanoseconds
/// 70. Only a product of two uints may be wider; it saturates, beyond what any type holds.
struct Interval: Hashable, Sendable {
    let least: Int128
    let greatest: Int128

    /// Nil if there is no such number.
    init?(_ least: Int128, _ greatest: Int128) {
        guard least <= greatest else { return nil }
        self.least = least
        self.greatest = greatest
    }

    init(_ range: ClosedRange<Int128>) {
        least = range.lowerBound
        greatest = range.upperBound
    }

    init(only value: Int128) {
        self.init(value...value)
    }

    static let bool = Interval(0...1)
    static let int = Interval(Int128(Int64.min)...Int128(Int64.max))
    static let uint = Interval(0...Int128(UInt64.max))

    /// The number, if it can be only one.
    var single: Int128? { least == greatest ? least : nil }

    func contains(_ value: Int128) -> Bool { least <= value && value <= greatest }

    func isWithin(_ other: Interval) -> Bool {
        other.least <= least && greatest <= other.greatest
    }

    func intersection(_ other: Interval) -> Interval? {
        Interval(max(least, other.least), min(greatest, other.greatest))
    }

    func union(_ other: Interval) -> Interval {
        Interval(min(least, other.least)...max(greatest, other.greatest))
    }

    /// Without a number, which makes a difference only at an end.
    func excluding(_ value: Int128) -> Interval? {
        Interval(value == least ? least + 1 : least, value == greatest ? greatest - 1 : greatest)
    }
}

// MARK: Arithmetic

/// The results before they are fitted into a type.
extension Interval {
    static prefix func - (operand: Interval) -> Interval {
        Interval(-operand.greatest ... -operand.least)
    }

    static func + (left: Interval, right: Interval) -> Interval {
        Interval(left.least + right.least...left.greatest + right.greatest)
    }

    static func - (left: Interval, right: Interval) -> Interval {
        left + -right
    }

    static func * (left: Interval, right: Interval) -> Interval {
        corners(left, right) { factor, other in
            let (product, overflow) = factor.multipliedReportingOverflow(by: other)
            guard overflow else { return product }
            return (factor < 0) == (other < 0) ? .max : .min
        }
    }

    /// Cut towards zero; nil if the divisor can only be 0.
    static func / (left: Interval, right: Interval) -> Interval? {
        // On either side of zero, a quotient is the least and the greatest at the ends.
        let parts = [
            Interval(right.least, min(right.greatest, -1)),
            Interval(max(right.least, 1), right.greatest),
        ]
        return parts.compactMap(\.self).map { corners(left, $0, /) }.joined()
    }

    /// With the sign of the dividend; nil if the divisor can only be 0.
    static func % (left: Interval, right: Interval) -> Interval? {
        let divisorMagnitude = max(abs(right.least), abs(right.greatest))
        guard divisorMagnitude > 0 else { return nil }
        if let dividend = left.single, let divisor = right.single {
            return Interval(only: dividend % divisor)
        }
        let most = divisorMagnitude - 1
        return Interval(min(0, max(left.least, -most))...max(0, min(left.greatest, most)))
    }

    /// Every number divided by the positive `divisor`, rounded down.
    func dividedRoundingDown(by divisor: Int128) -> Interval {
        Interval(Self.floor(least, divisor)...Self.floor(greatest, divisor))
    }

    /// The numbers that are in here when multiplied by the positive `factor`.
    func divided(exactlyBy factor: Int128) -> Interval? {
        Interval(-Self.floor(-least, factor), Self.floor(greatest, factor))
    }

    private static func floor(_ value: Int128, _ divisor: Int128) -> Int128 {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }

    private static func corners(
        _ left: Interval, _ right: Interval, _ calculate: (Int128, Int128) -> Int128
    ) -> Interval {
        let results = [left.least, left.greatest].flatMap { first in
            [right.least, right.greatest].map { calculate(first, $0) }
        }
        let first = Interval(only: results[0])
        return results.reduce(first) { $0.union(Interval(only: $1)) }
    }
}

extension [Interval] {
    fileprivate func joined() -> Interval? {
        first.map { first in dropFirst().reduce(first) { $0.union($1) } }
    }
}
