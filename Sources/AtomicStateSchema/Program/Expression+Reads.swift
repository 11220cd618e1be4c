extension Expression {
    /// The values that the expression reads: parameters, members and keys of entities, the time, and
    /// changes, in the order of the text. What a path only passes through is not read.
    var reads: [Expression] {
        isRead ? [self] : children.flatMap(\.reads)
    }

    /// Whether the expression is the reading of one value that is stored or given.
    var isRead: Bool {
        switch kind {
        case .parameter, .field, .derived, .key, .now, .delta: true
        default: false
        }
    }

    /// The fields of `self` that the expression reads, by index.
    var fieldsOfSelf: Set<Int> {
        var fields: Set<Int> = []
        visit { expression in
            switch expression.kind {
            case .field(of: let entity, let index), .has(.field(let index), of: let entity):
                if case .selfEntity = entity.kind { fields.insert(index) }
            default:
                break
            }
        }
        return fields
    }

    /// The derived values of `self`, now or before the transaction, that the expression reads, by index.
    var derivedOfSelf: Set<Int> {
        var derived: Set<Int> = []
        visit { expression in
            switch expression.kind {
            case .derived(of: let entity, let index), .has(.derived(let index), of: let entity):
                switch entity.kind {
                case .selfEntity, .oldSelfEntity: derived.insert(index)
                default: break
                }
            default:
                break
            }
        }
        return derived
    }

    /// The members that the expression reads or passes through, as `Team.seats`.
    func memberNames(in schema: Schema) -> [String] {
        var names: [String] = []
        visit { expression in
            switch expression.kind {
            case .field(of: let owner, let index), .has(.field(let index), of: let owner):
                guard case .entity(let type) = owner.type else { return }
                let entity = schema.entities[type]
                names.append("\(entity.name).\(entity.fields[index].name)")
            case .derived(of: let owner, let index), .has(.derived(let index), of: let owner):
                guard case .entity(let type) = owner.type else { return }
                let entity = schema.entities[type]
                names.append("\(entity.name).\(entity.derived[index].name)")
            default:
                break
            }
        }
        return names
    }

    var readsOldSelf: Bool {
        var found = false
        visit { if case .oldSelfEntity = $0.kind { found = true } }
        return found
    }

    /// For a member of `self`, the same member before the transaction.
    var beforeTransaction: Expression? {
        func ofOldSelf(_ kind: (Expression) -> Kind, _ owner: Expression) -> Expression? {
            guard case .selfEntity = owner.kind else { return nil }
            let oldSelf = Expression(.oldSelfEntity, type: owner.type, location: location)
            return Expression(kind(oldSelf), type: type, location: location)
        }
        switch kind {
        case .field(of: let owner, let index):
            return ofOldSelf({ .field(of: $0, index) }, owner)
        case .derived(of: let owner, let index):
            return ofOldSelf({ .derived(of: $0, index) }, owner)
        case .key(of: let reference):
            return reference.beforeTransaction.map {
                Expression(.key(of: $0), type: type, location: location)
            }
        default: return nil
        }
    }

    /// The comparison with a limit that the rule is about: the only one that reads a derived value, or
    /// the only one at all.
    var limitComparison: LimitComparison? {
        var all: [LimitComparison] = []
        visit { expression in
            if let comparison = LimitComparison(expression) { all.append(comparison) }
        }
        let ofDerived = all.filter(\.compared.readsDerived)
        if ofDerived.count == 1 { return ofDerived[0] }
        return all.count == 1 ? all[0] : nil
    }

    fileprivate var readsDerived: Bool {
        var found = false
        visit { if case .derived = $0.kind { found = true } }
        return found
    }

    /// The changes of a transaction that the expression reads.
    var deltas: [(entity: Int, member: Member?)] {
        var deltas: [(entity: Int, member: Member?)] = []
        visit { expression in
            if case .delta(entity: let entity, let member) = expression.kind {
                deltas.append((entity, member))
            }
        }
        return deltas
    }

    private func visit(_ body: (Expression) -> Void) {
        body(self)
        for child in children { child.visit(body) }
    }

    /// What the expression is made of.
    var children: [Expression] {
        switch kind {
        case .literal, .selfEntity, .oldSelfEntity, .parameter, .now, .delta: []
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

extension DerivedValue {
    /// The fields of the source, by index, that the value depends on.
    package var fieldInputs: Set<Int> {
        var fields: Set<Int> = condition?.fieldsOfSelf ?? []
        fields.insert(groupBy)
        if case .field(let field) = function.operand { fields.insert(field) }
        return fields
    }

    /// The derived values of the source, by index, that the value depends on.
    package var derivedInputs: Set<Int> {
        var derived: Set<Int> = condition?.derivedOfSelf ?? []
        if case .derived(let index) = function.operand { derived.insert(index) }
        return derived
    }
}

/// A comparison of a number or time with the most or the least that it may be.
struct LimitComparison: Sendable {
    let compared: Expression
    let limit: Expression

    init?(_ expression: Expression) {
        guard case .compare(let comparison, let left, let right) = expression.kind else {
            return nil
        }
        switch comparison {
        case .equal, .notEqual: return nil
        case .less, .lessOrEqual, .greater, .greaterOrEqual: break
        }
        switch left.type {
        case .int, .uint, .decimal, .double, .timestamp, .duration: break
        default: return nil
        }
        let isTurned = !left.readsDerived && right.readsDerived || left.reads.isEmpty
        (compared, limit) = isTurned ? (right, left) : (left, right)
    }
}
