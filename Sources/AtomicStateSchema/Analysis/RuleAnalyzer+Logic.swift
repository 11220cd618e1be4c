/// Operators with bool operands, and choices.
extension RuleAnalyzer {
    /// False if one side is, whatever the other is; otherwise an error if one side is.
    mutating func conjunction(_ left: Expression, _ right: Expression, _ facts: Facts) -> Outcomes {
        let left = evaluate(left, facts)
        let afterTrue = left.whenTrue.map { evaluate(right, $0) }
        let afterFailure = left.failure.map { evaluate(right, $0) }
        return Outcomes(
            whenTrue: afterTrue?.whenTrue,
            whenFalse: Facts.either(
                left.whenFalse, Facts.either(afterTrue?.whenFalse, afterFailure?.whenFalse)),
            whenFailed: Facts.either(
                afterTrue?.failure, Facts.either(afterFailure?.whenTrue, afterFailure?.failure)))
    }

    /// True if one side is, whatever the other is; otherwise an error if one side is.
    mutating func disjunction(_ left: Expression, _ right: Expression, _ facts: Facts) -> Outcomes {
        let left = evaluate(left, facts)
        let afterFalse = left.whenFalse.map { evaluate(right, $0) }
        let afterFailure = left.failure.map { evaluate(right, $0) }
        return Outcomes(
            whenTrue: Facts.either(
                left.whenTrue, Facts.either(afterFalse?.whenTrue, afterFailure?.whenTrue)),
            whenFalse: afterFalse?.whenFalse,
            whenFailed: Facts.either(
                afterFalse?.failure, Facts.either(afterFailure?.whenFalse, afterFailure?.failure)))
    }

    mutating func choose(
        _ condition: Expression, _ then: Expression, _ otherwise: Expression, _ type: ValueType,
        _ facts: Facts
    ) -> Outcomes {
        let condition = evaluate(condition, facts)
        let branches = [
            condition.whenTrue.map { evaluate(then, $0) },
            condition.whenFalse.map { evaluate(otherwise, $0) },
        ].compactMap(\.self)
        return Outcomes(
            eitherOf: branches, type,
            failure: branches.reduce(condition.failure) { Facts.either($0, $1.failure) })
    }

    /// `elements[index]`. All of the list is evaluated, and an index beyond it fails.
    mutating func pick(
        _ index: Expression, from elements: [Expression], _ type: ValueType, _ facts: Facts
    ) -> Outcomes {
        calculate(elements + [index], type, facts) { ranges in
            guard case .number(let positions) = ranges[elements.count] else {
                return Calculated(ValueRange(type), mayFail: true)
            }
            let places = elements.indices.filter { positions.contains(Int128($0)) }
            let candidates = places.map { ranges[$0] }
            return Calculated(
                candidates.first.map { first in
                    candidates.dropFirst().reduce(first) { $0.union($1) }
                },
                mayFail: !positions.isWithin(Interval(0...Int128(elements.count - 1))))
        }
    }
}

extension Outcomes {
    /// One of several expressions of one type.
    fileprivate init(eitherOf branches: [Outcomes], _ type: ValueType, failure: Facts?) {
        if type == .bool {
            self.init(
                whenTrue: branches.reduce(nil) { Facts.either($0, $1.whenTrue) },
                whenFalse: branches.reduce(nil) { Facts.either($0, $1.whenFalse) },
                whenFailed: failure)
        } else {
            let merged = Outcomes(values: branches.flatMap(\.values)).value
            self.init(values: merged.map { [$0] } ?? [], failure: failure)
        }
    }
}
