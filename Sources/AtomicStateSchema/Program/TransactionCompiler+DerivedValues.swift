/// How changed rows change derived values.
extension TransactionCompiler {
    /// Each in turn, for every row that it can change by: one that an effect changes, or one whose own
    /// derived value has changed.
    mutating func settleDerivedValues() {
        for (index, layout) in data.derived.enumerated() {
            let value = schema.entities[layout.holder].derived[layout.index]
            let (fields, derived) = (value.fieldInputs, value.derivedInputs)
            var sources: [Register] = []
            for target in targets where target.type == layout.source {
                if target.kind != .update || !fields.isDisjoint(with: target.fields) {
                    sources.append(target.row)
                }
            }
            for holder in holders
            where holder.type == layout.source && derived.contains(holder.derived) {
                if !sources.contains(holder.row) { sources.append(holder.row) }
            }
            // Each level of derived values may double the rows of the one before.
            for source in sources
            where rowCount <= Limits.Transaction.rowCount && !builder.exceedsFrame {
                settle(index, of: source, isTarget: targets.contains { $0.row == source })
            }
        }
    }

    private mutating func settle(_ index: Int, of source: Register, isTarget: Bool) {
        let layout = data.derived[index]
        let value = schema.entities[layout.holder].derived[layout.index]
        if !settledValues.contains(index) { settledValues.append(index) }
        let failed = errorLabel(rule: layout.rule)
        let holderCanChange = holderCanChange(of: value, from: layout.source)
        if isTarget, !holderCanChange, value.condition == nil, case .sum = value.function {
            let row = builder.registers(1)
            builder.emit(.settleInPlace, a: row, b: source, operand: index, onError: failed)
            let isThere = !schema.entities[layout.source].fields[value.groupBy].isOptional
            note(holder: row, of: layout, isThere: isThere)
            return
        }
        let rows = builder.registers(2)
        let end = builder.label()
        if !isTarget {
            builder.emit(.move, a: rows, b: builder.constant(0 as UInt64))
            builder.emit(.move, a: rows + 1, b: builder.constant(0 as UInt64))
            builder.jump(.jumpIfFalse, a: source, to: end)
        }
        let membership = builder.registers(2)
        let oldRow = builder.registers(1)
        builder.emit(.before, a: oldRow, b: source)
        emitMembership(
            .existedBefore, of: source, valuesIn: oldRow, in: value, result: membership,
            onError: failed)
        emitMembership(
            .exists, of: source, valuesIn: source, in: value, result: membership + 1,
            onError: failed)
        builder.emit(
            .settle, a: rows, b: source, c: membership, operand: index, onError: failed)
        builder.place(end)
        for row in holderCanChange ? [rows, rows + 1] : [rows + 1] {
            note(holder: row, of: layout, isThere: false)
        }
    }

    /// Whether an entity of the source may take part in the value of one holder before the transaction
    /// and of another, or none, after it. One that only changes what it adds does not, but it may be
    /// changed under another name, too: whatever the transaction does to its type counts.
    private func holderCanChange(of value: DerivedValue, from source: Int) -> Bool {
        let membershipFields = (value.condition?.fieldsOfSelf ?? []).union([value.groupBy])
        return !(value.condition?.derivedOfSelf ?? []).isEmpty
            || targets.contains { target in
                target.type == source
                    && (target.kind == .delete || !membershipFields.isDisjoint(with: target.fields))
            }
    }

    /// - Parameter isThere: whether the register holds a row whose entity an existing one refers to.
    private mutating func note(holder row: Register, of layout: DerivedLayout, isThere: Bool) {
        let canBeDeleted = targets.contains { $0.kind == .delete && $0.type == layout.holder }
        holders.append(
            Holder(
                row: row, type: layout.holder, derived: layout.index,
                existenceIsCertain: isThere && !canBeDeleted))
    }

    /// result = the row existed or exists, and its values fulfil the condition, which is not asked of
    /// a row that refers to no holder.
    private mutating func emitMembership(
        _ existence: Opcode, of row: Register, valuesIn values: Register, in value: DerivedValue,
        result: Register, onError: RoutineBuilder.Label
    ) {
        builder.emit(existence, a: result, b: row)
        guard let condition = value.condition else { return }
        let end = builder.label()
        builder.jump(.jumpIfFalse, a: result, to: end)
        if let presence = layouts[value.source].presence(of: .field(value.groupBy)) {
            builder.emit(
                .isPresent, a: result, b: values,
                c: Register(presence.bit), operand: presence.offset)
            builder.jump(.jumpIfFalse, a: result, to: end)
        }
        let fulfilled = builder.compile(
            condition, in: Bindings(layouts: layouts, selfRow: values, selfIdentity: row),
            onError: onError)
        builder.emit(.move, a: result, b: fulfilled)
        builder.place(end)
    }
}
