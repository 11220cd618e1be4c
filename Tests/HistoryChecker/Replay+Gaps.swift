import AtomicStateValues
import ReferenceModel

/// Operations without a known outcome may have been carried out or not, and at any position after their
/// invocation. They are tried out where sequences are missing, and where something remains unexplained.
extension Replay {
    /// Assumes that some operation without a known outcome has the next sequences.
    ///
    /// - Returns: nil if that is certain now, and the replay can go on; or what contradicts in the end.
    mutating func fillGap() -> [Violation]? {
        let next = nextKnownSequence
        let candidates = assumptions(Int(clamping: next - model.sequence - 1))
        if candidates.isEmpty {
            reportGap(before: next)
            return violations
        }
        if candidates.count == 1 {
            setItems(candidates[0].items, of: candidates[0].operation)
            return nil
        }
        return tryOut(candidates)
    }

    /// Assumes that operations without a known outcome were carried out behind the last known sequence.
    ///
    /// - Returns: nothing that contradicts, or that this is not decided; nil if that is no explanation.
    func explainByMore() -> [Violation]? {
        let candidates = assumptions(.max)
        guard !candidates.isEmpty else { return nil }
        let found = tryOut(candidates)
        return found.isEmpty || budget.isUsedUp ? found : nil
    }

    /// Returns the first one's violations if each has some.
    private func tryOut(_ candidates: [(operation: Int, items: [Item])]) -> [Violation] {
        var first: [Violation] = []
        for (index, candidate) in candidates.enumerated() {
            guard budget.take() else { break }
            var trial = self
            trial.setItems(candidate.items, of: candidate.operation)
            let found = trial.run()
            if found.isEmpty { return [] }
            if index == 0 { first = found }
        }
        guard budget.isUsedUp else { return first }
        let explanation = "too many operations without a known outcome"
        return [Violation(kind: .undecided, operations: [], explanation: explanation)]
    }

    /// The operations that can have been carried out here.
    ///
    /// - Parameter room: how many sequences are missing.
    private func assumptions(_ room: Int) -> [(operation: Int, items: [Item])] {
        unknown.prefix { isAdmitted($0) }.compactMap { operation in
            assumedItems(of: operation, room).map { (operation, $0) }
        }
    }

    /// What of the operation would be accepted here; nil if it can't have been carried out here.
    private func assumedItems(of operation: Int, _ room: Int) -> [Item]? {
        guard let batch = operations[operation].batch else { return nil }
        var trial = model
        var items: [Item] = []
        for transaction in batch.transactions {
            let known = transaction.key.flatMap { keys.keySequences[$0] }
            if let known, known <= trial.sequence { continue }
            if keys.isRejected(transaction.key) {
                if batch.isAtomic { return nil }
                continue
            }
            let rejection = trial.execute(transaction.form, arguments: transaction.arguments)
            if rejection != nil {
                if batch.isAtomic { return nil }
                continue
            }
            guard keys.allows(trial.sequence, for: transaction.key) else { return nil }
            items.append(.accepted(transaction, sequence: trial.sequence))
        }
        let isWhole = !batch.isAtomic || items.count == batch.transactions.count
        return isWhole && (1...room).contains(items.count) ? items : nil
    }
}

/// How many assumptions a check may make, so that it comes to an end.
final class AssumptionBudget {
    private var remaining = 2_000
    private(set) var isUsedUp = false

    /// Returns whether one more may be made.
    func take() -> Bool {
        remaining -= 1
        if remaining < 0 { isUsedUp = true }
        return !isUsedUp
    }
}
