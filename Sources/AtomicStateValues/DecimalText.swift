/// Decimals as text: "-12.50" is -1,250 units of 10^-2.
///
/// Grammar: an optional sign, digits, and then optionally a point with 1 to `scale` digits.
package enum DecimalText {
    /// The number of units; nil for text that is no such decimal, or beyond 64 bits.
    package static func units(of text: String, scale: Int) -> Int64? {
        var digits = text.utf8[...]
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative || digits.first == UInt8(ascii: "+") { digits.removeFirst() }
        let parts = digits.split(
            separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = parts.count == 2 ? parts[1] : digits[digits.endIndex...]
        guard !parts[0].isEmpty, parts.count == 1 || !fraction.isEmpty, fraction.count <= scale
        else { return nil }

        var units: Int64 = 0
        // Counted downwards from 0, because the least Int64 has no positive counterpart.
        func append(_ digit: UInt8) -> Bool {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return false }
            let (product, productOverflows) = units.multipliedReportingOverflow(by: 10)
            let (difference, differenceOverflows) = product.subtractingReportingOverflow(
                Int64(digit - UInt8(ascii: "0")))
            units = difference
            return !productOverflows && !differenceOverflows
        }
        let zeros = repeatElement(UInt8(ascii: "0"), count: scale - fraction.count)
        guard parts[0].allSatisfy(append), fraction.allSatisfy(append), zeros.allSatisfy(append)
        else { return nil }
        if isNegative { return units }
        return units == .min ? nil : -units
    }

    /// With exactly `scale` fraction digits.
    package static func text(of units: Int64, scale: Int) -> String {
        let sign = units < 0 ? "-" : ""
        let magnitude = String(units.magnitude)
        guard scale > 0 else { return sign + magnitude }
        let digits = String(repeating: "0", count: max(0, scale + 1 - magnitude.count)) + magnitude
        return "\(sign)\(digits.dropLast(scale)).\(digits.suffix(scale))"
    }
}
