package import AtomicStateSchema

extension ReferenceModel {
    /// The first invariant that a changed entity breaks; nil if all hold.
    ///
    /// It does not ask, as the judgement of a transaction does, which invariants a change can break. Rules
    /// about a change are left out: they are about the transaction, and not about the state after it.
    ///
    /// - Parameter before: the model before the change; entities that are as they were there are not
    ///   looked at, since all invariants held for them.
    package func brokenInvariant(since before: ReferenceModel) -> ModelRejection? {
        for (identity, entity) in state.entities {
            let found = before.state.entities[identity]
            if let found, found.fields == entity.fields, found.derived == entity.derived {
                continue
            }
            let type = schema.entities[entity.name.type]
            for invariant in type.invariants where !invariant.rule.readsOldSelf {
                let scope = ModelScope(
                    model: self, state: state, before: state, entity: identity)
                var code = RejectionCode.invariantViolated
                do throws(RejectionCode) {
                    if try scope.evaluate(invariant.rule).isTrue { continue }
                } catch {
                    code = error
                }
                return ModelRejection(
                    code: code, rule: invariant.id, entityType: type.name,
                    entityKey: shown(argument(entity.name.key), ofType: entity.name.type))
            }
        }
        return nil
    }

    /// The same state under another schema, which differs in rules alone.
    package func under(_ schema: Schema) -> ReferenceModel {
        var other = self
        other.schema = schema
        return other
    }
}
