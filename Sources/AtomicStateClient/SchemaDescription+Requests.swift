public import AtomicStateProtocol

/// Requests from names and values.
extension SchemaDescription {
    /// One transaction.
    public func run(
        operation: String, arguments: [String: String]
    ) throws(ArgumentError) -> Run {
        try run(operation: operation, transactions: [arguments.mapValues { ArgumentValue($0) }])
    }

    /// Consecutive transactions of one operation: for each, its arguments by parameter name.
    public func run(
        operation name: String, transactions: [[String: ArgumentValue]]
    ) throws(ArgumentError) -> Run {
        let index = try operationIndex(named: name)
        let operation = operations[index]
        var run = Run(
            operation: index, transactionCount: 0,
            arguments: operation.parameters.map { _ in Column() })
        for values in transactions {
            try append(arguments(values, of: operation), to: &run)
        }
        return run
    }

    /// The keys of entities of one type.
    public func column(ofKeys keys: [String], entity name: String) throws(ArgumentError) -> Column {
        let entity = entities[try entityIndex(named: name)]
        var column = Column()
        for key in keys {
            try append(Argument(key: ArgumentValue(key), of: entity), to: &column)
        }
        return column
    }

    /// The arguments of a call, in the order of the operation's parameters.
    func arguments(
        _ values: [String: ArgumentValue], of operation: Operation
    ) throws(ArgumentError) -> [Argument] {
        try requireKnown(values.keys, of: operation)
        var arguments: [Argument] = []
        for parameter in operation.parameters {
            guard let value = values[parameter.name] else {
                throw .missingParameter(parameter.name, operation: operation.name)
            }
            arguments.append(
                Argument(
                    text: value.text, kind: parameter.kind,
                    name: "\(operation.name)'s \(parameter.name)"))
        }
        return arguments
    }

    /// Appends one transaction to a run of its form.
    func append(_ arguments: [Argument], to run: inout Run) throws(ArgumentError) {
        for (index, argument) in arguments.enumerated() {
            try append(argument, to: &run.arguments[index])
        }
        run.transactionCount += 1
    }

    /// Sorted, so that of several mistakes always the same one is reported.
    private func requireKnown(
        _ names: Dictionary<String, ArgumentValue>.Keys, of operation: Operation
    ) throws(ArgumentError) {
        let known = operation.parameters.map(\.name)
        if let unknown = names.sorted().first(where: { !known.contains($0) }) {
            throw .unknownParameter(unknown, operation: operation.name, known: known)
        }
    }
}
