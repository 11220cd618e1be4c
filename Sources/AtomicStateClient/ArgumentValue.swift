/// A value as a caller writes it: a literal, a number, a truth value or text.
///
/// It is kept as text and read as the kind that the schema says. Decimals are given as text
/// ("12.50"), because a binary floating-point number would not hold them exactly.
public struct ArgumentValue: Sendable, Hashable, CustomStringConvertible {
    public let text: String

    public init(_ text: String) {
        self.text = text
    }

    public init(_ number: some BinaryInteger) {
        text = "\(number)"
    }

    public init(_ truth: Bool) {
        text = "\(truth)"
    }

    public var description: String { text }
}

extension ArgumentValue: ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
    public init(stringLiteral text: String) {
        self.init(text)
    }
}

extension ArgumentValue: ExpressibleByIntegerLiteral {
    public init(integerLiteral number: Int64) {
        self.init(number)
    }
}

extension ArgumentValue: ExpressibleByBooleanLiteral {
    public init(booleanLiteral truth: Bool) {
        self.init(truth)
    }
}
