public import AtomicStateProtocol

/// What became of one transaction.
public enum TransactionOutcome: Sendable, Equatable {
    /// It is durable, at this place in the journal.
    case accepted(sequence: UInt64)
    /// It left no trace.
    case rejected(Rejection)
}

/// What became of a batch that is all or nothing.
public enum AtomicBatchOutcome: Sendable, Equatable {
    /// Every transaction is durable; their places in the journal follow one another from this one.
    case accepted(firstSequence: UInt64)
    /// The transaction at `Rejection.index` of the batch was rejected. None left a trace.
    case rejected(Rejection)
}

extension SubmitReply {
    /// One outcome for each transaction of a batch. One that an earlier batch had carried out, as its
    /// idempotency key tells, has the outcome of then.
    ///
    /// - Throws: `internal` for a reply that contradicts itself or the batch.
    public func outcomes(transactionCount: Int) throws(Status) -> [TransactionOutcome] {
        guard acceptedCount + rejections.count + duplicates.count == transactionCount else {
            throw contradiction(transactionCount)
        }
        var sequences = try acceptedSequences()
        var rejections = rejections[...]
        var duplicates = duplicates[...]
        var outcomes: [TransactionOutcome] = []
        outcomes.reserveCapacity(transactionCount)
        for index in 0..<transactionCount {
            if rejections.first?.index == index {
                outcomes.append(.rejected(rejections.removeFirst()))
            } else if duplicates.first?.index == index {
                outcomes.append(.accepted(sequence: duplicates.removeFirst().sequence))
            } else if let sequence = sequences.popFirst() {
                outcomes.append(.accepted(sequence: sequence))
            } else {
                throw contradiction(transactionCount)
            }
        }
        return outcomes
    }

    /// - Throws: as `outcomes(transactionCount:)`; `alreadyExists` if all transactions were accepted
    ///   before, and not together.
    func atomicOutcome(transactionCount: Int) throws(Status) -> AtomicBatchOutcome {
        let sequences = try acceptedSequences()
        if !duplicates.isEmpty { return try repeatedAtomicOutcome(transactionCount) }
        guard let rejection = rejections.first else {
            guard let first = sequences.first, acceptedCount == transactionCount else {
                throw contradiction(transactionCount)
            }
            return .accepted(firstSequence: first)
        }
        guard rejections.count == 1, sequences.isEmpty, rejection.index < transactionCount else {
            throw contradiction(transactionCount)
        }
        return .rejected(rejection)
    }

    /// Of an atomic batch, the server repeats all transactions or none.
    private func repeatedAtomicOutcome(_ transactionCount: Int) throws(Status) -> AtomicBatchOutcome
    {
        guard acceptedCount == 0, rejections.isEmpty,
            duplicates.map(\.index) == Array(0..<transactionCount)
        else { throw contradiction(transactionCount) }
        let first = duplicates[0].sequence
        for (index, duplicate) in duplicates.enumerated()
        where duplicate.sequence != first &+ UInt64(index) {
            throw Status(
                .alreadyExists,
                "the transactions were accepted before, but not together: the batch's first one has "
                    + "the sequence \(first), the one at \(index) has \(duplicate.sequence)")
        }
        return .accepted(firstSequence: first)
    }

    private func acceptedSequences() throws(Status) -> Range<UInt64> {
        let (end, overflows) = firstSequence.addingReportingOverflow(UInt64(acceptedCount))
        guard !overflows, acceptedCount == 0 || firstSequence > 0 else {
            throw Status(
                .internal,
                "the server accepted \(acceptedCount) transactions from sequence \(firstSequence)")
        }
        return firstSequence..<end
    }

    private func contradiction(_ transactionCount: Int) -> Status {
        Status(
            .internal,
            "the server accepted \(acceptedCount), rejected \(rejections.count) and repeated "
                + "\(duplicates.count) of \(transactionCount) transactions")
    }
}
