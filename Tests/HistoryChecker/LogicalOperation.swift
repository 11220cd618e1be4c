import AtomicStateValues
import ReferenceModel

/// What the server did once: all attempts at one batch, which have its name, or one other operation.
struct LogicalOperation {
    /// One thing that was told, with a place of its own in the order of sequences.
    enum Item {
        case accepted(History.Transaction, sequence: UInt64)
        case duplicate(IdempotencyKey?, sequence: UInt64)
        case rejected(History.Transaction, ModelRejection)
        /// An atomic batch, by the transaction with this index.
        case turnedBack([History.Transaction], index: Int, ModelRejection)
        case read(History.Read, [EntitySnapshot?])

        /// Nil for whatever has no sequence of its own: its place is to be found.
        var sequence: UInt64? {
            if case .accepted(_, let sequence) = self { sequence } else { nil }
        }
    }

    /// When the first attempt was.
    let invoked: UInt64
    /// When the first answer came; nil if none did, and then there are no items.
    let completed: UInt64?
    /// Of its attempts, the one that was answered first: an index into the history's operations.
    let answered: Int
    let batch: History.Batch?
    /// In the order in which they were judged.
    var items: [Item]

    /// - Parameter attempts: indices into the history's operations; what they were told agrees (`OutcomeChecks`).
    init(_ attempts: [Int], of history: History) {
        let operations = attempts.map { history.operations[$0] }
        invoked = operations.map(\.invoked).min() ?? 0
        completed = operations.compactMap(\.completed).min()
        let earliest = attempts.min {
            history.operations[$0].completed ?? .max < history.operations[$1].completed ?? .max
        }
        answered = earliest ?? attempts[0]
        switch history.operations[answered].exchange {
        case .get(let read, let entities):
            batch = nil
            items = completed == nil ? [] : [.read(read, entities)]
        case .submit(let batch, let outcomes):
            self.batch = batch
            items = Self.items(batch, outcomes)
        }
    }

    static func items(_ batch: History.Batch, _ outcomes: [History.Outcome]) -> [Item] {
        zip(batch.transactions, outcomes).enumerated().compactMap { index, told in
            switch told.1 {
            case .accepted(let sequence): .accepted(told.0, sequence: sequence)
            case .duplicate(let sequence): .duplicate(told.0.key, sequence: sequence)
            case .rejected(let rejection) where batch.isAtomic:
                .turnedBack(batch.transactions, index: index, rejection)
            case .rejected(let rejection): .rejected(told.0, rejection)
            case .notApplied: nil
            }
        }
    }
}

extension History {
    /// The operations that took place once, in the order of their first attempts.
    var logicalOperations: [LogicalOperation] {
        var attempts: [[Int]] = []
        var named: [BatchName: Int] = [:]
        for (index, operation) in operations.enumerated() {
            if case .submit(let batch, _) = operation.exchange, let name = batch.name {
                if let known = named[name] {
                    attempts[known].append(index)
                    continue
                }
                named[name] = attempts.count
            }
            attempts.append([index])
        }
        return attempts.map { LogicalOperation($0, of: self) }.sorted { $0.invoked < $1.invoked }
    }
}

extension History.Transaction {
    /// As the model takes it.
    var executed: (form: ReferenceModel.Form, arguments: [Argument]) { (form, arguments) }
}
