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
        var text: [UInt8] = []
        append(units.magnitude, isNegative: units < 0, scale: scale, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// The same in UTF-8.
    ///
    /// - Parameters:
    ///   - magnitude: of the number of units.
    ///   - scale: 0 for an integer.
    package static func append(
        _ magnitude: UInt64, isNegative: Bool, scale: Int, to text: inout [UInt8]
    ) {
        // 64 bits have at most 20 digits; a point and a sign.
        let characterCountMax = max(20, scale + 1) + 2
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: characterCountMax) { characters in
            var first = characters.endIndex
            var rest = magnitude
            var digitCount = 0
            repeat {
                if digitCount == scale, scale > 0 {
                    first &-= 1
                    characters[first] = UInt8(ascii: ".")
                }
                let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
                first &-= 1
                characters[first] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: digit)
                rest = quotient
                digitCount &+= 1
            } while rest > 0 || digitCount <= scale
            if isNegative {
                first &-= 1
                characters[first] = UInt8(ascii: "-")
            }
            text.append(contentsOf: UnsafeBufferPointer(rebasing: characters[first...]))
        }
    }
}
