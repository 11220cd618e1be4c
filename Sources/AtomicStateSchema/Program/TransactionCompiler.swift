internal import AtomicStateValues

/// Compiles a transaction: one operation, or several steps. Its code judges in this order, which is
/// part of what the schema file means: for each step its arguments in order, its requirements in
/// order, its effects in order; then the derived values that each changed entity takes part in, in the
/// order of dependence; unique keys; deleted entities that are still referred to; for each changed
/// entity in the order of the effects, the invariants that the change can break, in the order of the
/// schema; the same for each entity whose derived value changed; then invariants of the transaction.
/// An entity that effects reach by two parameters, or by a path twice, counts as two here.
///
/// Requirements and effects see derived values as the transaction found them.
struct TransactionCompiler {
    struct Step {
        let operation: Operation
        /// Its index in the schema; nil for a generic step.
        let index: Int?
        /// As the client put it; nil for a declared operation that is all of the transaction.
        let form: TransactionStep?
        /// How rejections name it, as in `steps[1]`; nil if it is all of the transaction.
        let place: String?
    }

    private let steps: [Step]
    private let data: ProgramData

    private var builder = RoutineBuilder()
    private var errors: [EffectError] = []
    /// Those of the step under way.
    private var bindings: Bindings
    private var parameters: [ParameterSlot] = []
    /// Of the step under way, the index of its first parameter.
    private var firstParameter = 0
    private var origin = ""
    private var targets: [Target] = []
    private var holders: [Holder] = []
    /// The rules that are judged, as indices into `Program.rules`, each once.
    private var judgedRules: [Int] = []
    /// The derived values that can change, as indices into `Program.derived`.
    private var settledValues: [Int] = []

    /// A row that the transaction changes, with all that it changes of it.
    private struct Target {
        let kind: WriteTarget.Kind
        let type: Int
        let row: Register
        let keyParameter: Int?
        var fields: Set<Int>
        /// The operation or step that changes it first.
        let origin: String
    }

    /// A row, or none, whose derived value may have changed.
    private struct Holder {
        let row: Register
        let type: Int
        let derived: Int
        let existenceIsCertain: Bool
    }

    /// Where an effect's or a derived value's failure is turned into a rejection.
    private struct EffectError {
        let label: RoutineBuilder.Label
        let rule: Int
        let entity: Register?
        let observed: Observed
    }

    /// What is noted for a rejection.
    private enum Observed {
        /// Of the entity that it is about.
        case members([Expression])
        case words([Register])
    }

    init(steps: [Step], data: ProgramData) {
        self.steps = steps
        self.data = data
        bindings = Bindings(layouts: data.layouts)
    }

    private var schema: Schema { data.schema }
    private var layouts: [RowLayout] { data.layouts }

    consuming func compile(rules: inout RuleTable) throws(SchemaError) -> TransactionForm {
        for (index, step) in steps.enumerated() { emit(step, isFirst: index == 0, &rules) }
        settleDerivedValues()
        checkUniqueKeys()
        for target in targets where target.kind == .delete { checkUnreferenced(target, &rules) }
        for target in targets where target.kind != .delete { checkInvariants(of: target) }
        for holder in holders { checkInvariants(of: holder) }
        checkTransactionInvariants()
        builder.emit(.accept)

        builder.emitFailureBlocks()
        for error in errors {
            builder.place(error.label)
            emitRejection(error)
        }
        let operation = steps[0].operation
        let name = steps.count == 1 ? "operation '\(operation.name)'" : "the transaction"
        let rowCount = targets.count + holders.count
        guard rowCount <= Limits.Transaction.rowCount else {
            let message =
                "\(name) can change \(rowCount) rows, derived values included; expected at most "
                + "\(Limits.Transaction.rowCount)"
            throw SchemaError(diagnostics: [Diagnostic(operation.location, message)])
        }
        let writeTargets = targets.map {
            WriteTarget(
                kind: $0.kind, type: $0.type, row: $0.row, keyParameter: $0.keyParameter,
                fields: $0.fields.sorted())
        }
        let form = steps.map(\.form)
        let declaredParameters = steps.flatMap(\.operation.parameters)
        let (judgedRules, settledValues) = (judgedRules, settledValues)
        let routine = try builder.finish(
            name, operation.location, parameters: parameters, targets: writeTargets)
        return TransactionForm(
            steps: form.contains { $0 == nil } ? nil : form.compactMap(\.self),
            parameters: declaredParameters, routine: routine, judgedRules: judgedRules,
            settledValues: settledValues, rowCountMax: rowCount)
    }

    private mutating func emit(_ step: Step, isFirst: Bool, _ rules: inout RuleTable) {
        firstParameter = parameters.count
        bindings.parameters = []
        let operation = step.operation
        origin = operation.name
        for parameter in operation.parameters {
            declare(parameter, at: step.place, isFirstStep: isFirst, &rules)
        }
        for requirement in operation.requirements {
            let check = RuleCheck(
                .requirement, id: requirement.id, rule: requirement.rule,
                message: requirement.message, entity: nil, parameters: operation.parameters,
                rules: &rules)
            judge(check)
            check.emit(in: bindings, entity: nil, into: &builder)
        }
        for (index, effect) in operation.effects.enumerated() {
            let id = "\(operation.name).effects[\(index)]"
            emit(effect, id: step.index == nil ? operation.name : id, &rules)
        }
    }

    /// The first step's references are looked up with its arguments; those of a later one when its turn
    /// comes, as an earlier step may have created what they refer to.
    private mutating func declare(
        _ parameter: Parameter, at place: String?, isFirstStep: Bool, _ rules: inout RuleTable
    ) {
        var register = builder.register(for: parameter.type)
        var entity: Int?
        if case .entity(let type) = parameter.type { entity = type }
        let rule = rules.add(
            .parameter, id: place.map { "\($0).\(parameter.name)" } ?? parameter.name,
            entity: entity)
        let kind: ParameterSlot.Kind
        switch parameter.type {
        case .bool: kind = .bounded(1)
        case .enumeration(values: let values): kind = .bounded(UInt64(values.count - 1))
        case .int, .uint, .decimal: kind = .word
        case .string: kind = .text(byteCountMax: parameter.maximumByteCount ?? 0)
        case .bytes: kind = .bytes(byteCountMax: parameter.maximumByteCount ?? 0)
        case .uuid: kind = .uuid
        case .timestamp: kind = .time(.timestamp)
        case .duration: kind = .time(.duration)
        case .entity(let type) where isFirstStep: kind = .reference(type: type)
        case .entity(let type):
            kind = .key(type: type)
            let row = register
            register = builder.register(for: schema.entities[type].keyType.valueType)
            builder.emit(
                .find, a: row, b: register, operand: type, onError: errorLabel(rule: rule))
            bindings.parameters.append(row)
            parameters.append(ParameterSlot(kind: kind, register: register, rule: rule))
            return
        case .double, .null, .list:
            preconditionFailure("no parameter is declared with the type \(parameter.type)")
        }
        bindings.parameters.append(register)
        parameters.append(ParameterSlot(kind: kind, register: register, rule: rule))
    }

    private mutating func judge(_ check: RuleCheck) {
        if !judgedRules.contains(check.index) { judgedRules.append(check.index) }
    }

    private mutating func errorLabel(
        rule: Int, entity: Register? = nil, observing observed: Observed = .words([])
    ) -> RoutineBuilder.Label {
        let label = builder.label()
        errors.append(EffectError(label: label, rule: rule, entity: entity, observed: observed))
        return label
    }

    private mutating func emitRejection(_ error: EffectError) {
        switch error.observed {
        case .members(let members):
            let code = builder.registers(1)
            builder.emit(.takeError, a: code)
            let bindings = Bindings(layouts: layouts, selfRow: error.entity)
            for (index, member) in members.enumerated() {
                builder.observe(member, .read, index, in: bindings)
            }
            if let entity = error.entity {
                builder.observeBefore(members, of: entity, in: bindings)
            }
            builder.emit(.restoreError, a: code)
        case .words(let registers):
            for (index, register) in registers.enumerated() {
                builder.emit(
                    .observe, b: register, c: ObservationRole.read.rawValue, operand: index)
            }
        }
        builder.emit(
            .rejectError, a: error.entity ?? 0, c: error.entity == nil ? 0 : 1,
            operand: error.rule)
    }
}

// MARK: Effects

extension TransactionCompiler {
    private mutating func emit(_ effect: Effect, id: String, _ rules: inout RuleTable) {
        if case .expectVersion(entity: let entity, version: let version) = effect.kind {
            expect(version, of: entity, id: id, &rules)
            return
        }
        let failed = errorLabel(rule: rules.add(.effect, id: id))
        switch effect.kind {
        case .assign(entity: let entity, field: let field, value: let value):
            let target = target(.update, entity, onError: failed)
            let type = targets[target].type
            let row = targets[target].row
            builder.emit(.touch, a: row, operand: type, onError: failed)
            targets[target].fields.insert(field)
            guard let (opcode, change) = value.changeInPlace(of: entity, field),
                layouts[type].presence(of: .field(field)) == nil
            else {
                store(value, in: field, of: row, type: type, onError: failed)
                return
            }
            let register = builder.compile(change, in: bindings, onError: failed)
            builder.emit(
                opcode, a: row, b: register, operand: layouts[type].fieldOffsets[field],
                onError: failed)
        case .create(entity: let type, key: let key, values: let values):
            let keyRegister = builder.compile(key, in: bindings, onError: failed)
            let row = builder.registers(1)
            builder.emit(.create, a: row, b: keyRegister, operand: type, onError: failed)
            for (field, value) in values.enumerated() where value.type != .null {
                // A new row's fields have no value yet.
                store(value, in: field, of: row, type: type, onError: failed)
            }
            targets.append(
                Target(
                    kind: .create, type: type, row: row, keyParameter: parameterIndex(key),
                    fields: Set(values.indices), origin: origin))
        case .delete(entity: let entity):
            let target = target(.delete, entity, onError: failed)
            builder.emit(
                .delete, a: targets[target].row, operand: targets[target].type, onError: failed)
        case .expectVersion:
            preconditionFailure("emitted above")
        }
    }

    private mutating func expect(
        _ version: Expression, of entity: Expression, id: String, _ rules: inout RuleTable
    ) {
        guard case .entity(let type) = entity.type, let row = bindings.row(of: entity),
            case .parameter(let index) = version.kind
        else { preconditionFailure("a version is expected by two parameters") }
        let expected = bindings.parameters[index]
        let found = builder.registers(1)
        let rule = rules.add(
            .effect, id: id, entity: type,
            observations: ["version", "expected"].map { .init(name: $0, type: .uint) })
        builder.emit(.load, a: found, b: row, operand: RowLayout.versionOffset)
        builder.emit(
            .checkVersion, a: row, b: expected,
            onError: errorLabel(rule: rule, entity: row, observing: .words([found, expected])))
    }

    /// The target for the entity: the one of an earlier effect on the same parameter, or a new one.
    private mutating func target(
        _ kind: WriteTarget.Kind, _ entity: Expression, onError: RoutineBuilder.Label
    ) -> Int {
        let row = builder.compile(entity, in: bindings, onError: onError)
        if let known = targets.firstIndex(where: { $0.kind == kind && $0.row == row }) {
            return known
        }
        guard case .entity(let type) = entity.type else {
            preconditionFailure("the checker admits effects on entities only")
        }
        targets.append(
            Target(
                kind: kind, type: type, row: row, keyParameter: parameterIndex(entity), fields: [],
                origin: origin))
        return targets.count - 1
    }

    private func parameterIndex(_ expression: Expression) -> Int? {
        if case .parameter(let index) = expression.kind { firstParameter + index } else { nil }
    }

    private mutating func store(
        _ value: Expression, in field: Int, of row: Register, type: Int,
        onError: RoutineBuilder.Label
    ) {
        let fieldType = schema.entities[type].fields[field].type
        guard let presence = layouts[type].presence(of: .field(field)) else {
            storeValue(value, in: field, of: row, type: type, onError: onError)
            return
        }
        let isAbsent = value.type == .null
        let value = isAbsent ? fieldType.empty(at: value.location) : value
        storeValue(value, in: field, of: row, type: type, onError: onError)
        builder.emit(
            isAbsent ? .markAbsent : .markPresent, a: row,
            c: Register(presence.mask.trailingZeroBitCount), operand: presence.offset)
    }

    private mutating func storeValue(
        _ value: Expression, in field: Int, of row: Register, type: Int,
        onError: RoutineBuilder.Label
    ) {
        let value = builder.compile(value, in: bindings, onError: onError)
        let offset = layouts[type].fieldOffsets[field]
        switch schema.entities[type].fields[field].type {
        case .string, .bytes, .uuid:
            let limit =
                schema.entities[type].fields[field].maximumByteCount ?? UUIDValue.byteCount
            builder.emit(
                .storeText, a: row, b: value, c: Register(limit), operand: offset, onError: onError)
        case .timestamp, .duration:
            builder.emit(.storePair, a: row, b: value, operand: offset)
        case .entity(let target):
            guard let counter = layouts[target].referenceCountOffset else {
                preconditionFailure("a type that is referred to has a reference count")
            }
            builder.emit(
                .storeReference, a: row, b: value, c: Register(counter), operand: offset,
                onError: onError)
        case .bool, .int, .uint, .double, .decimal, .null, .enumeration, .list:
            builder.emit(.store, a: row, b: value, operand: offset)
        }
    }
}

// MARK: Totals and checks

extension TransactionCompiler {
    /// Each in turn, for every row that it can change by: one that an effect changes, or one whose own
    /// derived value has changed.
    private mutating func settleDerivedValues() {
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
            for source in sources {
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

    /// All rows leave the index before one enters it, so that values can be exchanged.
    private mutating func checkUniqueKeys() {
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
                let observed = declared.fields.map { field in
                    Expression(
                        .field(
                            of: Expression(
                                .selfEntity, type: .entity(key.type), location: declared.location),
                            field),
                        type: schema.entities[key.type].fields[field].type,
                        location: declared.location)
                }
                let failed = errorLabel(
                    rule: key.rule, entity: target.row,
                    observing: .members(observed.map(schema.shown)))
                builder.emit(.claimUnique, a: target.row, operand: index, onError: failed)
            }
        }
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
                c: Register(presence.mask.trailingZeroBitCount), operand: presence.offset)
            builder.jump(.jumpIfFalse, a: result, to: end)
        }
        let fulfilled = builder.compile(
            condition, in: Bindings(layouts: layouts, selfRow: values), onError: onError)
        builder.emit(.move, a: result, b: fulfilled)
        builder.place(end)
    }

    private mutating func checkUnreferenced(_ target: Target, _ rules: inout RuleTable) {
        guard let offset = layouts[target.type].referenceCountOffset else { return }
        let rule = rules.add(.effect, id: "\(target.origin).delete", entity: target.type)
        let failed = errorLabel(rule: rule, entity: target.row)
        builder.emit(.checkUnreferenced, a: target.row, operand: offset, onError: failed)
    }

    private mutating func checkInvariants(of target: Target) {
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

    private mutating func checkInvariants(of holder: Holder) {
        let affected = data.invariants.byType[holder.type].filter {
            $0.rule.derivedOfSelf.contains(holder.derived)
        }
        emit(affected, on: holder.row, existenceIsCertain: holder.existenceIsCertain)
    }

    private mutating func checkTransactionInvariants() {
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
            check.emit(on: row, oldRow: oldRow, layouts: layouts, into: &builder)
            builder.place(next)
        }
        builder.place(end)
    }
}

extension Expression {
    /// For the field's own value with an int added or subtracted: which of the two, and the int.
    fileprivate func changeInPlace(
        of entity: Expression, _ field: Int
    ) -> (opcode: Opcode, change: Expression)? {
        guard case .arithmetic(let operation, let present, let change) = kind,
            case .field(of: let owner, field) = present.kind,
            case .parameter(let parameter) = owner.kind,
            case .parameter(parameter) = entity.kind
        else { return nil }
        switch (operation, type) {
        case (.add, .int), (.add, .decimal): return (.addIntToField, change)
        case (.subtract, .int), (.subtract, .decimal): return (.subtractIntFromField, change)
        default: return nil
        }
    }
}

extension ValueType {
    /// What a field without a value holds.
    fileprivate func empty(at location: SourceLocation) -> Expression {
        let literal: Literal =
            switch form {
            case .word: .uint(0)
            case .text: .bytes([])
            case .time: .time(TimeValue(seconds: 0, nanoseconds: 0))
            }
        return Expression(.literal(literal), type: self, location: location)
    }
}

extension Expression {
    /// What a rule over deltas says of a transaction that changes nothing; nil if that is not simple
    /// to tell.
    fileprivate var valueWithoutChanges: Bool? {
        switch kind {
        case .literal(.bool(let value)): value
        case .not(let operand): operand.valueWithoutChanges.map { !$0 }
        case .and(let left, let right):
            both(left.valueWithoutChanges, right.valueWithoutChanges) { $0 && $1 }
        case .or(let left, let right):
            both(left.valueWithoutChanges, right.valueWithoutChanges) { $0 || $1 }
        case .compare(let comparison, let left, let right):
            both(left.numberWithoutChanges, right.numberWithoutChanges, comparison.holds)
        default: nil
        }
    }

    private var numberWithoutChanges: Int64? {
        switch kind {
        case .delta: 0
        case .literal(.int(let value)), .literal(.decimal(unscaled: let value)): value
        case .convert(let operand): operand.numberWithoutChanges == 0 ? 0 : nil
        case .arithmetic(_, let left, let right):
            left.numberWithoutChanges == 0 && right.numberWithoutChanges == 0
                && !isDivision ? 0 : nil
        default: nil
        }
    }

    private var isDivision: Bool {
        switch kind {
        case .arithmetic(.divide, _, _), .arithmetic(.remainder, _, _): true
        default: false
        }
    }
}

private func both<Value, Result>(
    _ left: Value?, _ right: Value?, _ combine: (Value, Value) -> Result
) -> Result? {
    guard let left, let right else { return nil }
    return combine(left, right)
}

extension Expression.ComparisonOperator {
    fileprivate func holds(_ left: Int64, _ right: Int64) -> Bool {
        switch self {
        case .equal: left == right
        case .notEqual: left != right
        case .less: left < right
        case .lessOrEqual: left <= right
        case .greater: left > right
        case .greaterOrEqual: left >= right
        }
    }
}
