/// Finds out what a rule may come out as, by following what its values may be instead of what they are.
///
/// What it finds is never too narrow: an outcome that it leaves out can't happen, for no values of the
/// rule's types. The other way round it is a matter of effort: comparisons of stored values with what
/// is known are followed, relations between stored values and doubles are not.
struct RuleAnalyzer {
    enum Finding: Sendable {
        /// Whatever the values, the rule is false, or fails with an error.
        case neverTrue
        /// Whatever the values, the rule is true. One that may fail is not, as its error rejects.
        case alwaysTrue
    }

    let schema: Schema
    /// Of the operation that the rule is a requirement of.
    let parameters: [Parameter]
    /// Looking at one side of `&&` under each outcome of the other doubles the work on each level of
    /// nesting, where that side may fail. Past the bound everything is taken to be possible.
    private var remainingStepCount = 0

    init(schema: Schema, parameters: [Parameter] = []) {
        self.schema = schema
        self.parameters = parameters
    }

    /// What is certain about the rule, and the smallest part of it that makes it so.
    mutating func finding(about rule: Expression) -> (Finding, Expression)? {
        guard let finding = finding(rule) else { return nil }
        return (finding, cause(of: finding, in: rule))
    }

    private mutating func finding(_ rule: Expression) -> Finding? {
        let outcomes = outcomes(of: rule, under: Facts())
        // What is known after all of the rule also holds at its start: a second look finds that an
        // earlier part contradicts a later one.
        if !mayHappen(\.whenTrue, rule, outcomes) { return .neverTrue }
        if mayHappen(\.whenFalse, rule, outcomes) || mayHappen(\.failure, rule, outcomes) {
            return nil
        }
        return .alwaysTrue
    }

    private mutating func mayHappen(
        _ outcome: KeyPath<Outcomes, Facts?>, _ rule: Expression, _ outcomes: Outcomes
    ) -> Bool {
        guard let facts = outcomes[keyPath: outcome] else { return false }
        return self.outcomes(of: rule, under: facts)[keyPath: outcome] != nil
    }

    /// One side of `&&` is enough to make it never true, and one side of `||` to make it always true.
    private mutating func cause(of finding: Finding, in rule: Expression) -> Expression {
        switch (finding, rule.kind) {
        case (.neverTrue, .and(let left, let right)), (.alwaysTrue, .or(let left, let right)):
            for side in [left, right] {
                if self.finding(side) == finding { return cause(of: finding, in: side) }
            }
            return rule
        default: return rule
        }
    }

    private mutating func outcomes(of rule: Expression, under facts: Facts) -> Outcomes {
        remainingStepCount = rule.nodeCount * Limits.Rule.analysisStepCountPerNode
        return evaluate(rule, facts)
    }
}

// MARK: Expressions

extension RuleAnalyzer {
    mutating func evaluate(_ expression: Expression, _ facts: Facts) -> Outcomes {
        guard remainingStepCount > 0 else {
            return Outcomes(ValueRange(expression.type), expression.type, facts, failure: facts)
        }
        remainingStepCount -= 1
        switch expression.kind {
        case .literal(let literal):
            return Outcomes(ValueRange(literal, expression.type), expression.type, facts)
        case .selfEntity, .oldSelfEntity:
            return Outcomes(.unknown, expression.type, facts)
        case .parameter(let index):
            let byteCountMax = parameters[index].maximumByteCount
            return stored(
                expression, ValueRange(expression.type, byteCountMax: byteCountMax), facts)
        case .field(of: let owner, let index):
            return member(expression, of: owner, facts) { $0.fields[index].allowedRange }
        case .derived(of: let owner, let index):
            return member(expression, of: owner, facts) { $0.derived[index].allowedRange }
        case .key(of: let owner):
            return member(expression, of: owner, facts) { $0.keyType.allowedRange }
        case .has(.field(let index), of: let owner):
            return has(.field(of: owner, index), of: owner, facts)
        case .has(.derived(let index), of: let owner):
            return has(.derived(of: owner, index), of: owner, facts)
        case .now, .delta:
            return stored(expression, ValueRange(expression.type), facts)
        case .and(let left, let right):
            return conjunction(left, right, facts)
        case .or(let left, let right):
            return disjunction(left, right, facts)
        case .not(let operand):
            let operand = evaluate(operand, facts)
            return Outcomes(
                whenTrue: operand.whenFalse, whenFalse: operand.whenTrue,
                whenFailed: operand.failure)
        case .compare(let comparison, let left, let right):
            return compare(comparison, left, right, facts)
        case .conditional(let condition, then: let then, else: let otherwise):
            return choose(condition, then, otherwise, expression.type, facts)
        case .isIn(let element, let list):
            return find(element, in: list, facts)
        case .list(let elements):
            return calculate(elements, .list(nil), facts) { _ in Calculated(.unknown) }
        case .element(of: let elements, let index):
            return pick(index, from: elements, expression.type, facts)
        case .negate(let operand):
            return calculate([operand], expression.type, facts) {
                Calculated(negating: $0[0], as: expression.type)
            }
        case .arithmetic(let operation, let left, let right):
            return calculate([left, right], expression.type, facts) {
                Calculated(operation, $0[0], $0[1], as: expression.type)
            }
        case .convert(let operand):
            return calculate([operand], expression.type, facts) {
                Calculated(converting: $0[0], from: operand.type, to: expression.type)
            }
        case .call(let function, let operands):
            return call(expression, function, operands, facts)
        }
    }

    /// What `body` makes of the operands, all of which are evaluated, in order.
    mutating func calculate(
        _ operands: [Expression], _ type: ValueType, _ facts: Facts,
        _ body: ([ValueRange]) -> Calculated
    ) -> Outcomes {
        let (values, failure) = evaluateAll(operands, facts)
        guard let values else { return Outcomes(failure: failure) }
        let result = body(values.ranges)
        let failures = result.mayFail ? Facts.either(failure, values.facts) : failure
        guard let range = result.range else { return Outcomes(failure: failures) }
        return Outcomes(range, type, values.facts, failure: failures)
    }

    /// The operands' values, nil if it can't be that all have one; and what is known if one has none.
    mutating func evaluateAll(
        _ operands: [Expression], _ facts: Facts
    ) -> (values: (ranges: [ValueRange], facts: Facts)?, failure: Facts?) {
        var facts = facts
        var ranges: [ValueRange] = []
        var failure: Facts?
        for operand in operands {
            let outcomes = evaluate(operand, facts)
            failure = Facts.either(failure, outcomes.failure)
            guard let value = outcomes.value else { return (nil, failure) }
            facts = value.facts
            ranges.append(value.range)
        }
        return ((ranges, facts), failure)
    }
}

extension Expression {
    fileprivate var nodeCount: Int {
        children.reduce(1) { $0 + $1.nodeCount }
    }
}
