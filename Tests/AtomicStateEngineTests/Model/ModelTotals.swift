import AtomicStateSchema

/// Derived values, computed by looking at every entity.
extension ReferenceModel {
    /// A derived value, by its holder's type and its index there.
    struct Total: Hashable {
        let type: Int
        let index: Int
    }

    var totals: [Total] {
        schema.entities.indices.flatMap { type in
            schema.entities[type].derived.indices.map { Total(type: type, index: $0) }
        }
    }

    func declaration(of total: Total) -> DerivedValue {
        schema.entities[total.type].derived[total.index]
    }

    func value(
        of total: Total, holder: ModelEntity.Identity, in state: ModelState
    ) throws(RejectionCode) -> Int128 {
        var sum: Int128 = 0
        for identity in state.entities.keys
        where try self.holder(of: total, for: identity, in: state) == holder {
            sum += part(of: total, for: identity, in: state)
        }
        return sum
    }

    /// The entity whose total an entity takes part in; nil if it takes part in none.
    func holder(
        of total: Total, for identity: ModelEntity.Identity, in state: ModelState
    ) throws(RejectionCode) -> ModelEntity.Identity? {
        let declaration = declaration(of: total)
        guard let entity = state.entities[identity], entity.exists,
            entity.name.type == declaration.source
        else { return nil }
        if let condition = declaration.condition {
            let scope = ModelScope(model: self, state: state, before: state, entity: identity)
            guard try scope.evaluate(condition).isTrue else { return nil }
        }
        return entity.fields[declaration.groupBy].identity
    }

    private func part(
        of total: Total, for identity: ModelEntity.Identity, in state: ModelState
    ) -> Int128 {
        switch declaration(of: total).function {
        case .count: 1
        case .sum(.field(let field)): state[identity].fields[field].exact
        case .sum, .minimum, .maximum: preconditionFailure("not yet")
        }
    }
}

extension DerivedValue {
    /// The fields of the source that decide what it adds, and to which entity.
    var inputs: Set<Int> {
        var fields: Set<Int> = [groupBy]
        if case .sum(.field(let field)) = function { fields.insert(field) }
        condition?.forEachNode { node in
            switch node.kind {
            case .field(of: _, let field), .has(.field(let field), of: _): fields.insert(field)
            default: break
            }
        }
        return fields
    }
}
