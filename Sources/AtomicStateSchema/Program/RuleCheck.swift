/// A boolean rule as it is compiled wherever it can break: what it says, reads, and is called.
struct RuleCheck {
    let rule: Expression
    /// Its index in `Program.rules`.
    let index: Int
    let reads: [Expression]

    var readsOldSelf: Bool { rule.readsOldSelf }

    init(
        _ kind: RuleDescription.Kind, id: String, rule: Expression, message: String?, entity: Int?,
        parameters: [Parameter], rules: inout RuleTable
    ) {
        let reads = rules.reads(of: rule, parameters: parameters)
        self.rule = rule
        self.reads = reads.map(\.expression)
        index = rules.add(
            kind, id: id, message: message, entity: entity, observations: reads.map(\.observation))
    }

    /// Emits the check of an invariant on one row.
    func emit(
        on row: Register, oldRow: Register?, layouts: [RowLayout],
        into builder: inout RoutineBuilder
    ) {
        emit(
            in: Bindings(layouts: layouts, selfRow: row, oldSelfRow: oldRow), entity: row,
            into: &builder)
    }

    func emit(
        in bindings: Bindings, entity: Register?, into builder: inout RoutineBuilder
    ) {
        let block = FailureBlock(
            check: self, bindings: bindings, entity: entity, isFalse: builder.label(),
            failed: builder.label())
        let result = builder.compile(rule, in: bindings, onError: block.failed)
        builder.jump(.jumpIfFalse, a: result, to: block.isFalse)
        builder.failureBlocks.append(block)
    }
}

/// The code that rejects for a rule, kept out of the way of the code that accepts.
struct FailureBlock {
    let check: RuleCheck
    let bindings: Bindings
    let entity: Register?
    let isFalse: RoutineBuilder.Label
    let failed: RoutineBuilder.Label

    func emit(into builder: inout RoutineBuilder) {
        let canFail = builder.isErrorTarget(failed)
        builder.place(isFalse)
        emitRejection(.rejectRule, into: &builder)
        builder.place(failed)
        if canFail { emitRejection(.rejectError, into: &builder) }
    }

    private func emitRejection(_ opcode: Opcode, into builder: inout RoutineBuilder) {
        for (index, read) in check.reads.enumerated() {
            guard case .field(of: let owner, let field) = read.kind,
                let isPresent = builder.presence(of: field, owner, in: bindings, onError: failed)
            else {
                emitObservation(of: read, index, into: &builder)
                continue
            }
            let absent = builder.label()
            let end = builder.label()
            builder.jump(.jumpIfFalse, a: isPresent, to: absent)
            emitObservation(of: read, index, into: &builder)
            builder.jump(.jump, to: end)
            builder.place(absent)
            builder.emit(.observeAbsent, operand: index)
            builder.place(end)
        }
        builder.emit(opcode, a: entity ?? 0, c: entity == nil ? 0 : 1, operand: check.index)
    }

    private func emitObservation(
        of read: Expression, _ index: Int, into builder: inout RoutineBuilder
    ) {
        var bindings = bindings
        bindings.absenceIsExcluded = true
        // A stored value can be read without failing, so no step takes this way out.
        let value = builder.compile(read, in: bindings, onError: failed)
        let opcode: Opcode =
            switch read.type.form {
            case .word: .observe
            case .text: .observeText
            case .time: .observeTime
            }
        builder.emit(opcode, b: value, operand: index)
    }
}

/// The invariants of every type.
struct InvariantChecks {
    let byType: [[RuleCheck]]

    init(schema: Schema, rules: inout RuleTable) {
        var byType: [[RuleCheck]] = []
        for (type, entity) in schema.entities.enumerated() {
            var checks: [RuleCheck] = []
            for invariant in entity.invariants {
                checks.append(
                    RuleCheck(
                        .invariant, id: invariant.id, rule: invariant.rule,
                        message: invariant.message, entity: type, parameters: [], rules: &rules))
            }
            byType.append(checks)
        }
        self.byType = byType
    }
}
