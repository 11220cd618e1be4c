extension Expression {
    /// The values that the expression reads: parameters that are no references, and fields, totals
    /// and keys of entities, in the order of the text. What a path only passes through is not read.
    var reads: [Expression] {
        switch kind {
        case .parameter: isEntity ? [] : [self]
        case .field, .derived, .key: [self]
        default: children.flatMap(\.reads)
        }
    }

    /// The fields of `self` that the expression reads, by index.
    var fieldsOfSelf: Set<Int> {
        var fields: Set<Int> = []
        visit { expression in
            switch expression.kind {
            case .field(of: let entity, let index), .has(field: let index, of: let entity):
                if case .selfEntity = entity.kind { fields.insert(index) }
            default:
                break
            }
        }
        return fields
    }

    /// The totals of `self` that the expression reads, by index.
    var derivedOfSelf: Set<Int> {
        var derived: Set<Int> = []
        visit { expression in
            if case .derived(of: let entity, let index) = expression.kind,
                case .selfEntity = entity.kind
            {
                derived.insert(index)
            }
        }
        return derived
    }

    var readsOldSelf: Bool {
        var found = false
        visit { if case .oldSelfEntity = $0.kind { found = true } }
        return found
    }

    var isEntity: Bool {
        if case .entity = type { true } else { false }
    }

    private func visit(_ body: (Expression) -> Void) {
        body(self)
        for child in children { child.visit(body) }
    }

    /// What the expression is made of.
    var children: [Expression] {
        switch kind {
        case .literal, .selfEntity, .oldSelfEntity, .parameter: []
        case .field(of: let operand, _), .derived(of: let operand, _), .key(of: let operand),
            .not(let operand), .negate(let operand), .convert(let operand),
            .has(_, of: let operand):
            [operand]
        case .and(let left, let right), .or(let left, let right),
            .arithmetic(_, let left, let right),
            .compare(_, let left, let right):
            [left, right]
        case .conditional(let condition, let then, let otherwise): [condition, then, otherwise]
        case .isIn(let element, let list), .element(of: let list, let element): [element] + list
        case .list(let elements): elements
        case .call(_, let arguments): arguments
        }
    }
}
