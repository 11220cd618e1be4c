/// A boolean rule as it is compiled wherever it can break: what it says, reads, and is called.
struct RuleCheck: Sendable {
    let rule: Expression
    /// Its index in `Program.rules`.
    let index: Int
    /// What a rejection shows: what the rule and its message read.
    let shown: [Expression]
    /// The two sides of the comparison that a rejection is about.
    let comparison: LimitComparison?

    var readsOldSelf: Bool { rule.readsOldSelf }

    init(
        _ kind: RuleDescription.Kind, id: String, rule: Expression, message: MessageTemplate?,
        entity: Int?, parameters: [Parameter] = [], rules: inout RuleTable
    ) {
        let reads = rules.shown(
            rule.reads + (message?.values ?? []), parameters: parameters)
        let comparison = rule.limitComparison
        self.rule = rule
        self.comparison = comparison
        shown = reads.map(rules.schema.shown)
        index = rules.add(
            kind, id: id,
            message: message.map {
                rules.message($0, observing: reads, parameters: parameters)
            },
            entity: entity, observations: rules.observations(of: reads, parameters: parameters),
            compared: comparison?.compared.type, limit: comparison?.limit.type)
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

extension MessageTemplate {
    fileprivate var values: [Expression] {
        parts.compactMap { if case .value(let value) = $0 { value } else { nil } }
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
        emitObservations(into: &builder)
        emitRejection(.rejectRule, into: &builder)
        builder.place(failed)
        guard canFail else { return }
        // What is observed may fail in turn.
        let error = builder.registers(1)
        builder.emit(.takeError, a: error)
        emitObservations(into: &builder)
        builder.emit(.restoreError, a: error)
        emitRejection(.rejectError, into: &builder)
    }

    private func emitRejection(_ opcode: Opcode, into builder: inout RoutineBuilder) {
        builder.emit(opcode, a: entity ?? 0, c: entity == nil ? 0 : 1, operand: check.index)
    }

    private func emitObservations(into builder: inout RoutineBuilder) {
        for (index, value) in check.shown.enumerated() {
            if value.readsOldSelf, bindings.oldSelfRow == nil, let entity {
                // The message alone reads it, and there may be none.
                builder.ifExistedBefore(entity, in: bindings) { builder, bindings in
                    builder.observe(value, .read, index, in: bindings)
                } otherwise: { builder in
                    builder.emit(
                        .observeAbsent, c: ObservationRole.read.rawValue, operand: index)
                }
            } else {
                builder.observe(value, .read, index, in: bindings)
            }
        }
        if let entity { builder.observeBefore(check.shown, of: entity, in: bindings) }
        if let comparison = check.comparison {
            builder.observe(comparison.compared, .compared, 0, in: bindings)
            builder.observe(comparison.limit, .limit, 0, in: bindings)
        }
    }
}

extension RoutineBuilder {
    /// Notes the value for a rejection, or that there is none: a member on the way to it may be absent.
    mutating func observe(
        _ value: Expression, _ role: ObservationRole, _ index: Int, in bindings: Bindings
    ) {
        let absent = label()
        let end = label()
        let register = compile(value, in: bindings, onError: absent)
        observe(register, of: value.type, role, index)
        guard isErrorTarget(absent) else { return }
        jump(.jump, to: end)
        place(absent)
        emit(.observeAbsent, c: role.rawValue, operand: index)
        place(end)
    }

    /// Notes what a register holds.
    mutating func observe(
        _ register: Register, of type: ValueType, _ role: ObservationRole, _ index: Int
    ) {
        let opcode: Opcode =
            switch type.form {
            case .word: .observe
            case .text: .observeText
            case .time: .observeTime
            }
        emit(opcode, b: register, c: role.rawValue, operand: index)
    }

    /// Notes what the values were before the transaction, if the entity existed.
    mutating func observeBefore(
        _ values: [Expression], of entity: Register, in bindings: Bindings
    ) {
        let before = values.enumerated().compactMap { index, value in
            value.beforeTransaction.map { (index, $0) }
        }
        guard !before.isEmpty else { return }
        ifExistedBefore(entity, in: bindings) { builder, bindings in
            for (index, value) in before {
                builder.observe(value, .before, index, in: bindings)
            }
        }
    }

    /// - Parameter emitBefore: gets bindings with `oldSelf`.
    mutating func ifExistedBefore(
        _ entity: Register, in bindings: Bindings,
        _ emitBefore: (inout RoutineBuilder, Bindings) -> Void,
        otherwise: (inout RoutineBuilder) -> Void = { _ in }
    ) {
        let rows = registers(2)
        let new = label()
        let end = label()
        emit(.existedBefore, a: rows, b: entity)
        jump(.jumpIfFalse, a: rows, to: new)
        emit(.before, a: rows + 1, b: entity)
        var bindings = bindings
        bindings.oldSelfRow = rows + 1
        emitBefore(&self, bindings)
        jump(.jump, to: end)
        place(new)
        otherwise(&self)
        place(end)
    }
}

/// The invariants of every type, and of whole transactions.
struct InvariantChecks: Sendable {
    let byType: [[RuleCheck]]
    let ofTransactions: [RuleCheck]

    init(schema: Schema, rules: inout RuleTable) {
        var byType: [[RuleCheck]] = []
        for (type, entity) in schema.entities.enumerated() {
            var checks: [RuleCheck] = []
            for invariant in entity.invariants {
                checks.append(
                    RuleCheck(
                        .invariant, id: invariant.id, rule: invariant.rule,
                        message: invariant.message, entity: type, rules: &rules))
            }
            byType.append(checks)
        }
        self.byType = byType
        var ofTransactions: [RuleCheck] = []
        for invariant in schema.transactionInvariants {
            ofTransactions.append(
                RuleCheck(
                    .transactionInvariant, id: invariant.id, rule: invariant.rule,
                    message: invariant.message, entity: nil, rules: &rules))
        }
        self.ofTransactions = ofTransactions
    }
}
