/// Steps as the operations they stand for.
extension Schema {
    /// The step as an operation of its own, whose parameters are the step's arguments.
    ///
    /// - Parameter place: how messages and rejections name the step, as in `steps[1]`.
    /// - Throws: what the schema does not allow.
    package func operation(of step: TransactionStep, at place: String) throws(StepError)
        -> Operation
    {
        switch step {
        case .operation(let index):
            guard operations.indices.contains(index) else {
                throw StepError(
                    "\(place): operation \(index): the schema has \(operations.count) operations")
            }
            return operations[index]
        case .create(let type, let fields):
            return try creation(of: genericType(type, place), type, fields, at: place)
        case .update(let type, let changes, let expectsVersion):
            return try update(of: genericType(type, place), type, changes, expectsVersion, place)
        case .delete(let type, let expectsVersion):
            let entity = try genericType(type, place)
            var operation = Operation(changing: entity, type, place)
            if expectsVersion { operation.expectVersion(of: entity) }
            operation.append(.delete(entity: operation.entity(type)), entity.location)
            return operation
        }
    }

    private func genericType(_ type: Int, _ place: String) throws(StepError) -> EntityType {
        guard entities.indices.contains(type) else {
            throw StepError(
                "\(place): entity type \(type): the schema has \(entities.count) types")
        }
        guard entities[type].isGeneric else {
            throw StepError(
                "\(place): \(entities[type].name) is changed by operations only; the schema allows "
                    + "generic steps on a type with 'generic: true'")
        }
        return entities[type]
    }

    private func creation(
        of entity: EntityType, _ type: Int, _ fields: [Int], at place: String
    ) throws(StepError) -> Operation {
        var operation = Operation(
            name: place, parameters: [Parameter(key: entity)], requirements: [], effects: [],
            location: entity.location)
        var given: [Int: Expression] = [:]
        for index in fields {
            let field = try entity.field(index, place)
            guard given[index] == nil else {
                throw StepError("\(place): \(entity.name).\(field.name) is given twice")
            }
            given[index] = operation.addParameter(for: field)
        }
        var values: [Expression] = []
        for (index, field) in entity.fields.enumerated() {
            if let value = given[index] {
                values.append(value)
            } else if let literal = field.defaultValue {
                values.append(
                    Expression(.literal(literal), type: field.type, location: field.location))
            } else if field.isOptional {
                values.append(
                    Expression(.literal(.null), type: .null, location: field.location))
            } else {
                throw StepError("\(place): \(entity.name).\(field.name) needs a value")
            }
        }
        let key = Expression(
            .parameter(0), type: entity.keyType.valueType, location: entity.location)
        operation.append(.create(entity: type, key: key, values: values), entity.location)
        return operation
    }

    private func update(
        of entity: EntityType, _ type: Int, _ changes: [TransactionStep.FieldChange],
        _ expectsVersion: Bool, _ place: String
    ) throws(StepError) -> Operation {
        guard !changes.isEmpty else {
            throw StepError("\(place): an update of \(entity.name) changes at least one field")
        }
        var operation = Operation(changing: entity, type, place)
        if expectsVersion { operation.expectVersion(of: entity) }
        var changed: Set<Int> = []
        for change in changes {
            let field = try entity.field(change.field, place)
            guard changed.insert(change.field).inserted else {
                throw StepError("\(place): \(entity.name).\(field.name) is changed twice")
            }
            let value: Expression
            switch change.kind {
            case .set:
                value = operation.addParameter(for: field)
            case .add:
                guard field.type.canBeAddedTo else {
                    throw StepError(
                        "\(place): nothing can be added to \(entity.name).\(field.name)")
                }
                let present = Expression(
                    .field(of: operation.entity(type), change.field), type: field.type,
                    location: field.location)
                value = Expression(
                    .arithmetic(.add, present, operation.addParameter(for: field)),
                    type: field.type, location: field.location)
            case .clear:
                guard field.isOptional else {
                    throw StepError(
                        "\(place): \(entity.name).\(field.name) always has a value")
                }
                value = Expression(.literal(.null), type: .null, location: field.location)
            }
            operation.append(
                .assign(entity: operation.entity(type), field: change.field, value: value),
                field.location)
        }
        return operation
    }
}

extension EntityType {
    fileprivate func field(_ index: Int, _ place: String) throws(StepError) -> Field {
        guard fields.indices.contains(index) else {
            throw StepError(
                "\(place): field \(index): \(name) has \(fields.count) fields")
        }
        return fields[index]
    }
}

extension ValueType {
    /// A timestamp is not: what is added to it is of another type.
    fileprivate var canBeAddedTo: Bool {
        switch self {
        case .int, .decimal, .duration: true
        default: false
        }
    }
}

extension Parameter {
    fileprivate init(key entity: EntityType) {
        self.init(
            name: "key", type: entity.keyType.valueType,
            maximumByteCount: entity.keyType == .string ? Limits.Value.keyByteCount : nil,
            location: entity.location)
    }
}

extension Operation {
    /// A change of an entity that the first argument refers to.
    fileprivate init(changing entity: EntityType, _ type: Int, _ place: String) {
        let reference = Parameter(
            name: "key", type: .entity(type), maximumByteCount: nil, location: entity.location)
        self.init(
            name: place, parameters: [reference], requirements: [], effects: [],
            location: entity.location)
    }

    fileprivate func entity(_ type: Int) -> Expression {
        Expression(.parameter(0), type: .entity(type), location: location)
    }

    fileprivate mutating func append(_ effect: Effect.Kind, _ location: SourceLocation) {
        effects.append(Effect(kind: effect, location: location))
    }

    /// A parameter that takes the field's values; the expression that reads it.
    fileprivate mutating func addParameter(for field: Field) -> Expression {
        parameters.append(
            Parameter(
                name: field.name, type: field.type, maximumByteCount: field.maximumByteCount,
                location: field.location))
        return Expression(
            .parameter(parameters.count - 1), type: field.type, location: field.location)
    }

    fileprivate mutating func expectVersion(of entity: EntityType) {
        parameters.append(
            Parameter(
                name: "version", type: .uint, maximumByteCount: nil, location: entity.location))
        let version = Expression(
            .parameter(parameters.count - 1), type: .uint, location: entity.location)
        guard case .entity(let type) = parameters[0].type else {
            preconditionFailure("the first argument of a change refers to its entity")
        }
        append(.expectVersion(entity: self.entity(type), version: version), entity.location)
    }
}
