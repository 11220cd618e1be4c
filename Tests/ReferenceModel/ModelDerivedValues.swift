import AtomicStateSchema

/// Derived values, computed by looking at every entity.
extension ReferenceModel {
    /// A derived value, by its holder's type and its index there.
    struct Derived: Hashable {
        let type: Int
        let index: Int
    }

    /// What one entity gives to a derived value, and to which entity's.
    struct Part: Equatable {
        let holder: ModelEntity.Identity
        let value: ModelValue
    }

    func declaration(of derived: Derived) -> DerivedValue {
        schema.entities[derived.type].derived[derived.index]
    }

    func name(of derived: Derived) -> String {
        schema.entities[derived.type].name + "." + declaration(of: derived).name
    }

    /// In the order of the schema, but each after those that it is computed from.
    var derivedInOrderOfDependence: [Derived] {
        var order: [Derived] = []
        func place(_ derived: Derived) {
            guard !order.contains(derived) else { return }
            let declaration = declaration(of: derived)
            for index in declaration.inputs.derived.sorted() {
                place(Derived(type: declaration.source, index: index))
            }
            order.append(derived)
        }
        for (type, entity) in schema.entities.enumerated() {
            for index in entity.derived.indices { place(Derived(type: type, index: index)) }
        }
        return order
    }

    /// What the entity gives; nil if it takes no part.
    func part(
        of derived: Derived, for identity: ModelEntity.Identity, in state: ModelState
    ) throws(RejectionCode) -> Part? {
        let declaration = declaration(of: derived)
        guard let entity = state.entities[identity], entity.exists,
            entity.name.type == declaration.source,
            case .entity(let holder) = entity.fields[declaration.groupBy]
        else { return nil }
        if let condition = declaration.condition {
            let scope = ModelScope(model: self, state: state, before: state, entity: identity)
            guard try scope.evaluate(condition).isTrue else { return nil }
        }
        let value: ModelValue =
            switch declaration.function.operand {
            case .field(let field): entity.fields[field]
            case .derived(let index): entity.derived[index]
            case nil: .number(1)
            }
        return Part(holder: holder, value: value)
    }

    /// The derived value of every entity that one takes part in.
    func values(
        of derived: Derived, in state: ModelState
    ) throws(RejectionCode) -> [ModelEntity.Identity: ModelValue] {
        var given: [ModelEntity.Identity: [ModelValue]] = [:]
        for identity in state.entities.keys {
            guard let part = try part(of: derived, for: identity, in: state) else { continue }
            given[part.holder, default: []].append(part.value)
        }
        var values: [ModelEntity.Identity: ModelValue] = [:]
        for (holder, given) in given {
            values[holder] = try declaration(of: derived).value(of: given)
        }
        return values
    }
}

extension DerivedValue {
    /// Of what the entities that take part give.
    fileprivate func value(of given: [ModelValue]) throws(RejectionCode) -> ModelValue {
        let present = given.filter { $0 != .absent }
        switch function {
        case .count, .sum: return try .number(given.reduce(0) { $0 + $1.exact }, as: type)
        case .minimum: return present.min { ModelScope.isLess($0, $1) } ?? .absent
        case .maximum: return present.max { ModelScope.isLess($0, $1) } ?? .absent
        }
    }

    /// Of an entity that none takes part in.
    var valueOfNone: ModelValue {
        switch function {
        case .count, .sum: .number(0)
        case .minimum, .maximum: .absent
        }
    }

    /// The members of the source that decide what it gives, and to which entity.
    var inputs: (fields: Set<Int>, derived: Set<Int>) {
        var fields: Set<Int> = [groupBy]
        var derived: Set<Int> = []
        switch function.operand {
        case .field(let field): fields.insert(field)
        case .derived(let index): derived.insert(index)
        case nil: break
        }
        if let reads = condition?.readsOfSelf {
            fields.formUnion(reads.fields)
            derived.formUnion(reads.totals)
        }
        return (fields, derived)
    }
}
