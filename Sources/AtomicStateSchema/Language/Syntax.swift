/// An expression as it was parsed: names are not resolved, and nothing has a type.
struct Syntax: Sendable {
    let kind: Kind
    /// Of the operator for a unary or binary node, of the name for a member or a call, otherwise of
    /// the first token.
    let location: SourceLocation
    /// Levels of the tree at and under this node.
    let depth: Int

    indirect enum Kind: Sendable {
        case null
        case bool(Bool)
        case integer(UInt64)
        case unsigned(UInt64)
        case fraction(String)
        case string(String)
        case bytes([UInt8])
        case identifier(String)
        case member(of: Syntax, String)
        case index(Syntax, Syntax)
        case call(receiver: Syntax?, String, [Syntax])
        case list([Syntax])
        case unary(UnaryOperator, Syntax)
        case binary(BinaryOperator, Syntax, Syntax)
        case conditional(Syntax, then: Syntax, else: Syntax)
    }

    enum UnaryOperator: Sendable {
        case not, negate
    }

    enum BinaryOperator: Sendable {
        case and, or, isIn
        case compare(Expression.ComparisonOperator)
        case arithmetic(Expression.ArithmeticOperator)
    }
}

/// A name and where it is written.
struct Name: Hashable, Sendable {
    var text: String
    var location: SourceLocation
}

/// An effect as it was parsed.
struct EffectSyntax: Sendable {
    enum Kind: Sendable {
        /// `update` is nil for `=`.
        case assign(target: Syntax, update: Expression.ArithmeticOperator?, value: Syntax)
        case create(type: Name, key: Syntax, fields: [(name: Name, value: Syntax)])
        case delete(Syntax)
    }

    let kind: Kind
    /// Of the operator for an assignment, otherwise of the first word.
    let location: SourceLocation
}
