import AtomicStateSchema

/// One step of a transaction, as the reference model carries it out.
struct ModelStep {
    enum Action {
        case call(Operation)
        case create(type: Int, fields: [Int])
        case update(type: Int, changes: [TransactionStep.FieldChange], expectsVersion: Bool)
        case delete(type: Int, expectsVersion: Bool)
    }

    let action: Action
    /// Of a declared operation, its index in the schema.
    let operation: Int?
    /// What rejections call its arguments, as in `steps[0].count`; nil if it is all of the transaction.
    let place: String?
    let parameters: [Parameter]

    /// An operation that is a whole transaction.
    init(calling operation: Int, of schema: Schema) {
        action = .call(schema.operations[operation])
        self.operation = operation
        place = nil
        parameters = schema.operations[operation].parameters
    }

    init(_ step: TransactionStep, at index: Int, of schema: Schema) {
        place = "steps[\(index)]"
        switch step {
        case .operation(let operation):
            action = .call(schema.operations[operation])
            self.operation = operation
            parameters = schema.operations[operation].parameters
        case .create(let type, let fields):
            action = .create(type: type, fields: fields)
            operation = nil
            let entity = schema.entities[type]
            parameters =
                [Parameter("key", entity.keyType.valueType, maximumByteCount: 256)]
                + fields.map { Parameter(entity.fields[$0]) }
        case .update(let type, let changes, let expectsVersion):
            action = .update(type: type, changes: changes, expectsVersion: expectsVersion)
            operation = nil
            parameters =
                [Parameter("key", .entity(type))]
                + (expectsVersion ? [Parameter("version", .uint)] : [])
                + changes.filter { $0.kind != .clear }
                .map { Parameter(schema.entities[type].fields[$0.field]) }
        case .delete(let type, let expectsVersion):
            action = .delete(type: type, expectsVersion: expectsVersion)
            operation = nil
            parameters =
                [Parameter("key", .entity(type))]
                + (expectsVersion ? [Parameter("version", .uint)] : [])
        }
    }

    /// What rejections name the step by.
    var name: String {
        if case .call(let operation) = action { return operation.name }
        return place ?? ""
    }

    func name(of parameter: Parameter) -> String {
        place.map { "\($0).\(parameter.name)" } ?? parameter.name
    }
}

extension Parameter {
    fileprivate init(_ name: String, _ type: ValueType, maximumByteCount: Int? = nil) {
        self.init(
            name: name, type: type, maximumByteCount: maximumByteCount,
            location: SourceLocation(line: 1, column: 1))
    }

    fileprivate init(_ field: Field) {
        self.init(field.name, field.type, maximumByteCount: field.maximumByteCount)
    }
}
