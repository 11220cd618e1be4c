/// Moving over the tokens, and which of them are operators.
extension SyntaxParser {
    var current: Token { tokens[position] }

    /// The token after the current one; the current one at the end.
    var following: Token { tokens[min(position + 1, tokens.count - 1)] }

    /// The current token; the one after it becomes current. `end` is never passed.
    @discardableResult
    mutating func advance() -> Token {
        let token = current
        if token.kind != .end { position += 1 }
        return token
    }

    mutating func skip(_ symbol: Token.Symbol) -> Bool {
        guard current.kind == .symbol(symbol) else { return false }
        advance()
        return true
    }

    mutating func expect(_ symbol: Token.Symbol, _ what: String) throws(Diagnostic) {
        guard skip(symbol) else { throw unexpected(what) }
    }

    mutating func name(_ what: String) throws(Diagnostic) -> Name {
        guard case .identifier(let text) = current.kind else { throw unexpected(what) }
        return Name(text: text, location: advance().location)
    }

    func expectEnd() throws(Diagnostic) {
        switch current.kind {
        case .end: return
        case .symbol(.assign):
            throw Diagnostic(current.location, "unexpected '='; a comparison is written '=='")
        default: throw unexpected("an operator or the end")
        }
    }

    func unexpected(_ expected: String) -> Diagnostic {
        Diagnostic(current.location, "expected \(expected), found \(current.description)")
    }

    static func relation(_ token: Token) -> Syntax.BinaryOperator? {
        switch token.kind {
        case .symbol(.equal): .compare(.equal)
        case .symbol(.notEqual): .compare(.notEqual)
        case .symbol(.less): .compare(.less)
        case .symbol(.lessOrEqual): .compare(.lessOrEqual)
        case .symbol(.greater): .compare(.greater)
        case .symbol(.greaterOrEqual): .compare(.greaterOrEqual)
        case .identifier("in"): .isIn
        default: nil
        }
    }

    static func additive(_ token: Token) -> Expression.ArithmeticOperator? {
        switch token.kind {
        case .symbol(.plus): .add
        case .symbol(.minus): .subtract
        default: nil
        }
    }

    static func multiplicative(_ token: Token) -> Expression.ArithmeticOperator? {
        switch token.kind {
        case .symbol(.times): .multiply
        case .symbol(.divide): .divide
        case .symbol(.remainder): .remainder
        default: nil
        }
    }
}
