package import AtomicStateSchema
import ReferenceModel

extension History {
    /// The operations, numbered as in a `Violation`, in the schema's words.
    package func description(in schema: Schema) -> String {
        let begin = operations.map(\.invoked).min() ?? 0
        /// Since the history began.
        func milliseconds(_ nanoseconds: UInt64) -> String {
            let microseconds = (nanoseconds - begin) / 1_000
            let fraction = String(microseconds % 1_000 + 1_000).dropFirst()
            return "\(microseconds / 1_000).\(fraction) ms"
        }
        return operations.enumerated().map { index, operation in
            let completed = operation.completed.map { milliseconds($0) } ?? "unknown"
            return "#\(index) client \(operation.client) [\(milliseconds(operation.invoked)), "
                + "\(completed)] \(operation.exchange.description(in: schema))\n"
        }.joined()
    }
}

extension History.Exchange {
    func description(in schema: Schema) -> String {
        switch self {
        case .get(let read, let entities):
            let name = schema.entities[read.type].name
            let found = entities.map { entity in
                entity.map { "version \($0.version) \($0.values)" } ?? "none"
            }
            return "get \(name) \(read.keys) -> \(found.joined(separator: ", "))"
        case .submit(let batch, let outcomes):
            let name = batch.name.map { " \($0.producer)/\($0.number)" } ?? ""
            let transactions = batch.transactions.enumerated().map { index, transaction in
                let outcome = outcomes.indices.contains(index) ? outcomes[index].text : "unknown"
                return "  \(transaction.description(in: schema)) -> \(outcome)"
            }
            return (["\(batch.isAtomic ? "atomic batch" : "batch")\(name)"] + transactions)
                .joined(separator: "\n")
        }
    }
}

extension History.Transaction {
    func description(in schema: Schema) -> String {
        let form =
            switch form {
            case .operation(let index): schema.operations[index].name
            case .steps(let steps): "\(steps)"
            }
        let key = key.map { " key \(String($0.high, radix: 16))-\(String($0.low, radix: 16))" }
        return "\(form)\(arguments)\(key ?? "")"
    }
}

extension History.Outcome {
    var text: String {
        switch self {
        case .accepted(let sequence): "accepted \(sequence)"
        case .duplicate(let sequence): "accepted before, \(sequence)"
        case .rejected(let rejection): "rejected: \(rejection.text)"
        case .notApplied: "not applied"
        }
    }
}

extension ModelRejection {
    var text: String {
        let entity = entityType.isEmpty ? "" : " of \(entityType) \(entityKey)"
        return "\(code) \(rule)\(entity)"
    }
}
