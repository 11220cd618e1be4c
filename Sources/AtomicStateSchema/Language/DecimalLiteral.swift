/// An exact decimal constant: `unscaled` units of 10^-scale. `0.50` has scale 2, as it is written.
struct DecimalLiteral: Hashable, Sendable {
    let unscaled: Int64
    let scale: Int

    enum Failure: Error {
        case notADecimal
        case tooManyFractionDigits
        case outOfRange
    }

    init(unscaled: Int64, scale: Int) {
        self.unscaled = unscaled
        self.scale = scale
    }

    /// Reads `[-]digits[.digits]`, or `[-].digits`, which CEL allows.
    init(_ text: some StringProtocol) throws(Failure) {
        let magnitude = text.hasPrefix("-") ? text.dropFirst() : text[...]
        let parts = magnitude.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.last?.isEmpty == false,
            parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } })
        else { throw .notADecimal }
        scale = parts.count == 2 ? parts[1].utf8.count : 0
        guard scale <= Limits.Value.decimalScale else { throw .tooManyFractionDigits }
        let sign = text.hasPrefix("-") ? "-" : ""
        guard let unscaled = Int64(sign + parts.joined()) else { throw .outOfRange }
        self.unscaled = unscaled
    }

    /// The fraction digits of a literal; nil if it is no decimal.
    static func scale(of text: String) -> Int? {
        do throws(Failure) {
            return try DecimalLiteral(text).scale
        } catch {
            return nil
        }
    }

    /// The same number in units of 10^-newScale; fails if it is not a whole number of them, counting
    /// digits as they are written, or if there are too many for 64 bits.
    func rescaled(to newScale: Int) throws(Failure) -> Int64 {
        guard newScale >= scale else { throw .tooManyFractionDigits }
        var result = unscaled
        for _ in scale..<newScale {
            let (product, overflow) = result.multipliedReportingOverflow(by: 10)
            guard !overflow else { throw .outOfRange }
            result = product
        }
        return result
    }
}

extension DecimalLiteral: CustomStringConvertible {
    var description: String {
        if scale == 0 { return String(unscaled) }
        let digits = String(unscaled.magnitude)
        let padded = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
        return (unscaled < 0 ? "-" : "") + padded.dropLast(scale) + "." + padded.suffix(scale)
    }
}
