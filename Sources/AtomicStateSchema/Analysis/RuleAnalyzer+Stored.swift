/// Values that are read and not calculated.
extension RuleAnalyzer {
    /// A stored value that is there.
    ///
    /// - Parameter range: what its type allows.
    func stored(_ expression: Expression, _ range: ValueRange, _ facts: Facts) -> Outcomes {
        guard let path = StoredPath(expression) else {
            return Outcomes(range, expression.type, facts)
        }
        // An empty intersection means that the facts contradict each other: nothing can happen.
        guard let range = (facts.range(of: path) ?? range).intersection(range) else {
            return Outcomes()
        }
        guard expression.type == .bool else { return Outcomes(range, expression.type, facts) }
        let (isFalse, isTrue) = (ValueRange(.bool(false), .bool), ValueRange(.bool(true), .bool))
        return Outcomes(
            whenTrue: range.intersection(isTrue).map { facts.setting(path, $0) },
            whenFalse: range.intersection(isFalse).map { facts.setting(path, $0) },
            whenFailed: nil)
    }

    /// A member of an entity that may itself be reached by way of an optional field.
    ///
    /// - Parameter range: what a type of entity allows the member to be.
    mutating func member(
        _ expression: Expression, of owner: Expression, _ facts: Facts,
        _ range: (EntityType) -> ValueRange
    ) -> Outcomes {
        let outcomes = evaluate(owner, facts)
        guard let value = outcomes.value else { return outcomes }
        guard case .entity(let entity) = owner.type else {
            preconditionFailure("the checker admits members of entities only")
        }
        let presence = presence(of: expression.kind, value.facts)
        let failure = Facts.either(outcomes.failure, presence.ifAbsent)
        guard let facts = presence.ifPresent else { return Outcomes(failure: failure) }
        var read = stored(expression, range(schema.entities[entity]), facts)
        read.failure = failure
        return read
    }

    /// `has(owner.member)`.
    mutating func has(
        _ member: Expression.Kind, of owner: Expression, _ facts: Facts
    ) -> Outcomes {
        let outcomes = evaluate(owner, facts)
        guard let value = outcomes.value else { return outcomes }
        let presence = presence(of: member, value.facts)
        return Outcomes(
            whenTrue: presence.ifPresent, whenFalse: presence.ifAbsent,
            whenFailed: outcomes.failure)
    }

    /// What is known if the member has a value, and if it has none; nil for what can't be.
    private func presence(
        of member: Expression.Kind, _ facts: Facts
    ) -> (ifPresent: Facts?, ifAbsent: Facts?) {
        guard mayBeAbsent(member) else { return (facts, nil) }
        // A type does not matter for the way to a value, nor does a place.
        let expression = Expression(member, type: .null, location: .start)
        guard let path = StoredPath(expression) else { return (facts, facts) }
        switch facts.isPresent(path) {
        case true?: return (facts, nil)
        case false?: return (nil, facts)
        case nil:
            return (
                facts.setting(path, isPresent: true), facts.setting(path, isPresent: false)
            )
        }
    }

    private func mayBeAbsent(_ member: Expression.Kind) -> Bool {
        switch member {
        case .field(of: let owner, let index):
            type(of: owner)?.fields[index].isOptional ?? false
        case .derived(of: let owner, let index):
            type(of: owner)?.derived[index].function.isOptional ?? false
        default: false
        }
    }

    private func type(of entity: Expression) -> EntityType? {
        if case .entity(let index) = entity.type { schema.entities[index] } else { nil }
    }
}

extension Field {
    /// What the type allows the field to be.
    var allowedRange: ValueRange { ValueRange(type, byteCountMax: maximumByteCount) }
}

extension KeyType {
    var allowedRange: ValueRange {
        ValueRange(valueType, byteCountMax: Limits.Value.keyByteCount)
    }
}

extension DerivedValue {
    var allowedRange: ValueRange {
        switch function {
        case .count: .number(Interval(0...Interval.int.greatest))
        case .sum, .minimum, .maximum: ValueRange(type)
        }
    }
}
