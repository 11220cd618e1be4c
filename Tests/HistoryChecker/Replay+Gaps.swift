import AtomicStateValues
import ReferenceModel

/// Operations without a known outcome may have been carried out or not, and at any position after their
/// invocation. They are tried out where sequences are missing, and where something remains unexplained.
extension Replay {
    /// What follows if some operation without a known outcome has the next sequences.
    mutating func fillGap() -> [Violation] {
        let next = nextKnownSequence
        if let found = assume(Int(clamping: next - model.sequence - 1)) { return found }
        reportGap(before: next)
        return violations
    }

    /// The same behind the last known sequence; nil if there is no such operation.
    func extend() -> [Violation]? {
        let found = assume(.max)
        return found?.isEmpty == true ? [] : nil
    }

    /// Tries one after the other. Returns the violations that remain if the first of the best of them is
    /// assumed to be carried out here; nil if none can be.
    ///
    /// - Parameter room: how many sequences are missing.
    private func assume(_ room: Int) -> [Violation]? {
        var best: [Violation]?
        for operation in operations.indices {
            guard let items = assumedItems(of: operation, room) else { continue }
            guard budget.take() else {
                let explanation = "too many operations without a known outcome"
                return [Violation(kind: .undecided, operations: [], explanation: explanation)]
            }
            var trial = self
            trial.setItems(items, of: operation)
            let found = trial.run()
            if found.isEmpty { return [] }
            if best == nil { best = found }
        }
        return best
    }

    /// What of the operation would be accepted here; nil if it can't have been carried out here.
    private func assumedItems(of operation: Int, _ room: Int) -> [Item]? {
        let candidate = operations[operation]
        guard candidate.completed == nil, candidate.items.isEmpty, isAdmitted(operation),
            let batch = candidate.batch
        else { return nil }
        var trial = model
        var items: [Item] = []
        for transaction in batch.transactions {
            let known = transaction.key.flatMap { keys.keySequences[$0] }
            if let known, known <= trial.sequence { continue }
            let rejection = trial.execute(transaction.form, arguments: transaction.arguments)
            if rejection != nil {
                if batch.isAtomic { return nil }
                continue
            }
            if let known, known != trial.sequence { return nil }
            items.append(.accepted(transaction, sequence: trial.sequence))
        }
        let isWhole = !batch.isAtomic || items.count == batch.transactions.count
        return isWhole && (1...room).contains(items.count) ? items : nil
    }
}

/// How many assumptions a check may make, so that it comes to an end.
final class AssumptionBudget {
    private var count = 2_000

    func take() -> Bool {
        count -= 1
        return count >= 0
    }
}
