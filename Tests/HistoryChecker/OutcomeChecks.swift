import AtomicStateSchema
import AtomicStateValues
import ReferenceModel

/// What can be said of a history without carrying anything out: whether each reply is an answer, and
/// whether sequences, names and keys stand for one thing each.
struct OutcomeChecks {
    private let history: History
    private(set) var violations: [Violation] = []

    /// - Returns: nothing if the history's operations have one outcome each.
    static func violations(in history: History) -> [Violation] {
        var checks = OutcomeChecks(history: history)
        for index in history.operations.indices { checks.checkReply(index) }
        guard checks.violations.isEmpty else { return checks.violations }
        checks.checkNames()
        guard checks.violations.isEmpty else { return checks.violations }
        let operations = history.logicalOperations
        checks.checkSequences(operations)
        checks.checkKeys(operations)
        return checks.violations
    }

    private init(history: History) {
        self.history = history
    }

    private mutating func report(
        _ kind: Violation.Kind, _ operations: [Int], _ explanation: String
    ) {
        violations.append(
            Violation(kind: kind, operations: operations, explanation: explanation))
    }

    // MARK: One reply

    private mutating func checkReply(_ index: Int) {
        let operation = history.operations[index]
        guard let completed = operation.completed else { return }
        if completed < operation.invoked {
            report(.malformedReply, [index], "it was answered before it was sent")
        }
        switch operation.exchange {
        case .get(let read, let entities):
            if read.keys.count != entities.count {
                report(
                    .malformedReply, [index],
                    "\(entities.count) answers to \(read.keys.count) keys")
            }
        case .submit(let batch, let outcomes):
            guard batch.transactions.count == outcomes.count else {
                report(
                    .malformedReply, [index],
                    "\(outcomes.count) outcomes of \(batch.transactions.count) transactions")
                return
            }
            checkOutcomes(outcomes, of: batch, index)
        }
    }

    private mutating func checkOutcomes(
        _ outcomes: [History.Outcome], of batch: History.Batch, _ index: Int
    ) {
        let sequences = outcomes.compactMap(\.acceptedSequence)
        for (left, right) in zip(sequences, sequences.dropFirst()) where left + 1 != right {
            report(
                .batchTorn, [index], "its accepted transactions have sequences \(left) and \(right)"
            )
            return
        }
        for (transaction, outcome) in zip(batch.transactions, outcomes) {
            if case .duplicate(let sequence) = outcome, transaction.key == nil {
                report(.malformedReply, [index], "a duplicate of \(sequence) without a key")
            }
        }
        let rejectionCount = outcomes.count { $0.rejection != nil }
        let idleCount = outcomes.count { $0 == .notApplied }
        if !batch.isAtomic {
            if idleCount > 0 {
                report(.malformedReply, [index], "a batch that is not atomic was turned back")
            }
        } else if rejectionCount > 0 || idleCount > 0 {
            if rejectionCount != 1 || idleCount != outcomes.count - 1 {
                report(
                    .atomicBatchTorn, [index],
                    "\(outcomes.count) transactions, \(rejectionCount) rejected and \(idleCount) not applied"
                )
            }
        } else if sequences.count != outcomes.count && !sequences.isEmpty {
            report(
                .atomicBatchTorn, [index], "only \(sequences.count) of \(outcomes.count) are new")
        }
    }

    // MARK: Names

    private mutating func checkNames() {
        var known: [BatchName: Int] = [:]
        for (index, operation) in history.operations.enumerated() where operation.completed != nil {
            guard case .submit(let batch, let outcomes) = operation.exchange,
                let name = batch.name
            else { continue }
            guard let first = known[name] else {
                known[name] = index
                continue
            }
            guard
                case .submit(let firstBatch, let firstOutcomes) =
                    history.operations[first].exchange
            else { continue }
            if batch != firstBatch {
                report(.twoOutcomes, [first, index], "two batches were answered under one name")
            } else if let place = outcomes.indices.first(where: {
                outcomes[$0] != firstOutcomes[$0]
            }) {
                report(
                    .twoOutcomes, [first, index],
                    "transaction \(place) of one batch: \(firstOutcomes[place].text), then \(outcomes[place].text)"
                )
            }
        }
    }

    // MARK: Sequences

    private mutating func checkSequences(_ operations: [LogicalOperation]) {
        var owners: [UInt64: Int] = [:]
        for operation in operations {
            for sequence in operation.items.compactMap(\.sequence) {
                if let other = owners.updateValue(operation.answered, forKey: sequence) {
                    report(
                        .sequenceRepeated, [other, operation.answered],
                        "both have sequence \(sequence)")
                }
            }
        }
        guard !operations.contains(where: { $0.completed == nil && $0.batch != nil }) else {
            return
        }
        var last: UInt64 = 0
        for sequence in owners.keys.sorted() {
            if sequence > last + 1 {
                report(
                    .sequenceMissing, [last, sequence].compactMap { owners[$0] },
                    "nothing has the sequences from \(last + 1) to \(sequence - 1)")
            }
            last = sequence
        }
    }

    // MARK: Keys

    /// What one transaction with a key was told.
    private struct Told {
        let operation: Int
        let transaction: History.Transaction
        let outcome: History.Outcome
        /// The sequence or the rejection that the key stands for; nil if it says nothing of that.
        var meaning: History.Outcome? {
            switch outcome {
            case .accepted(let sequence), .duplicate(let sequence): .accepted(sequence: sequence)
            case .rejected(let rejection): rejection.code.isAboutKey ? nil : outcome
            case .notApplied: nil
            }
        }
    }

    private mutating func checkKeys(_ operations: [LogicalOperation]) {
        var known: [IdempotencyKey: [Told]] = [:]
        for operation in operations {
            let index = operation.answered
            guard case .submit(let batch, let outcomes) = history.operations[index].exchange
            else { continue }
            for (place, transaction) in batch.transactions.enumerated() {
                guard let key = transaction.key else { continue }
                // One without a known outcome may be what another one's outcome is about.
                let outcome = operation.completed == nil ? .notApplied : outcomes[place]
                known[key, default: []].append(
                    Told(operation: index, transaction: transaction, outcome: outcome))
            }
        }
        for told in known.values { checkKey(told) }
    }

    private mutating func checkKey(_ told: [Told]) {
        let meant = told.filter { $0.meaning != nil }
        for other in meant.dropFirst() {
            let first = meant[0]
            if other.transaction != first.transaction {
                report(
                    .twoOutcomes, [first.operation, other.operation],
                    "two transactions were judged under one key")
            } else if other.meaning != first.meaning {
                report(
                    .twoOutcomes, [first.operation, other.operation],
                    "under one key: \(first.outcome.text), then \(other.outcome.text)")
            }
        }
        for one in told {
            guard one.outcome.rejection?.code == .idempotencyKeyReused, told.count == 1 else {
                continue
            }
            report(
                .rejectionUnexplained, [one.operation], "nothing else was sent with its key")
        }
    }
}

extension History.Outcome {
    fileprivate var acceptedSequence: UInt64? {
        if case .accepted(let sequence) = self { sequence } else { nil }
    }

    fileprivate var rejection: ModelRejection? {
        if case .rejected(let rejection) = self { rejection } else { nil }
    }
}
