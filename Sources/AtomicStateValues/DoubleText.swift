/// Doubles as text. CEL leaves the form open; this reads what cel-go reads, decimal digits only.
package enum DoubleText {
    /// A decimal number with an optional fraction and exponent, `inf`, `infinity` or `nan` in any
    /// case; nil for anything else, and for a number that is too large.
    package static func parse(_ text: UnsafeRawBufferPointer) -> Double? {
        parse(String(decoding: text, as: UTF8.self))
    }

    package static func parse(_ text: String) -> Double? {
        let lowercase = text.lowercased()
        let magnitude =
            lowercase.hasPrefix("-") || lowercase.hasPrefix("+")
            ? lowercase.dropFirst() : lowercase[...]
        switch magnitude {
        case "nan": return .nan
        case "inf", "infinity": return lowercase.hasPrefix("-") ? -.infinity : .infinity
        default: break
        }
        // Swift reads hexadecimal digits and more names too.
        let allowed = "0123456789.e+-".utf8
        guard magnitude.utf8.allSatisfy(allowed.contains), let value = Double(lowercase),
            value.isFinite
        else { return nil }
        return value
    }

    /// The fewest digits that read back as the same value; with an exponent below 10^-4 and from
    /// 10^21 on.
    package static func text(of value: Double) -> String {
        guard value.isFinite else {
            return value.isNaN ? "NaN" : value < 0 ? "-Inf" : "+Inf"
        }
        let (digits, exponent) = shortestDigits(of: value.magnitude)
        let sign = value.sign == .minus ? "-" : ""
        if exponent < -4 || exponent >= 21 {
            let fraction = digits.count > 1 ? "." + digits.dropFirst() : ""
            let magnitude = String(exponent.magnitude)
            let padding = magnitude.count < 2 ? "0" : ""
            return
                "\(sign)\(digits.prefix(1))\(fraction)e\(exponent < 0 ? "-" : "+")\(padding)\(magnitude)"
        }
        if exponent < 0 {
            return "\(sign)0.\(String(repeating: "0", count: -exponent - 1))\(digits)"
        }
        let wholeCount = exponent + 1
        if digits.count <= wholeCount {
            return sign + digits + String(repeating: "0", count: wholeCount - digits.count)
        }
        return "\(sign)\(digits.prefix(wholeCount)).\(digits.dropFirst(wholeCount))"
    }

    /// The digits d1 d2 d3 ... of d1.d2d3... × 10^exponent, without zeros at the end.
    private static func shortestDigits(of value: Double) -> (digits: String, exponent: Int) {
        let parts = value.description.split(separator: "e")
        let written = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let whole = written[0]
        let digits = whole + (written.count > 1 ? written[1] : "")
        let leading = digits.prefix { $0 == "0" }.count
        guard leading < digits.count else { return ("0", 0) }
        var significant = digits.dropFirst(leading)
        while significant.count > 1, significant.last == "0" { significant.removeLast() }
        let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        return (String(significant), exponent + whole.count - 1 - leading)
    }
}
