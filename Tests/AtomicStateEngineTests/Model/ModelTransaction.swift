import AtomicStateSchema
import AtomicStateValues

/// One transaction of the reference model. The order of its checks is the one that the head of
/// `OperationCompiler.swift` promises.
struct ModelTransaction {
    let model: ReferenceModel
    let operation: Operation
    let sequence: UInt64
    private(set) var state: ModelState
    let before: ModelState
    private var arguments: [ModelValue] = []
    var changes: [Change] = []

    /// What the effects do to one entity under one name. Two names for one entity are two changes.
    struct Change {
        enum Kind { case create, update, delete }

        let kind: Kind
        let entity: ModelEntity.Identity
        /// Nil if the effect reaches the entity by a path, and not by a parameter.
        let parameter: Int?
        var fields: Set<Int> = []
    }

    init(model: ReferenceModel, operation: Operation, sequence: UInt64) {
        self.model = model
        self.operation = operation
        self.sequence = sequence
        state = model.state
        before = model.state
    }

    mutating func run(_ arguments: [Argument]) throws(ModelRejection) {
        for (parameter, argument) in zip(operation.parameters, arguments) {
            self.arguments.append(try bind(argument, to: parameter))
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
        try settleTotals()
        try refuseDanglingReferences()
        try checkChanges()
        try checkTotals()
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
    private func bind(
        _ argument: Argument, to parameter: Parameter
    ) throws(ModelRejection) -> ModelValue {
        var rejection = ModelRejection(code: .argumentOutOfRange, rule: parameter.name)
        if case .entity(let type) = parameter.type {
            rejection.entityType = model.schema.entities[type].name
            rejection.entityKey = model.shown(argument, ofType: type)
        }
        do throws(RejectionCode) {
            return try value(of: argument, as: parameter)
        } catch {
            throw rejection.with(error)
        }
    }

    private func value(
        of argument: Argument, as parameter: Parameter
    ) throws(RejectionCode) -> ModelValue {
        switch (parameter.type, argument) {
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
            guard bytes.count <= parameter.maximumByteCount ?? 0 else { throw .textTooLong }
            return .bytes(bytes)
        case (.uuid, .bytes(let bytes)):
            guard bytes.count == 16 else { throw .argumentOutOfRange }
            return .bytes(bytes)
        case (.string, .bytes(let bytes)):
            return try Self.text(bytes, byteCountMax: parameter.maximumByteCount ?? 0)
        case (.entity(let type), .word(let word)):
            return try entity(type, .unsigned(word))
        case (.entity(let type), .bytes(let bytes))
        where model.schema.entities[type].keyType == .uuid:
            guard bytes.count == 16 else { throw .argumentOutOfRange }
            return try entity(type, .bytes(bytes))
        case (.entity(let type), .bytes(let bytes)):
            return try entity(type, try Self.text(bytes, byteCountMax: 256))
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

// MARK: Effects

extension ModelTransaction {
    private mutating func apply(_ effect: Effect) throws(RejectionCode) {
        switch effect.kind {
        case .assign(entity: let target, field: let field, value: let value):
            let entity = try scope().evaluate(target).identity
            note(.update, entity, namedBy: target, field: field)
            guard state[entity].exists else { throw .entityMissing }
            let value = try scope().evaluate(value)
            state[entity].fields[field] = try admitted(
                value, field: field, type: state[entity].name.type)
            state[entity].version = sequence
        case .create(entity: let type, key: let key, values: let values):
            let key = try scope().evaluate(key)
            if case .text(let scalars) = key, scalars.byteCount > 256 { throw .textTooLong }
            let name = ModelEntity.Name(type: type, key: key)
            guard state.find(name) == nil else { throw .entityExists }
            var fields: [ModelValue] = []
            for (field, value) in values.enumerated() {
                let value = try scope().evaluate(value)
                fields.append(try admitted(value, field: field, type: type))
            }
            let entity = state.add(ModelEntity(name: name, fields: fields, version: sequence))
            changes.append(
                Change(
                    kind: .create, entity: entity, parameter: nil, fields: Set(values.indices)))
        case .delete(entity: let target):
            let entity = try scope().evaluate(target).identity
            note(.delete, entity, namedBy: target, field: nil)
            guard state[entity].exists else { throw .entityMissing }
            state[entity].exists = false
        case .expectVersion: preconditionFailure("not yet")
        }
    }

    private func admitted(
        _ value: ModelValue, field: Int, type: Int
    ) throws(RejectionCode) -> ModelValue {
        if case .text(let scalars) = value,
            let limit = model.schema.entities[type].fields[field].maximumByteCount,
            scalars.byteCount > limit
        {
            throw .textTooLong
        }
        if case .bytes(let bytes) = value,
            let limit = model.schema.entities[type].fields[field].maximumByteCount,
            bytes.count > limit
        {
            throw .textTooLong
        }
        return value
    }

    private mutating func note(
        _ kind: Change.Kind, _ entity: ModelEntity.Identity, namedBy target: Expression, field: Int?
    ) {
        var parameter: Int?
        if case .parameter(let index) = target.kind { parameter = index }
        var place = changes.firstIndex {
            $0.kind == kind && $0.parameter != nil && $0.parameter == parameter
        }
        if place == nil {
            changes.append(Change(kind: kind, entity: entity, parameter: parameter))
            place = changes.count - 1
        }
        if let place, let field { changes[place].fields.insert(field) }
    }
}
