/// A checked expression: a tree whose every node knows its type and its place in the schema file.
package struct Expression: Sendable {
    package var kind: Kind
    package var type: ValueType
    package var location: SourceLocation

    package init(_ kind: Kind, type: ValueType, location: SourceLocation) {
        self.kind = kind
        self.type = type
        self.location = location
    }

    package indirect enum Kind: Sendable {
        case literal(Literal)
        /// The entity that an invariant or a `where` is about, as it is after the transaction.
        case selfEntity
        /// The same entity as it was before the transaction.
        case oldSelfEntity
        /// An argument of the operation, by index. Its type is `entity` for a reference.
        case parameter(Int)
        /// A field of an entity-typed expression, by index; entity-typed itself for a reference.
        case field(of: Expression, Int)
        /// A derived value of an entity-typed expression, by index.
        case derived(of: Expression, Int)
        /// The key of an entity-typed expression.
        case key(of: Expression)
        /// CEL's logical operators, which absorb an error of one side if the other decides.
        case and(Expression, Expression)
        case or(Expression, Expression)
        case not(Expression)
        case negate(Expression)
        /// Both operands have the same type, and so has the result. A product of decimals is the
        /// exception: its scale is the sum of its operands' scales.
        case arithmetic(ArithmeticOperator, Expression, Expression)
        /// Both operands have the same type.
        case compare(ComparisonOperator, Expression, Expression)
        case conditional(Expression, then: Expression, else: Expression)
        /// `element in [a, b, c]`; all have the same type.
        case isIn(Expression, [Expression])
        /// A change of numeric type: int, uint and decimal to one another. A value that the
        /// target can't hold exactly fails at run time.
        case convert(Expression)
        case call(Function, [Expression])
    }

    package enum ArithmeticOperator: Sendable {
        /// On `string`, concatenation.
        case add
        case subtract
        case multiply
        /// Truncates towards zero. int and uint only.
        case divide
        /// Takes the sign of the dividend. int and uint only.
        case remainder
    }

    package enum ComparisonOperator: Sendable {
        case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual
    }

    package enum Function: Sendable {
        /// `size(string)`: the number of Unicode code points, an int.
        case size
        case startsWith, endsWith, contains
    }
}
