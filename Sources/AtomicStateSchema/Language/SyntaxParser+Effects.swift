/// The grammar of effects, around CEL's expressions:
///
///     effect = "create" TypeName "(" expression ")" [ "{" [ field { "," field } [ "," ] ] "}" ]
///            | "delete" member
///            | member ( "=" | "+=" | "-=" ) expression
///     field  = name ":" expression
extension SyntaxParser {
    static func effect(_ text: LocatedText) throws(Diagnostic) -> EffectSyntax {
        var parser = try SyntaxParser(text)
        let effect = try parser.effect()
        try parser.expectEnd()
        return effect
    }

    private mutating func effect() throws(Diagnostic) -> EffectSyntax {
        let start = current
        // A parameter may be called `create` or `delete`; no statement has two names in a row.
        if case .identifier = following.kind {
            switch start.kind {
            case .identifier("create"):
                advance()
                return EffectSyntax(kind: try create(), location: start.location)
            case .identifier("delete"):
                advance()
                return EffectSyntax(kind: .delete(try member()), location: start.location)
            default: break
            }
        }
        return try assignment()
    }

    private mutating func assignment() throws(Diagnostic) -> EffectSyntax {
        let target = try member()
        let location = current.location
        let update: Expression.ArithmeticOperator?
        switch current.kind {
        case .symbol(.assign): update = nil
        case .symbol(.plusAssign): update = .add
        case .symbol(.minusAssign): update = .subtract
        default: throw unexpected("'=', '+=' or '-='")
        }
        advance()
        let value = try expression()
        return EffectSyntax(
            kind: .assign(target: target, update: update, value: value), location: location)
    }

    private mutating func create() throws(Diagnostic) -> EffectSyntax.Kind {
        let type = try name("the name of a type")
        try expect(.leftParenthesis, "'(' and the key")
        let key = try expression()
        try expect(.rightParenthesis, "')' after the key")
        var fields: [(name: Name, value: Syntax)] = []
        if skip(.leftBrace) {
            while !skip(.rightBrace) {
                let name = try name("the name of a field or '}'")
                try expect(.colon, "':' after the field '\(name.text)'")
                fields.append((name, try expression()))
                if !skip(.comma), current.kind != .symbol(.rightBrace) {
                    throw unexpected("',' or '}'")
                }
            }
        }
        return .create(type: type, key: key, fields: fields)
    }
}
