import AtomicStateSchema

/// What is judged when the effects are done.
extension ModelTransaction {
    /// Derived values take the changes in one after the other, and have to fit 64 bits on the way.
    mutating func settleDerivedValues() throws(ModelRejection) {
        touched = Set(changes.map(\.entity))
        for derived in model.derivedInOrderOfDependence {
            do throws(RejectionCode) {
                var taken = before
                for source in sources(of: derived) where touched.contains(source) {
                    taken.entities[source] = state[source]
                    try settle(derived, of: source, in: taken)
                }
                let values = try model.values(of: derived, in: state)
                for identity in state.entities.keys
                where state[identity].name.type == derived.type {
                    state[identity].derived[derived.index] =
                        values[identity] ?? model.declaration(of: derived).valueOfNone
                }
            } catch {
                throw ModelRejection(code: error, rule: model.name(of: derived))
            }
        }
    }

    /// In the order of the keys and of the changes: the first entity that meets one which is not
    /// changed, or was looked at before.
    func checkUniqueness() throws(ModelRejection) {
        for (type, entity) in model.schema.entities.enumerated() {
            for key in entity.uniqueKeys {
                let changed = changes.filter { change in
                    state[change.entity].name.type == type
                        && (change.kind != .update || !change.fields.isDisjoint(with: key.fields))
                }
                var others = Set(state.existing.keys).subtracting(changed.map(\.entity))
                for change in changed where state[change.entity].exists {
                    let isTaken = others.contains { other in
                        other != change.entity && haveSameValues(other, change.entity, key)
                    }
                    if isTaken {
                        throw rejection(
                            .notUnique, "\(entity.name).\(key.id)", about: change.entity)
                    }
                    others.insert(change.entity)
                }
                try expectNoPair(key, type)
            }
        }
    }

    func refuseDanglingReferences() throws(ModelRejection) {
        for change in changes where change.kind == .delete && state.isReferredTo(change.entity) {
            throw rejection(.entityReferenced, "\(change.origin).delete", about: change.entity)
        }
    }

    /// The invariants that the effects can have broken.
    func checkChanges() throws(ModelRejection) {
        for change in changes where change.kind != .delete {
            try checkInvariants(of: change.entity) { rule in
                switch change.kind {
                case .create: !rule.readsOldSelf
                case .update:
                    rule.readsOldSelf || !rule.readsOfSelf.fields.isDisjoint(with: change.fields)
                case .delete: false
                }
            }
        }
    }

    /// The invariants that changed derived values can have broken.
    func checkHolders() throws(ModelRejection) {
        for holder in holders {
            try checkInvariants(of: holder.entity) {
                $0.readsOfSelf.totals.contains(holder.derived.index)
            }
        }
    }

    func checkTransactionInvariants() throws(ModelRejection) {
        for invariant in model.schema.transactionInvariants where applies(invariant.scope) {
            try judge(
                invariant.rule, in: scope(),
                otherwise: ModelRejection(code: .invariantViolated, rule: invariant.id))
        }
    }
}

// MARK: Derived values

extension ModelTransaction {
    /// The entities by which it may change, one by one: those that effects change, and those with a
    /// derived value that it is computed from.
    private func sources(of derived: ReferenceModel.Derived) -> [ModelEntity.Identity] {
        let declaration = model.declaration(of: derived)
        let (fields, inputs) = declaration.inputs
        let changed = changes.filter { change in
            state[change.entity].name.type == declaration.source
                && (change.kind != .update || !fields.isDisjoint(with: change.fields))
        }
        let held = holders.filter {
            $0.derived.type == declaration.source && inputs.contains($0.derived.index)
        }
        return changed.map(\.entity) + held.map(\.entity)
    }

    /// - Parameter taken: the state before, with those changes that the derived value has taken in.
    private mutating func settle(
        _ derived: ReferenceModel.Derived, of source: ModelEntity.Identity, in taken: ModelState
    ) throws(RejectionCode) {
        let left = try model.part(of: derived, for: source, in: before)
        let joined = try model.part(of: derived, for: source, in: state)
        _ = try model.values(of: derived, in: taken)
        for part in [left, joined].compactMap(\.self) {
            holders.append(Holder(entity: part.holder, derived: derived))
            let isChanged =
                !model.declaration(of: derived).function.isOptional
                || left != joined && part.value != .absent
            if isChanged { touched.insert(part.holder) }
        }
    }
}

// MARK: Unique keys

extension ModelTransaction {
    private func haveSameValues(
        _ left: ModelEntity.Identity, _ right: ModelEntity.Identity, _ key: UniqueKey
    ) -> Bool {
        let left = state[left]
        let right = state[right]
        return left.exists && right.exists && left.name.type == right.name.type
            && key.fields.allSatisfy {
                left.fields[$0] != .absent && left.fields[$0] == right.fields[$0]
            }
    }

    /// What the key is about: if every changed entity was compared, no two have the same values.
    private func expectNoPair(_ key: UniqueKey, _ type: Int) throws(ModelRejection) {
        let entities = state.existing.filter { $0.value.name.type == type }.keys.sorted()
        for left in entities {
            for right in entities where left < right && haveSameValues(left, right, key) {
                throw rejection(.notUnique, "a pair that no change explains", about: right)
            }
        }
    }
}

// MARK: Rules

extension ModelTransaction {
    private func applies(_ scope: TransactionInvariant.Scope) -> Bool {
        steps.contains { step in
            switch (scope, step.operation) {
            case (.all, _): true
            case (.only(let operations), let operation?): operations.contains(operation)
            case (.only, nil): false
            case (.except(let operations), let operation?): !operations.contains(operation)
            case (.except, nil): true
            }
        }
    }

    private func checkInvariants(
        of entity: ModelEntity.Identity, _ isAffected: (Expression) -> Bool
    ) throws(ModelRejection) {
        guard state[entity].exists else { return }
        let type = model.schema.entities[state[entity].name.type]
        for invariant in type.invariants where isAffected(invariant.rule) {
            if invariant.rule.readsOldSelf, before.entities[entity] == nil { continue }
            try judge(
                invariant.rule, in: scope(of: entity),
                otherwise: rejection(.invariantViolated, invariant.id, about: entity))
        }
    }

    private func rejection(
        _ code: RejectionCode, _ rule: String, about entity: ModelEntity.Identity
    ) -> ModelRejection {
        let name = state[entity].name
        return ModelRejection(
            code: code, rule: rule, entityType: model.schema.entities[name.type].name,
            entityKey: model.shown(model.argument(name.key), ofType: name.type))
    }
}
