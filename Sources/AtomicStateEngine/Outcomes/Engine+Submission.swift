package import AtomicStateSchema
package import AtomicStateValues

/// What became of a batch that may have come before.
package enum Submission {
    case carriedOut(BatchOutcome)
    /// The batch was carried out before. All of its transactions were accepted, from this sequence on.
    case acceptedBefore(firstSequence: UInt64)
    /// The batch was carried out before, and its reply was this one.
    case toldBefore(RememberedReply)
    /// Nothing was done.
    case refused(Refusal)

    package enum Refusal {
        /// Another batch has the name.
        case otherContent
        /// The batch was sent first at a time from which not all outcomes are known.
        case forgotten
        /// The batch's time is too far ahead of the server's.
        case early
    }
}

/// By what a batch and its transactions are recognized when they come again.
package struct BatchIdentity {
    let name: BatchName?
    /// What the name stands for.
    let content: UInt32
    let keyedRuns: [KeyedRun]
    let isAtomic: Bool
    /// What a repetition is told; nil if every transaction was accepted.
    package let reply: RememberedReply?

    struct KeyedRun {
        /// Of the first transaction, in the batch.
        let firstIndex: Int
        let transactions: KeyedTransactions
    }
}

extension Engine {
    /// Carries a batch out as `execute` does, unless it was carried out before; and each of its
    /// transactions with a key, unless that one was.
    ///
    /// - Throws: as `execute`.
    package mutating func submit(
        _ runs: [TransactionRun], isAtomic: Bool, name: BatchName?
    ) throws(StepError) -> Submission {
        guard name != nil || runs.contains(where: { !$0.keys.isEmpty }) else {
            return .carriedOut(try execute(runs, isAtomic: isAtomic))
        }
        let indices = try prepareForms(of: runs)
        let hashes = zip(runs, indices).map { run, form in
            name == nil && run.keys.isEmpty ? [] : ContentHash(run, form: formHashes[form]).hashes
        }
        let keyed = zip(runs, hashes).map { run, hashes in
            run.keys.isEmpty ? nil : KeyedTransactions(keys: run.keys, hashes: hashes)
        }
        var content: UInt32 = 0
        if let name {
            content = Self.content(of: runs, hashes, isAtomic: isAtomic)
            if let known = recognize(name, content) { return known }
        }
        outcomes.makeRoom(for: runs.reduce(1) { $0 + $1.keys.count })
        var outcome = BatchOutcome()
        outcome.rules = forms.rules
        if !isAtomic || !repeatAtomicBatch(runs, keyed, &outcome) {
            carryOut(runs, indices, keyed, isAtomic: isAtomic, &outcome)
        }
        conclude(runs, keyed, isAtomic: isAtomic, name, content, &outcome)
        return .carriedOut(outcome)
    }

    private func recognize(_ name: BatchName, _ content: UInt32) -> Submission? {
        let recognition = outcomes.recognize(
            high: name.producer, low: name.number, milliseconds: name.sentMilliseconds,
            content: content, now: commitMicroseconds / 1_000)
        switch recognition {
        case .new: return nil
        case .known(let known):
            return known.sequence.map { .acceptedBefore(firstSequence: $0) }
                ?? .toldBefore(outcomes.reply(of: known))
        case .otherContent: return .refused(.otherContent)
        case .forgotten: return .refused(.forgotten)
        case .early: return .refused(.early)
        }
    }

    private static func content(
        of runs: [TransactionRun], _ hashes: [[UInt64]], isAtomic: Bool
    ) -> UInt32 {
        var content: UInt64 = isAtomic ? 1 : 0
        for (run, hashes) in zip(runs, hashes) {
            for hash in hashes { content = ContentHash.mix(content, hash) }
            for index in 0..<run.keys.count {
                content = ContentHash.mix(content, run.keys.high(index))
                content = ContentHash.mix(content, run.keys.low(index))
            }
        }
        return ContentHash.kept(content)
    }

    /// What there is to remember of a batch beside its transactions.
    private mutating func conclude(
        _ runs: [TransactionRun], _ keyed: [KeyedTransactions?], isAtomic: Bool, _ name: BatchName?,
        _ content: UInt32, _ outcome: inout BatchOutcome
    ) {
        let isPlain =
            outcome.rejections.isEmpty && outcome.duplicates.isEmpty
            && outcome.repeatedRejections.isEmpty
        let rejectedCount = outcome.rejections.count { $0.isDecided }
        guard name != nil || outcome.acceptedCount + rejectedCount > 0 else { return }
        let number = outcomes.nextReplyNumber
        let isTold = name == nil ? rejectedCount > 0 : !isPlain
        let reply = isTold ? RememberedReply() : nil
        if let reply {
            outcomes.remember(reply, weight: rejectedCount * OutcomeMemory.rejectionWeight)
        }
        if let name {
            outcomes.remember(
                high: name.producer, low: name.number, milliseconds: name.sentMilliseconds,
                content: content,
                isPlain
                    ? .accepted(outcome.firstSequence) : .told(inReply: number, index: 0))
        }
        var keyedRuns: [BatchIdentity.KeyedRun] = []
        var firstIndex = 0
        for (run, keyed) in zip(runs, keyed) {
            if let keyed {
                keyedRuns.append(
                    BatchIdentity.KeyedRun(firstIndex: firstIndex, transactions: keyed))
            }
            firstIndex += run.transactionCount
        }
        outcome.identity = BatchIdentity(
            name: name, content: content, keyedRuns: keyedRuns, isAtomic: isAtomic, reply: reply)
    }
}

// MARK: Keyed transactions

extension Engine {
    /// Whether a transaction is new; if it is not, its outcome is noted.
    ///
    /// - Parameter index: the transaction's place in the batch.
    /// - Returns: the slot for its outcome, if it is to be carried out.
    @inline(__always)
    func recognize(
        _ keyed: KeyedTransactions, at offset: Int, index: Int, _ outcome: inout BatchOutcome
    ) -> Int? {
        let recognition = outcomes.recognize(keyed, at: offset, now: commitMicroseconds / 1_000)
        if case .new(slot: let slot) = recognition { return slot }
        note(recognition, index: index, &outcome)
        return nil
    }

    /// - Parameter recognition: of what is not new.
    private func note(_ recognition: Recognition, index: Int, _ outcome: inout BatchOutcome) {
        switch recognition {
        case .new: preconditionFailure("a new transaction is carried out")
        case .known(let known):
            if let sequence = known.sequence {
                outcome.duplicates.append(DuplicateRecord(index: index, sequence: sequence))
            } else if known.replyNumber == outcomes.nextReplyNumber,
                let rejection = outcome.rejections.first(where: { $0.index == known.index })
            {
                outcome.rejections.append(rejection.repeated(at: index))
            } else {
                outcome.repeatedRejections.append(
                    RepeatedRejection(
                        index: index, reply: outcomes.reply(of: known), originalIndex: known.index))
            }
        case .otherContent: refuse(index, .idempotencyKeyReused, &outcome)
        case .forgotten: refuse(index, .idempotencyKeyForgotten, &outcome)
        case .early: refuse(index, .idempotencyKeyEarly, &outcome)
        }
    }

    private func refuse(_ index: Int, _ code: RejectionCode, _ outcome: inout BatchOutcome) {
        let none = outcome.observations.endIndex
        outcome.rejections.append(
            RejectionRecord(
                index: index, code: code, rule: program.idempotencyKeyRule, key: nil,
                entityType: nil, observations: none..<none))
    }

    /// Of an atomic batch that was turned back, the one rejection.
    mutating func rememberRejection(
        _ runs: [TransactionRun], _ keyed: [KeyedTransactions?], _ outcome: BatchOutcome
    ) {
        guard let rejection = outcome.rejections.first, rejection.isDecided else { return }
        var offset = rejection.index
        for (run, keyed) in zip(runs, keyed) {
            if offset < run.transactionCount {
                guard let keyed else { return }
                let now = commitMicroseconds / 1_000
                guard case .new(slot: let slot) = outcomes.recognize(keyed, at: offset, now: now)
                else { preconditionFailure("what was carried out was new") }
                outcomes.remember(
                    keyed, at: offset,
                    .told(inReply: outcomes.nextReplyNumber, index: rejection.index), in: slot)
                return
            }
            offset -= run.transactionCount
        }
    }

    /// An atomic batch with known transactions has its outcome already, or can't be carried out whole.
    ///
    /// - Returns: whether that is so, and the outcome is complete.
    private func repeatAtomicBatch(
        _ runs: [TransactionRun], _ keyed: [KeyedTransactions?], _ outcome: inout BatchOutcome
    ) -> Bool {
        var earlier = BatchOutcome()
        earlier.rules = outcome.rules
        var index = 0
        var hasNew = false
        for (run, keyed) in zip(runs, keyed) {
            for offset in 0..<run.transactionCount {
                if let keyed, recognize(keyed, at: offset, index: index, &earlier) == nil {
                    if earlier.duplicates.isEmpty {
                        // The batch's rejection of the first time, or why the key can't be used.
                        outcome = earlier
                        return true
                    }
                } else {
                    hasNew = true
                }
                index += 1
            }
        }
        guard let accepted = earlier.duplicates.first else { return false }
        if let unusable = earlier.rejections.first {
            outcome.rejections = [unusable]
        } else if hasNew || !earlier.repeatedRejections.isEmpty {
            refuse(accepted.index, .idempotencyKeyReused, &outcome)
        } else {
            outcome = earlier
        }
        return true
    }
}
