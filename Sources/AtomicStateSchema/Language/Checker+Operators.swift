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
        guard case .list(let members) = list.kind else {
            return reject(list.location, "the right side of 'in' is a list, as in [1, 2]")
        }
        let checked = members.map(check)
        let values = checked.compactMap(\.self)
        guard let element, values.count == members.count else { return nil }
        if values.isEmpty {
            return Expression(.literal(.bool(false)), type: .bool, location: location)
        }
        guard let type = commonType(of: [element] + values) else {
            let stranger = values.first { commonType(of: [element, $0]) == nil } ?? values[0]
            let need = "'in' compares values of one type"
            return reject(stranger.location, mismatch(need, element, stranger))
        }
        let converted = ([element] + values).map { convert($0, to: type) }.compactMap(\.self)
        guard converted.count == values.count + 1 else { return nil }
        return Expression(
            .isIn(converted[0], Array(converted.dropFirst())), type: .bool, location: location)
    }

    /// `left ± right` and so on; also what `+=` and `-=` mean.
    func arithmetic(
        _ operation: Expression.ArithmeticOperator, _ left: Expression, _ right: Expression,
        at location: SourceLocation
    ) -> Expression? {
        guard let type = commonType(of: [left, right]), type.allows(operation) else {
            return reject(location, refusal(of: operation, left, right))
        }
        if case .multiply = operation, case .decimal = type {
            return product(left, right, at: location)
        }
        guard let (left, right) = both(convert(left, to: type), convert(right, to: type)) else {
            return nil
        }
        return Expression(.arithmetic(operation, left, right), type: type, location: location)
    }

    /// A product of decimals is exact: its scale is the sum of the scales, and an int's is 0.
    private func product(_ left: Expression, _ right: Expression, at location: SourceLocation)
        -> Expression?
    {
        let scale = left.type.scale + right.type.scale
        guard scale <= Limits.Value.decimalScale else {
            return reject(
                location,
                "the product has \(scale) fraction digits; the limit is \(Limits.Value.decimalScale)")
        }
        let factors = both(
            convert(left, to: .decimal(scale: left.type.scale)),
            convert(right, to: .decimal(scale: right.type.scale)))
        guard let (left, right) = factors else { return nil }
        return Expression(
            .arithmetic(.multiply, left, right), type: .decimal(scale: scale), location: location)
    }

    private func refusal(
        of operation: Expression.ArithmeticOperator, _ left: Expression, _ right: Expression
    ) -> String {
        let operands = switch operation {
        case .add: "int, uint, decimal or string"
        case .subtract, .multiply: "int, uint or decimal"
        case .divide, .remainder: "int or uint"
        }
        return mismatch("'\(operation.symbol)' needs two values of \(operands)", left, right)
    }
}

extension ValueType {
    /// CEL orders false before true.
    fileprivate var isOrdered: Bool {
        switch self {
        case .bool, .int, .uint, .decimal, .string: true
        case .enumeration, .entity, .list: false
        }
    }

    fileprivate func allows(_ operation: Expression.ArithmeticOperator) -> Bool {
        switch (self, operation) {
        case (.int, _), (.uint, _): true
        case (.decimal, .add), (.decimal, .subtract), (.decimal, .multiply): true
        case (.string, .add): true
        case (.decimal, _), (.string, _), (.bool, _), (.enumeration, _), (.entity, _), (.list, _):
            false
        }
    }

    /// The fraction digits of a number.
    fileprivate var scale: Int {
        if case .decimal(let scale) = self { scale } else { 0 }
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
