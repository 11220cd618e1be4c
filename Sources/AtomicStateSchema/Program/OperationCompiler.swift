internal import AtomicStateValues

/// Compiles one operation. Its code judges in this order, which is part of what the schema file
/// means: arguments in order; requirements in order; effects in order; the totals that each changed
/// entity takes part in, in the order of the effects; deleted entities that are still referred to;
/// then, for each changed entity in the order of the effects, the invariants that the change can
/// break, in the order of the schema; then the same for each entity whose total changed. An entity
/// that effects reach by two parameters, or by a path twice, counts as two here.
///
/// Requirements and effects see totals as the transaction found them.
struct OperationCompiler {
    let operation: Operation
    let schema: Schema
    let layouts: [RowLayout]
    let derived: [DerivedLayout]
    let checks: InvariantChecks

    private var builder = RoutineBuilder()
    private var errors: [EffectError] = []
    private var bindings: Bindings
    private var parameters: [ParameterSlot] = []
    private var targets: [Target] = []
    private var holders: [Holder] = []

    /// A row that the operation changes, with all that it changes of it.
    private struct Target {
        let kind: WriteTarget.Kind
        let type: Int
        let row: Register
        let keyParameter: Int?
        var fields: Set<Int>
    }

    /// A row whose total may have changed.
    private struct Holder {
        let row: Register
        let type: Int
        let derived: Int
    }

    /// Where an effect's or a total's failure is turned into a rejection.
    private struct EffectError {
        let label: RoutineBuilder.Label
        let rule: Int
        let entity: Register?
    }

    init(
        operation: Operation, schema: Schema, layouts: [RowLayout], derived: [DerivedLayout],
        checks: InvariantChecks
    ) {
        self.operation = operation
        self.schema = schema
        self.layouts = layouts
        self.derived = derived
        self.checks = checks
        bindings = Bindings(layouts: layouts)
    }

    consuming func compile(rules: inout RuleTable) throws(SchemaError) -> Routine {
        for parameter in operation.parameters { declare(parameter, &rules) }
        for requirement in operation.requirements {
            let check = RuleCheck(
                .requirement, id: requirement.id, rule: requirement.rule,
                message: requirement.message, entity: nil, parameters: operation.parameters,
                rules: &rules)
            check.emit(in: bindings, entity: nil, into: &builder)
        }
        for (index, effect) in operation.effects.enumerated() {
            let rule = rules.add(.effect, id: "\(operation.name).effects[\(index)]")
            emit(effect, rule: rule)
        }
        for target in targets { settle(target) }
        for target in targets where target.kind == .delete { checkUnreferenced(target, &rules) }
        for target in targets where target.kind != .delete { checkInvariants(of: target) }
        for holder in holders { checkInvariants(of: holder) }
        builder.emit(.accept)

        builder.emitFailureBlocks()
        for error in errors {
            builder.place(error.label)
            builder.emit(
                .rejectError, a: error.entity ?? 0, c: error.entity == nil ? 0 : 1,
                operand: error.rule)
        }
        let writeTargets = targets.map {
            WriteTarget(
                kind: $0.kind, type: $0.type, row: $0.row, keyParameter: $0.keyParameter,
                fields: $0.fields.sorted())
        }
        return try builder.finish(
            "operation '\(operation.name)'", operation.location, parameters: parameters,
            targets: writeTargets)
    }

    private mutating func declare(_ parameter: Parameter, _ rules: inout RuleTable) {
        let register = builder.register(for: parameter.type)
        bindings.parameters.append(register)
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
        case .entity(let type): kind = .reference(type: type)
        case .double, .null, .list:
            preconditionFailure("no parameter is declared with the type \(parameter.type)")
        }
        var entity: Int?
        if case .entity(let type) = parameter.type { entity = type }
        let rule = rules.add(.parameter, id: parameter.name, entity: entity)
        parameters.append(ParameterSlot(kind: kind, register: register, rule: rule))
    }

    private mutating func errorLabel(rule: Int, entity: Register? = nil) -> RoutineBuilder.Label {
        let label = builder.label()
        errors.append(EffectError(label: label, rule: rule, entity: entity))
        return label
    }
}

// MARK: Effects

extension OperationCompiler {
    private mutating func emit(_ effect: Effect, rule: Int) {
        let failed = errorLabel(rule: rule)
        switch effect.kind {
        case .assign(entity: let entity, field: let field, value: let value):
            let target = target(.update, entity, onError: failed)
            let type = targets[target].type
            let row = targets[target].row
            builder.emit(.touch, a: row, operand: type, onError: failed)
            store(value, in: field, of: row, type: type, onError: failed)
            targets[target].fields.insert(field)
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
                    fields: Set(values.indices)))
        case .delete(entity: let entity):
            let target = target(.delete, entity, onError: failed)
            builder.emit(
                .delete, a: targets[target].row, operand: targets[target].type, onError: failed)
        }
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
                kind: kind, type: type, row: row, keyParameter: parameterIndex(entity), fields: []))
        return targets.count - 1
    }

    private func parameterIndex(_ expression: Expression) -> Int? {
        if case .parameter(let index) = expression.kind { index } else { nil }
    }

    private mutating func store(
        _ value: Expression, in field: Int, of row: Register, type: Int,
        onError: RoutineBuilder.Label
    ) {
        let fieldType = schema.entities[type].fields[field].type
        if let presenceOffset = layouts[type].presenceOffset,
            let bit = layouts[type].presenceBit(of: field)
        {
            let isAbsent = value.type == .null
            let value = isAbsent ? fieldType.empty(at: value.location) : value
            storeValue(value, in: field, of: row, type: type, onError: onError)
            builder.emit(
                isAbsent ? .markAbsent : .markPresent, a: row, c: Register(bit),
                operand: presenceOffset)
        } else {
            storeValue(value, in: field, of: row, type: type, onError: onError)
        }
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

extension OperationCompiler {
    /// Applies the target's change to the totals that it takes part in.
    private mutating func settle(_ target: Target) {
        for (index, total) in derived.enumerated() where total.source == target.type {
            let declaration = schema.entities[total.holder].derived[total.index]
            guard target.kind != .update || !declaration.inputs.isDisjoint(with: target.fields)
            else { continue }

            let failed = errorLabel(rule: total.rule)
            let membership = builder.registers(2)
            let oldRow = builder.registers(1)
            builder.emit(.before, a: oldRow, b: target.row)
            emitMembership(
                .existedBefore, of: target.row, valuesIn: oldRow, condition: declaration.condition,
                result: membership, onError: failed)
            emitMembership(
                .exists, of: target.row, valuesIn: target.row, condition: declaration.condition,
                result: membership + 1, onError: failed)
            let rows = builder.registers(2)
            builder.emit(
                .settle, a: rows, b: target.row, c: membership, operand: index, onError: failed)

            // An entity that only changes what it adds is in one total before and after. It may be
            // changed under another name, too: whatever the operation does to its type counts.
            let membershipFields = (declaration.condition?.fieldsOfSelf ?? []).union([
                declaration.groupBy
            ])
            let holderCanChange = targets.contains { other in
                other.type == target.type
                    && (other.kind == .delete || !membershipFields.isDisjoint(with: other.fields))
            }
            for row in holderCanChange ? [rows, rows + 1] : [rows + 1] {
                holders.append(Holder(row: row, type: total.holder, derived: total.index))
            }
        }
    }

    /// result = the row existed or exists, and its values fulfil the condition.
    private mutating func emitMembership(
        _ existence: Opcode, of row: Register, valuesIn values: Register, condition: Expression?,
        result: Register, onError: RoutineBuilder.Label
    ) {
        builder.emit(existence, a: result, b: row)
        guard let condition else { return }
        let end = builder.label()
        builder.jump(.jumpIfFalse, a: result, to: end)
        let fulfilled = builder.compile(
            condition, in: Bindings(layouts: layouts, selfRow: values), onError: onError)
        builder.emit(.move, a: result, b: fulfilled)
        builder.place(end)
    }

    private mutating func checkUnreferenced(_ target: Target, _ rules: inout RuleTable) {
        guard let offset = layouts[target.type].referenceCountOffset else { return }
        let rule = rules.add(.effect, id: "\(operation.name).delete", entity: target.type)
        let failed = errorLabel(rule: rule, entity: target.row)
        builder.emit(.checkUnreferenced, a: target.row, operand: offset, onError: failed)
    }

    private mutating func checkInvariants(of target: Target) {
        let affected = checks.byType[target.type].filter { check in
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
        let affected = checks.byType[holder.type].filter {
            $0.rule.derivedOfSelf.contains(holder.derived)
        }
        emit(affected, on: holder.row, existenceIsCertain: false)
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
            let next = builder.label()
            if check.readsOldSelf, let existed { builder.jump(.jumpIfFalse, a: existed, to: next) }
            check.emit(on: row, oldRow: oldRow, layouts: layouts, into: &builder)
            builder.place(next)
        }
        builder.place(end)
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

extension DerivedValue {
    /// The fields of the source, by index, that the total depends on.
    fileprivate var inputs: Set<Int> {
        var fields: Set<Int> = condition?.fieldsOfSelf ?? []
        fields.insert(groupBy)
        if case .sum(field: let field) = function { fields.insert(field) }
        return fields
    }
}
