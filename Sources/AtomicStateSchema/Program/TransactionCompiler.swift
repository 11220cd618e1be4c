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

    let steps: [Step]
    let data: ProgramData

    var builder = RoutineBuilder()
    private var errors: [EffectError] = []
    /// Those of the step under way.
    var bindings: Bindings
    private var parameters: [ParameterSlot] = []
    /// Of the step under way, the index of its first parameter.
    var firstParameter = 0
    var origin = ""
    var targets: [Target] = []
    var holders: [Holder] = []
    /// The rules that are judged, as indices into `Program.rules`, each once.
    private var judgedRules: [Int] = []
    /// The derived values that can change, as indices into `Program.derived`.
    var settledValues: [Int] = []

    /// A row that the transaction changes, with all that it changes of it.
    struct Target {
        let kind: WriteTarget.Kind
        let type: Int
        let row: Register
        let keyParameter: Int?
        var fields: Set<Int>
        /// The operation or step that changes it first.
        let origin: String
    }

    /// A row, or none, whose derived value may have changed.
    struct Holder {
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
    enum Observed {
        /// Values of the entity that it is about, which is `self`, and of the row `other`, which is
        /// parameter 0.
        case members([Expression], other: Register)
        /// What registers hold.
        case values([(register: Register, type: ValueType)])
    }

    init(steps: [Step], data: ProgramData) {
        self.steps = steps
        self.data = data
        bindings = Bindings(layouts: data.layouts)
    }

    var schema: Schema { data.schema }
    /// That the transaction can change.
    var rowCount: Int { targets.count + holders.count }
    var layouts: [RowLayout] { data.layouts }

    consuming func compile(rules: inout RuleTable) throws(SchemaError) -> TransactionForm {
        for (index, step) in steps.enumerated() { emit(step, isFirst: index == 0, &rules) }
        settleDerivedValues()
        let operation = steps[0].operation
        let name = steps.count == 1 ? "operation '\(operation.name)'" : "the transaction"
        // Before rules are compiled for all of them.
        guard rowCount <= Limits.Transaction.rowCount else {
            let message =
                "\(name) can change more than \(Limits.Transaction.rowCount) rows, derived values included"
            throw SchemaError(diagnostics: [Diagnostic(operation.location, message)])
        }
        checkUniqueKeys()
        for target in targets where target.kind == .delete { checkUnreferenced(target, &rules) }
        // Once registers have run out, `finish` says so.
        for target in targets where target.kind != .delete && !builder.exceedsFrame {
            checkInvariants(of: target)
        }
        for holder in holders where !builder.exceedsFrame { checkInvariants(of: holder) }
        checkTransactionInvariants()
        builder.emit(.accept)

        builder.emitFailureBlocks()
        for error in errors {
            builder.place(error.label)
            emitRejection(error)
        }
        let storedCount =
            2 * parameters.count + targets.reduce(0) { $0 + 1 + 3 * $1.fields.count }
        guard storedCount <= Limits.Transaction.storedValueCount else {
            let message =
                "\(name) stores up to \(storedCount) values, presence and parts of times included; "
                + "expected at most \(Limits.Transaction.storedValueCount)"
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

    mutating func judge(_ check: RuleCheck) {
        if !judgedRules.contains(check.index) { judgedRules.append(check.index) }
    }

    mutating func errorLabel(
        rule: Int, entity: Register? = nil, observing observed: Observed = .values([])
    ) -> RoutineBuilder.Label {
        let label = builder.label()
        errors.append(EffectError(label: label, rule: rule, entity: entity, observed: observed))
        return label
    }

    private mutating func emitRejection(_ error: EffectError) {
        switch error.observed {
        case .members(let members, other: let other):
            let code = builder.registers(1)
            builder.emit(.takeError, a: code)
            let bindings = Bindings(
                layouts: layouts, selfRow: error.entity, parameters: [other])
            for (index, member) in members.enumerated() {
                builder.observe(member, .read, index, in: bindings)
            }
            if let entity = error.entity {
                builder.observeBefore(members, of: entity, in: bindings)
            }
            builder.emit(.restoreError, a: code)
        case .values(let values):
            for (index, value) in values.enumerated() {
                builder.observe(value.register, of: value.type, .read, index)
            }
        }
        builder.emit(
            .rejectError, a: error.entity ?? 0, c: error.entity == nil ? 0 : 1,
            operand: error.rule)
    }
}
