public import AtomicStateProtocol

/// Transactions from names and values.
extension SchemaDescription {
    /// Transactions as they are sent: those of one form that follow each other share a run, if all have
    /// an idempotency key or none has.
    public func runs(of transactions: [Transaction]) throws(ArgumentError) -> [Run] {
        var runs: [Run] = []
        for transaction in transactions {
            guard !transaction.steps.isEmpty else { throw .emptyTransaction }
            var form: [Step] = []
            var arguments: [Argument] = []
            for step in transaction.steps {
                form.append(try append(step, to: &arguments))
            }
            let isKeyed = transaction.key != nil
            if runs.last.map({ $0.form == form && $0.isKeyed == isKeyed }) != true {
                runs.append(Run(form: form, columnCount: arguments.count))
            }
            try append(arguments, to: &runs[runs.count - 1])
            if let key = transaction.key { runs[runs.count - 1].idempotencyKeys.append(key) }
        }
        return runs
    }

    /// Appends the step's arguments; returns the rest of it.
    private func append(
        _ step: Transaction.Step, to arguments: inout [Argument]
    ) throws(ArgumentError) -> Step {
        switch step {
        case .call(let name, let values):
            let index = try operationIndex(named: name)
            arguments += try self.arguments(values, of: operations[index])
            return .operation(index)
        case .create(let name, let key, let values):
            let index = try genericIndex(named: name)
            let fields = try entities[index].changes(.set, values).inFieldOrder
            arguments.append(Argument(key: key, of: entities[index]))
            arguments += fields.compactMap(\.argument)
            return .create(entity: index, fields: fields.map(\.field))
        case .update(let name, let key, let set, let add, let clear, let version):
            let index = try genericIndex(named: name)
            let changes = try entities[index].changes(set: set, add: add, clear: clear)
            arguments.append(Argument(key: key, of: entities[index]))
            if let version { arguments.append(Argument(version: version)) }
            arguments += changes.compactMap(\.argument)
            return .update(
                entity: index, changes: changes.map { .init(field: $0.field, kind: $0.kind) },
                expectsVersion: version != nil)
        case .delete(let name, let key, let version):
            let index = try genericIndex(named: name)
            arguments.append(Argument(key: key, of: entities[index]))
            if let version { arguments.append(Argument(version: version)) }
            return .delete(entity: index, expectsVersion: version != nil)
        }
    }

    private func genericIndex(named name: String) throws(ArgumentError) -> Int {
        let index = try entityIndex(named: name)
        guard entities[index].isGeneric else {
            throw .notGeneric(entity: name, known: entities.filter(\.isGeneric).map(\.name))
        }
        return index
    }
}

extension Run {
    /// What every transaction of the run consists of.
    fileprivate var form: [Step] {
        steps.isEmpty ? [.operation(operation)] : steps
    }

    fileprivate var isKeyed: Bool { !idempotencyKeys.isEmpty }

    /// A run without transactions.
    fileprivate init(form: [Step], columnCount: Int) {
        let columns = Array(repeating: Column(), count: columnCount)
        if case .operation(let operation) = form[0], form.count == 1 {
            self.init(operation: operation, transactionCount: 0, arguments: columns)
        } else {
            self.init(steps: form, transactionCount: 0, arguments: columns)
        }
    }
}

/// A change of one field. A clear has no argument.
private struct Change {
    let field: Int
    let kind: Step.FieldChange.Kind
    let argument: Argument?
}

extension [Change] {
    /// The order makes transactions that change the same fields have the same form.
    fileprivate var inFieldOrder: [Change] { sorted { $0.field < $1.field } }
}

extension SchemaDescription.Entity {
    fileprivate func changes(
        set: [String: ArgumentValue], add: [String: ArgumentValue], clear: [String]
    ) throws(ArgumentError) -> [Change] {
        var changes = try changes(.set, set) + changes(.add, add)
        for name in clear {
            let index = try fieldIndex(named: name)
            guard fields[index].isOptional else {
                throw .notOptional(field: name, entity: self.name)
            }
            changes.append(Change(field: index, kind: .clear, argument: nil))
        }
        guard !changes.isEmpty else { throw .emptyUpdate(entity: name) }
        changes = changes.inFieldOrder
        for (change, next) in zip(changes, changes.dropFirst()) where change.field == next.field {
            throw .fieldChangedTwice(fields[change.field].name, entity: name)
        }
        return changes
    }

    /// Sorted by name, so that of several mistakes always the same one is reported.
    fileprivate func changes(
        _ kind: Step.FieldChange.Kind, _ values: [String: ArgumentValue]
    ) throws(ArgumentError) -> [Change] {
        var changes: [Change] = []
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            let index = try fieldIndex(named: name)
            guard kind != .add || fields[index].kind.canBeAddedTo else {
                throw .notAddable(field: name, entity: self.name)
            }
            let argument = Argument(
                text: value.text, kind: fields[index].kind, name: "\(self.name)'s \(name)")
            changes.append(Change(field: index, kind: kind, argument: argument))
        }
        return changes
    }

    private func fieldIndex(named name: String) throws(ArgumentError) -> Int {
        guard let index = fields.firstIndex(where: { $0.name == name }) else {
            throw .unknownField(name, entity: self.name, known: fields.map(\.name))
        }
        return index
    }
}

extension SchemaDescription.ValueKind {
    fileprivate var canBeAddedTo: Bool {
        switch self {
        case .int, .decimal, .duration: true
        case .bool, .uint, .string, .bytes, .uuid, .timestamp, .enumeration, .reference: false
        }
    }
}
