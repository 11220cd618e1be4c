/// The binary operators.
extension Checker {
    func binary(
        _ binaryOperator: Syntax.BinaryOperator, _ left: Syntax, _ right: Syntax,
        at location: SourceLocation
    ) -> Expression? {
        switch binaryOperator {
        case .and:
            guard let (left, right) = logical("'&&'", left, right) else { return nil }
            return Expression(.and(left, right), type: .bool, location: location)
        case .or:
            guard let (left, right) = logical("'||'", left, right) else { return nil }
            return Expression(.or(left, right), type: .bool, location: location)
        case .isIn:
            return membership(left, right, at: location)
        case .compare(let comparison):
            guard let (left, right) = both(check(left), check(right)) else { return nil }
            return compare(comparison, left, right, at: location)
        case .arithmetic(let operation):
            guard let (left, right) = both(check(left), check(right)) else { return nil }
            return arithmetic(operation, left, right, at: location)
        }
    }

    private func logical(_ symbol: String, _ left: Syntax, _ right: Syntax)
        -> (Expression, Expression)?
    {
        both(
            check(left).flatMap { expect(.bool, $0, symbol) },
            check(right).flatMap { expect(.bool, $0, symbol) })
    }

    private func compare(
        _ comparison: Expression.ComparisonOperator, _ left: Expression, _ right: Expression,
        at location: SourceLocation
    ) -> Expression? {
        if left.meetsAsNumber(right) {
            return Expression(.compare(comparison, left, right), type: .bool, location: location)
        }
        guard let type = commonType(of: [left, right]) else {
            let need = "'\(comparison.symbol)' compares two values of one type"
            return reject(location, mismatch(need, left, right))
        }
        if !comparison.isEquality && !type.isOrdered {
            let need = "'\(comparison.symbol)' needs values with an order"
            return reject(location, "\(need); these are \(catalog.name(of: type))")
        }
        guard let (left, right) = both(convert(left, to: type), convert(right, to: type)) else {
            return nil
        }
        return Expression(.compare(comparison, left, right), type: .bool, location: location)
    }

    private func membership(_ element: Syntax, _ list: Syntax, at location: SourceLocation)
        -> Expression?
    {
        let element = check(element)
        let members = self.members(of: list)
        guard let element, let values = members else { return nil }
        if case .list = element.type {
            return reject(element.location, "'in' does not look for lists")
        }
        if values.contains(where: element.meetsAsNumber),
            values.allSatisfy({ $0.type == element.type || element.meetsAsNumber($0) })
        {
            return Expression(.isIn(element, values), type: .bool, location: location)
        }
        guard let type = commonType(of: [element] + values) else {
            let need = "'in' compares values of one type"
            for known in [element] + values {
                if let stranger = values.first(where: { commonType(of: [known, $0]) == nil }) {
                    return reject(stranger.location, mismatch(need, known, stranger))
                }
            }
            return reject(location, need)
        }
        let converted = ([element] + values).map { convert($0, to: type) }.compactMap(\.self)
        guard converted.count == values.count + 1 else { return nil }
        return Expression(
            .isIn(converted[0], Array(converted.dropFirst())), type: .bool, location: location)
    }

    /// The elements of the right side of `in`. Those of a list literal may be of several types, if
    /// each goes with the element that is looked for.
    private func members(of list: Syntax) -> [Expression]? {
        if case .list(let members) = list.kind {
            let values = members.map(check).compactMap(\.self)
            return values.count == members.count ? values : nil
        }
        guard let checked = check(list) else { return nil }
        guard case .list(let values) = checked.kind else {
            return reject(list.location, "the right side of 'in' is a list, as in [1, 2]")
        }
        return values
    }

    /// `left ± right` and so on; also what `+=` and `-=` mean.
    func arithmetic(
        _ operation: Expression.ArithmeticOperator, _ left: Expression, _ right: Expression,
        at location: SourceLocation
    ) -> Expression? {
        if let type = ValueType.timeArithmetic(operation, left.type, right.type) {
            return Expression(.arithmetic(operation, left, right), type: type, location: location)
        }
        guard let type = commonType(of: [left, right]), type.allows(operation) else {
            return reject(location, refusal(of: operation, left, right))
        }
        if case .multiply = operation, case .decimal = type {
            return product(left, right, at: location)
        }
        guard let (left, right) = both(convert(left, to: type), convert(right, to: type)) else {
            return nil
        }
        if case .list(let first) = left.kind, case .list(let second) = right.kind {
            return Expression(.list(first + second), type: type, location: location)
        }
        return Expression(.arithmetic(operation, left, right), type: type, location: location)
    }

    /// A product of decimals is exact: its scale is the sum of the scales, and an int's is 0.
    private func product(_ left: Expression, _ right: Expression, at location: SourceLocation)
        -> Expression?
    {
        let scale = left.decimalScale + right.decimalScale
        guard scale <= Limits.Value.decimalScale else {
            return reject(
                location,
                "the product has \(scale) fraction digits; the limit is \(Limits.Value.decimalScale)"
            )
        }
        let factors = both(
            convert(left, to: .decimal(scale: left.decimalScale)),
            convert(right, to: .decimal(scale: right.decimalScale)))
        guard let (left, right) = factors else { return nil }
        return Expression(
            .arithmetic(.multiply, left, right), type: .decimal(scale: scale), location: location)
    }

    private func refusal(
        of operation: Expression.ArithmeticOperator, _ left: Expression, _ right: Expression
    ) -> String {
        let operands =
            switch operation {
            case .add: "int, uint, double, decimal, string, bytes, duration or list"
            case .subtract: "int, uint, double, decimal or duration"
            case .multiply: "int, uint, double or decimal"
            case .divide: "int, uint or double"
            case .remainder: "int or uint"
            }
        return mismatch("'\(operation.symbol)' needs two values of \(operands)", left, right)
    }
}

extension ValueType {
    /// CEL orders false before true.
    fileprivate var isOrdered: Bool {
        switch self {
        case .bool, .int, .uint, .double, .decimal, .string, .bytes, .timestamp, .duration: true
        case .uuid, .null, .enumeration, .entity, .list: false
        }
    }

    fileprivate func allows(_ operation: Expression.ArithmeticOperator) -> Bool {
        switch (self, operation) {
        case (.int, _), (.uint, _): true
        case (.decimal, .add), (.decimal, .subtract), (.decimal, .multiply): true
        case (.double, .remainder): false
        case (.double, _): true
        case (.string, .add), (.bytes, .add), (.list, .add): true
        case (.duration, .add), (.duration, .subtract): true
        case (.decimal, _), (.string, _), (.bytes, _), (.list, _), (.duration, _), (.bool, _),
            (.uuid, _), (.timestamp, _), (.null, _), (.enumeration, _), (.entity, _):
            false
        }
    }

    /// The type of a sum or difference with a timestamp in it; nil for everything else.
    fileprivate static func timeArithmetic(
        _ operation: Expression.ArithmeticOperator, _ left: ValueType, _ right: ValueType
    ) -> ValueType? {
        switch (operation, left, right) {
        case (.add, .timestamp, .duration), (.add, .duration, .timestamp),
            (.subtract, .timestamp, .duration):
            .timestamp
        case (.subtract, .timestamp, .timestamp): .duration
        default: nil
        }
    }
}

extension Expression {
    /// Whether the two are numbers of different types that are compared as they are, and not converted:
    /// int, uint and double. A literal without a fraction takes the type of the int or uint it meets.
    fileprivate func meetsAsNumber(_ other: Expression) -> Bool {
        switch (type, other.type) {
        case (.int, .double), (.uint, .double), (.double, .int), (.double, .uint): true
        case (.int, .uint), (.uint, .int): isFlexible == other.isFlexible
        default: false
        }
    }
}

extension Expression.ComparisonOperator {
    fileprivate var symbol: String {
        switch self {
        case .equal: "=="
        case .notEqual: "!="
        case .less: "<"
        case .lessOrEqual: "<="
        case .greater: ">"
        case .greaterOrEqual: ">="
        }
    }

    fileprivate var isEquality: Bool {
        switch self {
        case .equal, .notEqual: true
        case .less, .lessOrEqual, .greater, .greaterOrEqual: false
        }
    }
}

extension Expression.ArithmeticOperator {
    var symbol: String {
        switch self {
        case .add: "+"
        case .subtract: "-"
        case .multiply: "*"
        case .divide: "/"
        case .remainder: "%"
        }
    }
}
