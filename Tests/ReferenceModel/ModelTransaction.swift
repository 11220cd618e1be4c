import AtomicStateSchema
import AtomicStateValues

/// One transaction of the reference model. The order of its checks is the one that the head of
/// `TransactionCompiler.swift` promises.
struct ModelTransaction {
    let model: ReferenceModel
    let steps: [ModelStep]
    private let sequence: UInt64
    var state: ModelState
    let before: ModelState
    /// Of the step under way.
    private var arguments: [ModelValue] = []
    private var step = 0
    private(set) var changes: [Change] = []
    /// The entities that the transaction has to do with, and those whose derived values may have
    /// changed, in the order in which that comes up.
    var touched: Set<ModelEntity.Identity> = []
    var holders: [Holder] = []

    /// What the effects do to one entity under one name. Two names for one entity are two changes.
    struct Change {
        enum Kind { case create, update, delete }

        /// A parameter of one of the steps.
        struct Name: Equatable {
            let step: Int
            let parameter: Int
        }

        let kind: Kind
        let entity: ModelEntity.Identity
        /// Nil if the effect reaches the entity by a path, and not by a parameter.
        let name: Name?
        /// The operation or step that changes it first.
        let origin: String
        var fields: Set<Int> = []
    }

    /// An entity whose derived value may have changed.
    struct Holder {
        let entity: ModelEntity.Identity
        let derived: ReferenceModel.Derived
    }

    init(model: ReferenceModel, steps: [ModelStep], sequence: UInt64) {
        self.model = model
        self.steps = steps
        self.sequence = sequence
        state = model.state
        before = model.state
    }

    mutating func run(_ arguments: [Argument]) throws(ModelRejection) {
        var rest = arguments[...]
        var given: [[ModelValue]] = []
        for step in steps {
            var values: [ModelValue] = []
            for parameter in step.parameters {
                guard let argument = rest.popFirst() else {
                    preconditionFailure("an argument for each parameter")
                }
                values.append(try bind(argument, to: parameter, of: step, isFirst: given.isEmpty))
            }
            given.append(values)
        }
        for index in steps.indices {
            step = index
            self.arguments = given[index]
            if index > 0 { try lookUpReferences() }
            try carryOut(steps[index])
        }
        try settleDerivedValues()
        try checkUniqueness()
        try refuseDanglingReferences()
        try checkChanges()
        try checkHolders()
        try checkTransactionInvariants()
        for change in changes { state[change.entity].version = sequence }
    }

    func scope(of entity: ModelEntity.Identity? = nil) -> ModelScope {
        ModelScope(
            model: model, state: state, before: before, entity: entity, arguments: arguments)
    }

    /// Rejects if the rule is false, and with the error's code if it has no value.
    func judge(
        _ rule: Expression, in scope: ModelScope, otherwise rejection: ModelRejection
    ) throws(ModelRejection) {
        do throws(RejectionCode) {
            if try scope.evaluate(rule).isTrue { return }
        } catch {
            throw rejection.with(error)
        }
        throw rejection
    }
}

// MARK: Arguments

extension ModelTransaction {
    /// The argument's value. A reference of the first step is its entity, of a later one the key.
    private func bind(
        _ argument: Argument, to parameter: Parameter, of step: ModelStep, isFirst: Bool
    ) throws(ModelRejection) -> ModelValue {
        do throws(RejectionCode) {
            guard case .entity(let type) = parameter.type else {
                return try value(
                    of: argument, parameter.type, maximumByteCount: parameter.maximumByteCount)
            }
            let key = try value(
                of: argument, model.schema.entities[type].keyType.valueType, maximumByteCount: 256)
            return isFirst ? try entity(type, key) : key
        } catch {
            throw rejection(error, of: argument, to: parameter, of: step)
        }
    }

    private mutating func lookUpReferences() throws(ModelRejection) {
        for (index, parameter) in steps[step].parameters.enumerated() {
            guard case .entity(let type) = parameter.type else { continue }
            do throws(RejectionCode) {
                arguments[index] = try entity(type, arguments[index])
            } catch {
                throw rejection(
                    error, of: model.argument(arguments[index]), to: parameter, of: steps[step])
            }
        }
    }

    private func rejection(
        _ code: RejectionCode, of argument: Argument, to parameter: Parameter, of step: ModelStep
    ) -> ModelRejection {
        var rejection = ModelRejection(code: code, rule: step.name(of: parameter))
        if case .entity(let type) = parameter.type {
            rejection.entityType = model.schema.entities[type].name
            rejection.entityKey = model.shown(argument, ofType: type)
        }
        return rejection
    }

    private func value(
        of argument: Argument, _ type: ValueType, maximumByteCount: Int?
    ) throws(RejectionCode) -> ModelValue {
        switch (type, argument) {
        case (.bool, .word(let word)):
            guard word <= 1 else { throw .argumentOutOfRange }
            return .bool(word == 1)
        case (.enumeration(let values), .word(let word)):
            guard word < values.count else { throw .argumentOutOfRange }
            return .enumeration(Int(word))
        case (.int, .word(let word)), (.decimal, .word(let word)):
            return .number(Int64(bitPattern: word))
        case (.uint, .word(let word)):
            return .unsigned(word)
        case (.timestamp, .time(let value)):
            guard TimeKind.timestamp.contains(value) else { throw .argumentOutOfRange }
            return .time(value)
        case (.duration, .time(let value)):
            guard TimeKind.duration.contains(value) else { throw .argumentOutOfRange }
            return .time(value)
        case (.bytes, .bytes(let bytes)):
            guard bytes.count <= maximumByteCount ?? 0 else { throw .textTooLong }
            return .bytes(bytes)
        case (.uuid, .bytes(let bytes)):
            guard bytes.count == 16 else { throw .argumentOutOfRange }
            return .bytes(bytes)
        case (.string, .bytes(let bytes)):
            return try Self.text(bytes, byteCountMax: maximumByteCount ?? 0)
        default:
            preconditionFailure("an argument has the kind of its parameter")
        }
    }

    private func entity(_ type: Int, _ key: ModelValue) throws(RejectionCode) -> ModelValue {
        guard let entity = state.find(ModelEntity.Name(type: type, key: key)) else {
            throw .entityMissing
        }
        return .entity(entity)
    }

    private static func text(
        _ bytes: [UInt8], byteCountMax: Int
    ) throws(RejectionCode) -> ModelValue {
        guard bytes.count <= byteCountMax else { throw .textTooLong }
        // Decoding repairs what is no UTF-8, and then other bytes come out.
        let text = String(decoding: bytes, as: UTF8.self)
        guard Array(text.utf8) == bytes else { throw .textMalformed }
        return .text(Array(text.unicodeScalars))
    }
}

// MARK: Steps

extension ModelTransaction {
    private mutating func carryOut(_ step: ModelStep) throws(ModelRejection) {
        guard case .call(let operation) = step.action else {
            do throws(RejectionCode) {
                try change(step.action)
            } catch {
                var rejection = ModelRejection(code: error, rule: step.name)
                if error == .versionMismatch {
                    let name = state[arguments[0].identity].name
                    rejection.entityType = model.schema.entities[name.type].name
                    rejection.entityKey = model.shown(model.argument(name.key), ofType: name.type)
                }
                throw rejection
            }
            return
        }
        for requirement in operation.requirements {
            try judge(
                requirement.rule, in: scope(),
                otherwise: ModelRejection(code: .requirementFailed, rule: requirement.id))
        }
        for (index, effect) in operation.effects.enumerated() {
            do throws(RejectionCode) {
                try apply(effect)
            } catch {
                throw ModelRejection(code: error, rule: "\(operation.name).effects[\(index)]")
            }
        }
    }

    /// A generic step. Its first argument is the key, or the entity that has it.
    private mutating func change(_ action: ModelStep.Action) throws(RejectionCode) {
        let name = Change.Name(step: step, parameter: 0)
        var rest = arguments.dropFirst()
        switch action {
        case .call:
            preconditionFailure("a call is no change")
        case .create(let type, let fields):
            let given = Dictionary(uniqueKeysWithValues: zip(fields, rest))
            try create(type, key: arguments[0]) { (transaction, index) throws(RejectionCode) in
                let field = transaction.model.schema.entities[type].fields[index]
                return given[index] ?? field.defaultValue.map { ModelValue($0) } ?? .absent
            }
        case .update(_, let changes, let expectsVersion):
            let entity = arguments[0].identity
            if expectsVersion { try expect(version: rest.removeFirst(), of: entity) }
            for change in changes {
                let given = change.kind == .clear ? .absent : rest.removeFirst()
                try assign(entity, name, change.field) { (transaction) throws(RejectionCode) in
                    guard change.kind == .add else { return given }
                    let entity = transaction.state[entity]
                    let present = entity.fields[change.field]
                    if present == .absent { throw .valueAbsent }
                    let declaration = transaction.model.schema.entities[entity.name.type]
                    let type = declaration.fields[change.field].type
                    return try ModelScope.calculate(.add, present, given, as: type)
                }
            }
        case .delete(_, let expectsVersion):
            let entity = arguments[0].identity
            if expectsVersion { try expect(version: rest.removeFirst(), of: entity) }
            try delete(entity, name)
        }
    }

    /// The version as the transaction found it.
    private func expect(
        version: ModelValue, of entity: ModelEntity.Identity
    ) throws(RejectionCode) {
        guard version == .unsigned(state[entity].version) else { throw .versionMismatch }
    }

    private mutating func apply(_ effect: Effect) throws(RejectionCode) {
        switch effect.kind {
        case .assign(entity: let target, field: let field, value: let value):
            let entity = try scope().evaluate(target).identity
            try assign(entity, name(of: target), field) { (transaction) throws(RejectionCode) in
                try transaction.scope().evaluate(value)
            }
        case .create(entity: let type, key: let key, values: let values):
            try create(type, key: try scope().evaluate(key)) {
                (transaction, index) throws(RejectionCode) in
                try transaction.scope().evaluate(values[index])
            }
        case .delete(entity: let target):
            try delete(try scope().evaluate(target).identity, name(of: target))
        case .expectVersion:
            preconditionFailure("no effect of a schema file")
        }
    }

    private func name(of target: Expression) -> Change.Name? {
        if case .parameter(let index) = target.kind {
            Change.Name(step: step, parameter: index)
        } else {
            nil
        }
    }
}

// MARK: Changes

extension ModelTransaction {
    private mutating func assign(
        _ entity: ModelEntity.Identity, _ name: Change.Name?, _ field: Int,
        _ value: (ModelTransaction) throws(RejectionCode) -> ModelValue
    ) throws(RejectionCode) {
        note(.update, entity, name, field: field)
        guard state[entity].exists else { throw .entityMissing }
        let value = try value(self)
        state[entity].fields[field] = try admitted(
            value, field: field, type: state[entity].name.type)
    }

    private mutating func create(
        _ type: Int, key: ModelValue,
        _ value: (ModelTransaction, _ field: Int) throws(RejectionCode) -> ModelValue
    ) throws(RejectionCode) {
        if case .text(let scalars) = key, scalars.byteCount > 256 { throw .textTooLong }
        let name = ModelEntity.Name(type: type, key: key)
        guard state.find(name) == nil else { throw .entityExists }
        let declaration = model.schema.entities[type]
        var fields: [ModelValue] = []
        for field in declaration.fields.indices {
            fields.append(try admitted(try value(self, field), field: field, type: type))
        }
        let entity = state.add(
            ModelEntity(
                name: name, fields: fields, derived: declaration.derived.map(\.valueOfNone)))
        changes.append(
            Change(
                kind: .create, entity: entity, name: nil, origin: steps[step].name,
                fields: Set(fields.indices)))
    }

    private mutating func delete(
        _ entity: ModelEntity.Identity, _ name: Change.Name?
    ) throws(RejectionCode) {
        note(.delete, entity, name, field: nil)
        guard state[entity].exists else { throw .entityMissing }
        state[entity].exists = false
    }

    private func admitted(
        _ value: ModelValue, field: Int, type: Int
    ) throws(RejectionCode) -> ModelValue {
        if let limit = model.schema.entities[type].fields[field].maximumByteCount {
            if case .text(let scalars) = value, scalars.byteCount > limit { throw .textTooLong }
            if case .bytes(let bytes) = value, bytes.count > limit { throw .textTooLong }
        }
        return value
    }

    private mutating func note(
        _ kind: Change.Kind, _ entity: ModelEntity.Identity, _ name: Change.Name?, field: Int?
    ) {
        var place = changes.firstIndex { $0.kind == kind && $0.name != nil && $0.name == name }
        if place == nil {
            changes.append(
                Change(kind: kind, entity: entity, name: name, origin: steps[step].name))
            place = changes.count - 1
        }
        if let place, let field { changes[place].fields.insert(field) }
    }
}
