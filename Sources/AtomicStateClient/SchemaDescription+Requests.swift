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
        for arguments in transactions {
            try requireKnown(arguments.keys, of: operation)
        }
        var columns: [Column] = []
        for parameter in operation.parameters {
            var column = Column()
            for arguments in transactions {
                guard let value = arguments[parameter.name] else {
                    throw .missingParameter(parameter.name, operation: name)
                }
                try append(
                    value.text, of: parameter.kind, named: "\(name)'s \(parameter.name)",
                    to: &column)
            }
            columns.append(column)
        }
        return Run(operation: index, transactionCount: transactions.count, arguments: columns)
    }

    /// The keys of entities of one type.
    public func column(ofKeys keys: [String], entity name: String) throws(ArgumentError) -> Column {
        let entity = entities[try entityIndex(named: name)]
        var column = Column()
        for key in keys {
            try append(key, of: entity.key, named: "the key of \(name)", to: &column)
        }
        return column
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
