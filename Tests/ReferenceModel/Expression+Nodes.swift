import AtomicStateSchema

extension Expression {
    /// Calls the body with the expression and everything in it.
    func forEachNode(_ body: (Expression) -> Void) {
        body(self)
        switch kind {
        case .literal, .selfEntity, .oldSelfEntity, .parameter, .now, .delta:
            break
        case .field(of: let operand, _), .derived(of: let operand, _), .key(of: let operand),
            .not(let operand), .negate(let operand), .convert(let operand),
            .has(_, of: let operand):
            operand.forEachNode(body)
        case .and(let left, let right), .or(let left, let right),
            .arithmetic(_, let left, let right), .compare(_, let left, let right):
            left.forEachNode(body)
            right.forEachNode(body)
        case .conditional(let condition, let then, let otherwise):
            for part in [condition, then, otherwise] { part.forEachNode(body) }
        case .list(let elements):
            for element in elements { element.forEachNode(body) }
        case .isIn(let element, let list), .element(of: let list, let element):
            for part in [element] + list { part.forEachNode(body) }
        case .call(_, let operands):
            for operand in operands { operand.forEachNode(body) }
        }
    }

    /// What a rule reads of the entity that it is about: fields as they are after the transaction, totals also as they
    /// were before.
    var readsOfSelf: (fields: Set<Int>, totals: Set<Int>) {
        var fields: Set<Int> = []
        var totals: Set<Int> = []
        forEachNode { node in
            switch node.kind {
            case .field(of: let owner, let index):
                if case .selfEntity = owner.kind { fields.insert(index) }
            case .has(.field(let index), of: let owner):
                if case .selfEntity = owner.kind { fields.insert(index) }
            case .derived(of: let owner, let index), .has(.derived(let index), of: let owner):
                switch owner.kind {
                case .selfEntity, .oldSelfEntity: totals.insert(index)
                default: break
                }
            default:
                break
            }
        }
        return (fields, totals)
    }

    var readsOldSelf: Bool {
        var found = false
        forEachNode { if case .oldSelfEntity = $0.kind { found = true } }
        return found
    }
}
