/// Cuts the text of a rule into tokens.
///
/// The lexical grammar is CEL's (https://github.com/google/cel-spec, "Syntax"), with `=`, `+=` and
/// `-=` added for effects.
struct Lexer {
    private let text: LocatedText
    private var position = 0

    /// The tokens of `text`, the last of which is `end`.
    static func tokens(of text: LocatedText) throws(Diagnostic) -> [Token] {
        var lexer = Lexer(text: text)
        var tokens: [Token] = []
        repeat {
            tokens.append(try lexer.next())
        } while tokens.last?.kind != .end
        return tokens
    }

    private mutating func next() throws(Diagnostic) -> Token {
        try skipBlanksAndComments()
        let location = self.location
        return Token(kind: try nextKind(), location: location)
    }

    private mutating func nextKind() throws(Diagnostic) -> Token.Kind {
        guard let first = peek() else { return .end }
        if first.isDigit || (first == "." && peek(1)?.isDigit == true) { return try number() }
        if let string = try stringOrBytes() { return string }
        if first.isIdentifierHead { return .identifier(take { $0.isIdentifierHead || $0.isDigit }) }
        return .symbol(try symbol())
    }

    private mutating func skipBlanksAndComments() throws(Diagnostic) {
        while let scalar = peek() {
            if scalar.isBlank {
                advance()
            } else if scalar == "/", peek(1) == "/" {
                try skipComment()
            } else {
                return
            }
        }
    }

    /// YAML may have put lines together, of which the comment was to end the first one alone.
    private mutating func skipComment() throws(Diagnostic) {
        let start = location
        while let scalar = peek(), scalar != "\n" {
            guard scalar.isBlank || location.line == start.line else {
                throw Diagnostic(
                    start,
                    "the comment would go on to the end of the rule, as its lines are folded into one; "
                        + "write the rule behind '|'")
            }
            advance()
        }
    }

    private mutating func symbol() throws(Diagnostic) -> Token.Symbol {
        for length in [2, 1] {
            var spelling = String.UnicodeScalarView()
            spelling.append(contentsOf: text.scalars[position...].prefix(length))
            if let symbol = Token.Symbol(rawValue: String(spelling)) {
                advance(by: spelling.count)
                return symbol
            }
        }
        let scalar = text.scalars[position]
        switch scalar {
        case "&", "|":
            throw Diagnostic(
                location, "unexpected '\(scalar)'; the operator is '\(scalar)\(scalar)'")
        default:
            throw Diagnostic(location, "unexpected character '\(scalar)'")
        }
    }
}

// MARK: Numbers

extension Lexer {
    private mutating func number() throws(Diagnostic) -> Token.Kind {
        let start = location
        let kind =
            try peek() == "0" && (peek(1) == "x" || peek(1) == "X")
            ? hexadecimal(from: start) : decimal(from: start)
        if let scalar = peek(), scalar.isIdentifierHead {
            throw Diagnostic(location, "unexpected '\(scalar)' after a number")
        }
        return kind
    }

    private mutating func hexadecimal(from start: SourceLocation) throws(Diagnostic) -> Token.Kind {
        advance(by: 2)
        let digits = take { $0.isHexadecimalDigit }
        guard !digits.isEmpty else {
            throw Diagnostic(location, "expected a hexadecimal digit after '0x'")
        }
        return try integer(UInt64(digits, radix: 16), from: start)
    }

    private mutating func decimal(from start: SourceLocation) throws(Diagnostic) -> Token.Kind {
        var digits = take { $0.isDigit }
        var isInteger = true
        if peek() == ".", peek(1)?.isDigit == true {
            isInteger = false
            advance()
            digits += "." + take { $0.isDigit }
        }
        if peek() == "e" || peek() == "E" {
            isInteger = false
            digits += try exponent()
        }
        return isInteger ? try integer(UInt64(digits), from: start) : .fraction(digits)
    }

    private mutating func exponent() throws(Diagnostic) -> String {
        advance()
        var sign = ""
        if peek() == "+" || peek() == "-" {
            sign = String(text.scalars[position])
            advance()
        }
        let digits = take { $0.isDigit }
        guard !digits.isEmpty else {
            throw Diagnostic(location, "expected a digit of the exponent")
        }
        return "e" + sign + digits
    }

    private mutating func integer(_ value: UInt64?, from start: SourceLocation) throws(Diagnostic)
        -> Token.Kind
    {
        guard let value else {
            throw Diagnostic(start, "the number is too large; an integer has 64 bits")
        }
        if peek() == "u" || peek() == "U" {
            advance()
            return .unsigned(value)
        }
        return .integer(value)
    }
}

// MARK: Reading scalars

extension Lexer {
    var location: SourceLocation { text.locations[position] }

    func peek(_ distance: Int = 0) -> Unicode.Scalar? {
        let index = position + distance
        return index < text.scalars.count ? text.scalars[index] : nil
    }

    mutating func advance(by count: Int = 1) {
        position += count
    }

    mutating func take(while predicate: (Unicode.Scalar) -> Bool) -> String {
        var taken = String.UnicodeScalarView()
        while let scalar = peek(), predicate(scalar) {
            taken.append(scalar)
            advance()
        }
        return String(taken)
    }
}

extension Unicode.Scalar {
    var isDigit: Bool { ("0"..."9").contains(self) }
    var isHexadecimalDigit: Bool {
        isDigit || ("a"..."f").contains(self) || ("A"..."F").contains(self)
    }
    var isIdentifierHead: Bool {
        self == "_" || ("a"..."z").contains(self) || ("A"..."Z").contains(self)
    }
    var isBlank: Bool {
        switch self {
        case " ", "\t", "\n", "\r", "\u{0C}": true
        default: false
        }
    }
}
