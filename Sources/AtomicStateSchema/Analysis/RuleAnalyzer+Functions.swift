internal import AtomicStateValues

extension RuleAnalyzer {
    mutating func call(
        _ expression: Expression, _ function: Expression.Function, _ operands: [Expression],
        _ facts: Facts
    ) -> Outcomes {
        switch function {
        case .size:
            return size(expression, of: operands[0], facts)
        case .startsWith, .endsWith, .contains:
            return calculate(operands, .bool, facts) { _ in Calculated(ValueRange(.bool)) }
        case .timePart(let part):
            // A zone that is written in the rule was checked with it.
            let hasFreeZone = operands.count > 1 && !operands[1].isLiteral
            let range =
                operands[0].type == .duration ? part.rangeOfDuration : part.rangeOfTimestamp
            return calculate(operands, .int, facts) { _ in
                Calculated(.number(range), mayFail: hasFreeZone)
            }
        }
    }

    private mutating func size(
        _ expression: Expression, of operand: Expression, _ facts: Facts
    ) -> Outcomes {
        let (values, failure) = evaluateAll([operand], facts)
        guard let values else { return Outcomes(failure: failure) }
        let range: Interval
        switch (operand.kind, values.ranges[0]) {
        case (.list(let elements), _):
            range = Interval(only: Int128(elements.count))
        case (_, .text(let text)) where operand.type == .bytes:
            range = text.lengths { $0.count }
        case (_, .text(let text)):
            range = text.lengths { String(decoding: $0, as: UTF8.self).unicodeScalars.count }
        case (_, .number), (_, .unknown):
            range = Interval(0...Interval.int.greatest)
        }
        var outcomes = stored(expression, .number(range), values.facts)
        outcomes.failure = failure
        return outcomes
    }
}

extension Expression {
    fileprivate var isLiteral: Bool {
        if case .literal = kind { true } else { false }
    }
}

extension TimePart {
    /// A zone may move the first and the last day to another year.
    fileprivate var rangeOfTimestamp: Interval {
        switch self {
        case .fullYear: Interval(0...10_000)
        case .month: Interval(0...11)
        case .dayOfMonth: Interval(0...30)
        case .date: Interval(1...31)
        case .dayOfWeek: Interval(0...6)
        case .dayOfYear: Interval(0...365)
        case .hours: Interval(0...23)
        case .minutes, .seconds: Interval(0...59)
        case .milliseconds: Interval(0...999)
        }
    }

    fileprivate var rangeOfDuration: Interval {
        switch self {
        case .milliseconds: Interval(-999...999)
        case .hours, .minutes, .seconds, .fullYear, .month, .dayOfMonth, .date, .dayOfWeek,
            .dayOfYear:
            .int
        }
    }
}
