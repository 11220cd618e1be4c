/// Parses CEL's expression grammar (https://github.com/google/cel-spec, "Syntax") by recursive
/// descent, one method a level of precedence, loosest first.
///
/// It stops at the first mistake of a rule. Recursion and the tree are bounded by `Limits.Rule`.
struct SyntaxParser {
    let tokens: [Token]
    var position = 0
    private var nesting = 0
    private var nodeCount = 0

    static func expression(_ text: LocatedText) throws(Diagnostic) -> Syntax {
        var parser = try SyntaxParser(text)
        let expression = try parser.expression()
        try parser.expectEnd()
        return expression
    }

    init(_ text: LocatedText) throws(Diagnostic) {
        tokens = try Lexer.tokens(of: text)
    }

    mutating func expression() throws(Diagnostic) -> Syntax {
        nesting += 1
        defer { nesting -= 1 }
        guard nesting <= Limits.Rule.depth else { throw tooDeep(at: current.location) }

        let condition = try disjunction()
        let location = current.location
        guard skip(.question) else { return condition }
        let then = try disjunction()
        try expect(.colon, "':' of '?:'")
        let otherwise = try expression()
        return try node(
            .conditional(condition, then: then, else: otherwise), at: location,
            over: [condition, then, otherwise])
    }

    private mutating func disjunction() throws(Diagnostic) -> Syntax {
        var operands = [try conjunction()]
        var locations: [SourceLocation] = []
        while current.kind == .symbol(.or) {
            locations.append(advance().location)
            operands.append(try conjunction())
        }
        return try balanced(.or, operands[...], locations[...])
    }

    private mutating func conjunction() throws(Diagnostic) -> Syntax {
        var operands = [try relation()]
        var locations: [SourceLocation] = []
        while current.kind == .symbol(.and) {
            locations.append(advance().location)
            operands.append(try relation())
        }
        return try balanced(.and, operands[...], locations[...])
    }

    /// CEL's logical operators are associative, errors included, so a long chain need not be deep.
    private mutating func balanced(
        _ binaryOperator: Syntax.BinaryOperator, _ operands: ArraySlice<Syntax>,
        _ locations: ArraySlice<SourceLocation>
    ) throws(Diagnostic) -> Syntax {
        if operands.count == 1 { return operands[operands.startIndex] }
        let half = operands.count / 2
        let left = try balanced(binaryOperator, operands.prefix(half), locations.prefix(half - 1))
        let right = try balanced(
            binaryOperator, operands.dropFirst(half), locations.dropFirst(half))
        return try node(
            .binary(binaryOperator, left, right), at: locations[locations.startIndex + half - 1],
            over: [left, right])
    }

    private mutating func relation() throws(Diagnostic) -> Syntax {
        var left = try addition()
        while let relation = Self.relation(current) {
            let location = advance().location
            let right = try addition()
            left = try node(.binary(relation, left, right), at: location, over: [left, right])
        }
        return left
    }

    private mutating func addition() throws(Diagnostic) -> Syntax {
        var left = try multiplication()
        while let operation = Self.additive(current) {
            let location = advance().location
            let right = try multiplication()
            left = try node(
                .binary(.arithmetic(operation), left, right), at: location, over: [left, right])
        }
        return left
    }

    private mutating func multiplication() throws(Diagnostic) -> Syntax {
        var left = try unary()
        while let operation = Self.multiplicative(current) {
            let location = advance().location
            let right = try unary()
            left = try node(
                .binary(.arithmetic(operation), left, right), at: location, over: [left, right])
        }
        return left
    }

    /// A run of `!` or a run of `-`; CEL does not mix them without parentheses.
    private mutating func unary() throws(Diagnostic) -> Syntax {
        let symbol = current.kind
        guard symbol == .symbol(.not) || symbol == .symbol(.minus) else { return try member() }
        var locations: [SourceLocation] = []
        while current.kind == symbol {
            locations.append(advance().location)
        }
        var operand = try member()
        for location in locations.reversed() {
            operand = try node(
                .unary(symbol == .symbol(.not) ? .not : .negate, operand), at: location,
                over: [operand])
        }
        return operand
    }
}

// MARK: Members and primaries

extension SyntaxParser {
    /// An assignment's target is a member too.
    mutating func member() throws(Diagnostic) -> Syntax {
        var base = try primary()
        while true {
            let location = current.location
            if skip(.dot) {
                let name = try name("a name after '.'")
                if skip(.leftParenthesis) {
                    let arguments = try list(until: .rightParenthesis)
                    base = try node(
                        .call(receiver: base, name.text, arguments), at: name.location,
                        over: [base] + arguments)
                } else {
                    base = try node(.member(of: base, name.text), at: name.location, over: [base])
                }
            } else if skip(.leftBracket) {
                let index = try expression()
                try expect(.rightBracket, "']'")
                base = try node(.index(base, index), at: location, over: [base, index])
            } else if current.kind == .symbol(.leftBrace) {
                throw Diagnostic(location, "message literals are not supported by this version")
            } else {
                return base
            }
        }
    }

    private mutating func primary() throws(Diagnostic) -> Syntax {
        let token = advance()
        switch token.kind {
        case .identifier(let name): return try identifier(name, at: token.location)
        case .integer(let value): return try node(.integer(value), at: token.location)
        case .unsigned(let value): return try node(.unsigned(value), at: token.location)
        case .fraction(let text): return try node(.fraction(text), at: token.location)
        case .string(let text): return try node(.string(text), at: token.location)
        case .bytes(let bytes): return try node(.bytes(bytes), at: token.location)
        case .symbol(.leftParenthesis):
            let inner = try expression()
            try expect(.rightParenthesis, "')'")
            return inner
        case .symbol(.leftBracket):
            let elements = try list(until: .rightBracket)
            return try node(.list(elements), at: token.location, over: elements)
        case .symbol(.leftBrace):
            throw Diagnostic(token.location, "map literals are not supported by this version")
        case .symbol, .end:
            throw Diagnostic(token.location, "expected a value, found \(token.description)")
        }
    }

    private mutating func identifier(_ name: String, at location: SourceLocation) throws(Diagnostic)
        -> Syntax
    {
        switch name {
        case "true": return try node(.bool(true), at: location)
        case "false": return try node(.bool(false), at: location)
        case "null": return try node(.null, at: location)
        case _ where ReservedNames.language.contains(name):
            throw Diagnostic(location, "expected a value, found the reserved word '\(name)'")
        case _ where skip(.leftParenthesis):
            let arguments = try list(until: .rightParenthesis)
            return try node(.call(receiver: nil, name, arguments), at: location, over: arguments)
        default: return try node(.identifier(name), at: location)
        }
    }

    /// Expressions with commas between them, and the closing symbol. A list literal may end in a
    /// comma, an argument list may not.
    private mutating func list(until end: Token.Symbol) throws(Diagnostic) -> [Syntax] {
        var elements: [Syntax] = []
        if skip(end) { return elements }
        repeat {
            if end == .rightBracket, current.kind == .symbol(end), !elements.isEmpty { break }
            elements.append(try expression())
        } while skip(.comma)
        try expect(end, "',' or '\(end.rawValue)'")
        return elements
    }

    private mutating func node(
        _ kind: Syntax.Kind, at location: SourceLocation, over children: [Syntax] = []
    ) throws(Diagnostic) -> Syntax {
        nodeCount += 1
        guard nodeCount <= Limits.Rule.nodeCount else {
            throw Diagnostic(
                location, "the expression is too long; it may have \(Limits.Rule.nodeCount) parts")
        }
        let depth = 1 + (children.map(\.depth).max() ?? 0)
        guard depth <= Limits.Rule.depth else { throw tooDeep(at: location) }
        return Syntax(kind: kind, location: location, depth: depth)
    }

    private func tooDeep(at location: SourceLocation) -> Diagnostic {
        Diagnostic(location, "the expression nests too deeply; the limit is \(Limits.Rule.depth)")
    }
}
