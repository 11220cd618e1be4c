/// A lexical element of a rule, as in the CEL specification's "Syntax".
struct Token: Sendable {
    enum Kind: Hashable, Sendable {
        case identifier(String)
        /// Without a sign, which the grammar treats as an operator.
        case integer(UInt64)
        case unsigned(UInt64)
        /// A literal with a fraction or an exponent, as written.
        case fraction(String)
        case string(String)
        case bytes([UInt8])
        case symbol(Symbol)
        case end
    }

    enum Symbol: String, Hashable, Sendable {
        case equal = "==", notEqual = "!="
        case less = "<", lessOrEqual = "<=", greater = ">", greaterOrEqual = ">="
        case and = "&&", or = "||", not = "!"
        case plus = "+", minus = "-", times = "*", divide = "/", remainder = "%"
        case question = "?", colon = ":", dot = ".", comma = ","
        case leftParenthesis = "(", rightParenthesis = ")"
        case leftBracket = "[", rightBracket = "]"
        case leftBrace = "{", rightBrace = "}"
        /// Effects only; CEL has no assignment.
        case assign = "=", plusAssign = "+=", minusAssign = "-="
    }

    var kind: Kind
    var location: SourceLocation

    /// How a message names this token.
    var description: String {
        switch kind {
        case .identifier(let name): Suggestion.quoted(name)
        case .integer(let value): "'\(value)'"
        case .unsigned(let value): "'\(value)u'"
        case .fraction(let text): Suggestion.quoted(text)
        case .string: "a string"
        case .bytes: "a bytes literal"
        case .symbol(let symbol): "'\(symbol.rawValue)'"
        case .end: "the end"
        }
    }
}
