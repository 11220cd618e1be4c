/// What has to hold after the effects.
extension TransactionCompiler {
    /// All rows leave the index before one enters it, so that values can be exchanged.
    mutating func checkUniqueKeys() {
        for (index, key) in data.uniqueKeys.enumerated() {
            let declared = schema.entities[key.type].uniqueKeys[key.index]
            let changed = targets.filter { target in
                target.type == key.type
                    && (target.kind != .update || !target.fields.isDisjoint(with: declared.fields))
            }
            for target in changed where target.kind != .create {
                builder.emit(.releaseUnique, a: target.row, operand: index)
            }
            for target in changed where target.kind != .delete {
                let other = builder.registers(1)
                let otherEntity = Expression(
                    .parameter(0), type: .entity(key.type), location: declared.location)
                let observed = declared.reads(ofType: key.type, in: schema) + [otherEntity]
                let failed = errorLabel(
                    rule: key.rule, entity: target.row,
                    observing: .members(observed.map(schema.shown), other: other))
                builder.emit(
                    .claimUnique, a: target.row, b: other, operand: index, onError: failed)
            }
        }
    }

    mutating func checkUnreferenced(_ target: Target, _ rules: inout RuleTable) {
        guard let offset = layouts[target.type].referenceCountOffset else { return }
        let rule = rules.add(.effect, id: "\(target.origin).delete", entity: target.type)
        let failed = errorLabel(rule: rule, entity: target.row)
        builder.emit(.checkUnreferenced, a: target.row, operand: offset, onError: failed)
    }

    mutating func checkInvariants(of target: Target) {
        let affected = data.invariants.byType[target.type].filter { check in
            switch target.kind {
            case .create: !check.readsOldSelf
            // A rule about a transition is judged whenever there is one.
            case .update:
                check.readsOldSelf || !check.rule.fieldsOfSelf.isDisjoint(with: target.fields)
            case .delete: false
            }
        }
        let canBeDeleted = targets.contains { $0.kind == .delete && $0.type == target.type }
        emit(affected, on: target.row, existenceIsCertain: !canBeDeleted)
    }

    mutating func checkInvariants(of holder: Holder) {
        let affected = data.invariants.byType[holder.type].filter {
            $0.rule.derivedOfSelf.contains(holder.derived)
        }
        emit(affected, on: holder.row, existenceIsCertain: holder.existenceIsCertain)
    }

    mutating func checkTransactionInvariants() {
        for (invariant, check) in zip(schema.transactionInvariants, data.invariants.ofTransactions)
        where applies(invariant.scope) {
            let canChange = check.rule.deltas.contains { delta in
                targets.contains { target in
                    guard target.type == delta.entity else { return false }
                    guard case .field(let field) = delta.member, target.kind == .update else {
                        return target.kind != .update
                    }
                    return target.fields.contains(field)
                }
                    || holders.contains {
                        $0.type == delta.entity && .derived($0.derived) == delta.member
                    }
            }
            // A transaction that changes nothing of what the rule is about has all deltas at 0.
            if !canChange, check.rule.valueWithoutChanges == true { continue }
            judge(check)
            check.emit(in: Bindings(layouts: layouts), entity: nil, into: &builder)
        }
    }

    private func applies(_ scope: TransactionInvariant.Scope) -> Bool {
        steps.contains { step in
            switch scope {
            case .all: true
            case .only(let operations): step.index.map(operations.contains) ?? false
            case .except(let operations): !(step.index.map(operations.contains) ?? false)
            }
        }
    }

    private mutating func emit(
        _ affected: [RuleCheck], on row: Register, existenceIsCertain: Bool
    ) {
        guard !affected.isEmpty else { return }
        let end = builder.label()
        if !existenceIsCertain {
            let exists = builder.registers(1)
            builder.emit(.exists, a: exists, b: row)
            builder.jump(.jumpIfFalse, a: exists, to: end)
        }
        var existed: Register?
        var oldRow: Register?
        if affected.contains(where: \.readsOldSelf) {
            let registers = builder.registers(2)
            builder.emit(.existedBefore, a: registers, b: row)
            builder.emit(.before, a: registers + 1, b: row)
            (existed, oldRow) = (registers, registers + 1)
        }
        for check in affected {
            judge(check)
            let next = builder.label()
            if check.readsOldSelf, let existed { builder.jump(.jumpIfFalse, a: existed, to: next) }
            check.emit(
                on: row, oldRow: check.readsOldSelf ? oldRow : nil, layouts: layouts,
                into: &builder)
            builder.place(next)
        }
        builder.place(end)
    }
}
