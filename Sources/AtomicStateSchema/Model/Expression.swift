package import AtomicStateValues

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
        /// Whether an optional member has a value.
        case has(Member, of: Expression)
        /// The commit time of the transaction's group, a timestamp. Operations only.
        case now
        /// How much the transaction changes the sum of a member over all entities of a type, by
        /// index; without a member, their number. Transaction invariants only.
        case delta(entity: Int, Member?)
        /// The key of an entity-typed expression.
        case key(of: Expression)
        /// CEL's logical operators, which absorb an error of one side if the other decides.
        case and(Expression, Expression)
        case or(Expression, Expression)
        case not(Expression)
        case negate(Expression)
        /// Both operands have the same type, and so has the result. There are two exceptions: a
        /// product of decimals, whose scale is the sum of its operands' scales, and timestamps,
        /// whose difference is a duration and which a duration moves, at either side of `+`.
        case arithmetic(ArithmeticOperator, Expression, Expression)
        /// Both operands have the same type, or are int, uint and double in any mixture.
        case compare(ComparisonOperator, Expression, Expression)
        case conditional(Expression, then: Expression, else: Expression)
        /// `element in [a, b, c]`: each is compared with the element.
        case isIn(Expression, [Expression])
        case list([Expression])
        /// `list[index]`, the index being an int. One beyond the list fails at run time.
        case element(of: [Expression], Expression)
        /// A change of type, as CEL's conversion functions have it and between decimals of
        /// different scale. A value that the target can't hold fails at run time.
        case convert(Expression)
        case call(Function, [Expression])
    }

    package enum ArithmeticOperator: Sendable {
        /// On `string` and `bytes`, concatenation.
        case add
        case subtract
        case multiply
        /// Truncates towards zero on int and uint; also on double.
        case divide
        /// Takes the sign of the dividend. int and uint only.
        case remainder
    }

    package enum ComparisonOperator: UInt8, Sendable {
        case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual
    }

    package enum Function: Sendable {
        /// `size(x)`: the code points of a string or the bytes of bytes, an int.
        case size
        case startsWith, endsWith, contains
        /// Of a timestamp, with the name or offset of a time zone as second argument if there is one;
        /// or of a duration.
        case timePart(TimePart)
    }
}
