/// Comparisons, and what is known of their operands afterwards.
extension RuleAnalyzer {
    mutating func compare(
        _ comparison: Expression.ComparisonOperator, _ left: Expression, _ right: Expression,
        _ facts: Facts
    ) -> Outcomes {
        if case .list = left.type {
            // Of lists, only errors in their elements are followed.
            return calculate([left, right], .bool, facts) { _ in Calculated(ValueRange(.bool)) }
        }
        var outcomes = Outcomes()
        var whenTrue: Facts?
        var whenFalse: Facts?
        let leftOutcomes = evaluate(left, facts)
        outcomes.failure = leftOutcomes.failure
        for leftCase in leftOutcomes.values {
            let rightOutcomes = evaluate(right, leftCase.facts)
            outcomes.failure = Facts.either(outcomes.failure, rightOutcomes.failure)
            for rightCase in rightOutcomes.values {
                let operands = [(left, leftCase.range), (right, rightCase.range)]
                whenTrue = Facts.either(
                    whenTrue, assume(operands[0], comparison, operands[1], rightCase.facts))
                whenFalse = Facts.either(
                    whenFalse,
                    assume(operands[0], comparison.negated, operands[1], rightCase.facts))
            }
        }
        return Outcomes(
            whenTrue: whenTrue, whenFalse: whenFalse, whenFailed: outcomes.failure)
    }

    /// `element in list`: all of the list is evaluated before it is searched.
    mutating func find(
        _ element: Expression, in list: [Expression], _ facts: Facts
    ) -> Outcomes {
        let (values, failure) = evaluateAll([element] + list, facts)
        guard let values else { return Outcomes(failure: failure) }
        var whenTrue: Facts?
        var whenFalse: Facts? = values.facts
        var range = values.ranges[0]
        for (candidate, candidateRange) in zip(list, values.ranges.dropFirst()) {
            guard let before = whenFalse else { break }
            let isFound = assume((element, range), .equal, (candidate, candidateRange), before)
            whenTrue = Facts.either(whenTrue, isFound)
            whenFalse = assume((element, range), .notEqual, (candidate, candidateRange), before)
            if let rest = ValueRange.narrowed(range, .notEqual, candidateRange) {
                range = rest.left
            }
        }
        return Outcomes(whenTrue: whenTrue, whenFalse: whenFalse, whenFailed: failure)
    }

    /// What is known if the comparison holds of two values; nil if it can't.
    private func assume(
        _ left: (expression: Expression, range: ValueRange),
        _ comparison: Expression.ComparisonOperator,
        _ right: (expression: Expression, range: ValueRange), _ facts: Facts
    ) -> Facts? {
        if let path = StoredPath(comparing: left.expression),
            path == StoredPath(comparing: right.expression),
            !comparison.holds(isLess: false, isEqual: true)
        {
            return nil
        }
        guard let narrowed = ValueRange.narrowed(left.range, comparison, right.range) else {
            return nil
        }
        return narrow(left.expression, to: narrowed.left, facts)
            .flatMap { narrow(right.expression, to: narrowed.right, $0) }
    }

    /// What is known if the expression's value is in the range; nil if it can't be.
    private func narrow(_ expression: Expression, to range: ValueRange, _ facts: Facts) -> Facts? {
        if let path = StoredPath(expression) {
            guard range != .unknown else { return facts }
            let known = facts.range(of: path)
            return (known.map { $0.intersection(range) } ?? range).map { facts.setting(path, $0) }
        }
        guard case .number(let interval) = range else { return facts }
        switch expression.kind {
        case .convert(let operand):
            guard let factor = operand.type.factor(to: expression.type) else { return facts }
            return interval.divided(exactlyBy: factor)
                .flatMap { narrow(operand, to: .number($0), facts) }
        case .negate(let operand) where operand.type != .double:
            return narrow(operand, to: .number(-interval), facts)
        case .arithmetic(.add, let left, let right):
            if let shift = right.constant {
                return narrow(left, to: .number(interval - shift), facts)
            }
            guard let shift = left.constant else { return facts }
            return narrow(right, to: .number(interval - shift), facts)
        case .arithmetic(.subtract, let left, let right):
            guard let shift = right.constant else { return facts }
            return narrow(left, to: .number(interval + shift), facts)
        case .literal, .selfEntity, .oldSelfEntity, .parameter, .now, .delta, .field, .derived,
            .has, .key, .and,
            .or, .not, .negate, .arithmetic, .compare, .conditional, .isIn, .list, .element, .call:
            return facts
        }
    }
}

extension StoredPath {
    /// As a value, an entity is the same before and after a transaction.
    fileprivate init?(comparing expression: Expression) {
        if case .oldSelfEntity = expression.kind {
            self = .selfEntity
        } else {
            self.init(expression)
        }
    }
}

extension Expression {
    /// A number that is written in the rule.
    fileprivate var constant: Interval? {
        guard case .literal(let literal) = kind, case .number(let value) = ValueRange(literal, type)
        else { return nil }
        return value
    }
}
