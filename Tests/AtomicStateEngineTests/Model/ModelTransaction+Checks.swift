import AtomicStateSchema

/// What is judged when the effects are done.
extension ModelTransaction {
    /// Totals take the changes in one after the other, and have to fit 64 bits on the way.
    func settleTotals() throws(ModelRejection) {
        var settled: [ReferenceModel.Total: ModelState] = [:]
        for change in changes {
            for total in totals(after: change) {
                do throws(RejectionCode) {
                    var taken = settled[total] ?? before
                    taken.entities[change.entity] = state[change.entity]
                    settled[total] = taken
                    for holder in try holders(of: total, change) {
                        let value = try model.value(of: total, holder: holder, in: taken)
                        guard Int64(exactly: value) != nil else { throw .arithmeticOverflow }
                    }
                } catch {
                    throw ModelRejection(code: error, rule: name(of: total))
                }
            }
        }
    }

    func refuseDanglingReferences() throws(ModelRejection) {
        for change in changes where change.kind == .delete && state.isReferredTo(change.entity) {
            throw rejection(.entityReferenced, "\(operation.name).delete", about: change.entity)
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

    /// The invariants that changed totals can have broken.
    func checkTotals() throws(ModelRejection) {
        for change in changes {
            for total in totals(after: change) {
                var affected: [ModelEntity.Identity] = []
                do throws(RejectionCode) {
                    affected = try holders(of: total, change)
                } catch {
                    throw ModelRejection(code: error, rule: name(of: total))
                }
                for holder in affected {
                    try checkInvariants(of: holder) { $0.readsOfSelf.totals.contains(total.index) }
                }
            }
        }
    }
}

extension ModelTransaction {
    /// The totals that a change may have changed, in the order of the schema.
    private func totals(after change: Change) -> [ReferenceModel.Total] {
        model.totals.filter { total in
            let declaration = model.declaration(of: total)
            guard declaration.source == state[change.entity].name.type else { return false }
            return change.kind != .update || !declaration.inputs.isDisjoint(with: change.fields)
        }
    }

    /// The entity that held the changed entity's part before, then the one that holds it now.
    private func holders(
        of total: ReferenceModel.Total, _ change: Change
    ) throws(RejectionCode) -> [ModelEntity.Identity] {
        let left = try model.holder(of: total, for: change.entity, in: before)
        let joined = try model.holder(of: total, for: change.entity, in: state)
        return [left, joined].compactMap(\.self)
    }

    private func name(of total: ReferenceModel.Total) -> String {
        model.schema.entities[total.type].name + "." + model.declaration(of: total).name
    }

    private func checkInvariants(
        of entity: ModelEntity.Identity, _ isAffected: (Expression) -> Bool
    ) throws(ModelRejection) {
        guard state[entity].exists else { return }
        let type = model.schema.entities[state[entity].name.type]
        for invariant in type.invariants where isAffected(invariant.rule) {
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
