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
    let runs: [PreparedRun]
    let isAtomic: Bool
    /// What a repetition is told; nil if every transaction was accepted.
    package let reply: RememberedReply?
}

extension Engine {
    /// Carries a batch out as `execute` does, unless it was carried out before; and each of its
    /// transactions with a key, unless that one was.
    ///
    /// - Throws: as `execute`.
    package mutating func submit(
        _ runs: [TransactionRun], isAtomic: Bool, name: BatchName?
    ) throws(StepError) -> Submission {
        let keyCount = runs.reduce(0) { $0 + $1.keys.count }
        guard name != nil || keyCount > 0 else {
            return .carriedOut(try execute(runs, isAtomic: isAtomic))
        }
        let runs = try prepare(runs) { name != nil || !$0.keys.isEmpty }
        var content: UInt32 = 0
        if let name {
            content = Self.content(of: runs, isAtomic: isAtomic)
            if let known = recognize(name, content) { return known }
        }
        outcomes.makeRoom(for: keyCount + 1)
        var outcome = BatchOutcome()
        outcome.rules = forms.rules
        if !isAtomic || !repeatAtomicBatch(runs, &outcome) {
            carryOut(runs, isAtomic: isAtomic, &outcome)
        }
        conclude(runs, isAtomic: isAtomic, name, content, &outcome)
        return .carriedOut(outcome)
    }

    /// What became of a batch that is not to be carried out now, if it has come before; nil if it has
    /// not.
    ///
    /// - Throws: as `execute`.
    package mutating func recall(
        _ runs: [TransactionRun], isAtomic: Bool, name: BatchName
    ) throws(StepError) -> Submission? {
        let runs = try prepare(runs) { _ in true }
        return recognize(name, Self.content(of: runs, isAtomic: isAtomic))
    }

    private mutating func recognize(_ name: BatchName, _ content: UInt32) -> Submission? {
        let recognition = outcomes.recognize(name, content: content, now: latestMilliseconds)
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

    private static func content(of runs: [PreparedRun], isAtomic: Bool) -> UInt32 {
        let sum = runs.reduce(isAtomic ? 1 : 0) { $0 &+ ($1.contents?.sum ?? 0) }
        return ContentHash.kept(ContentHash.mix(sum, 0))
    }

    /// What there is to remember of a batch beside its transactions.
    private mutating func conclude(
        _ runs: [PreparedRun], isAtomic: Bool, _ name: BatchName?, _ content: UInt32,
        _ outcome: inout BatchOutcome
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
            outcomes.remember(
                reply,
                weight: OutcomeMemory.weight(
                    ofReplyWithRejections: outcome.rejections.count
                        + outcome.repeatedRejections.count,
                    duplicates: outcome.duplicates.count))
        }
        if let name {
            outcomes.remember(
                high: name.producer, low: name.number, milliseconds: name.sentMilliseconds,
                content: content,
                isPlain
                    ? .accepted(outcome.firstSequence) : .told(inReply: number, index: 0))
        }
        outcome.identity = BatchIdentity(
            name: name, content: content, runs: runs, isAtomic: isAtomic, reply: reply)
    }
}

// MARK: Keyed transactions

extension Engine {
    /// Reserves slots for those of a run's next transactions that are new, as far as that is known at a
    /// glance.
    ///
    /// - Parameter offset: of the next one, a multiple of `Lookahead.keys.step`.
    mutating func reserveSlots(_ keyed: KeyedTransactions, from offset: Int) {
        let next = outcomes.reserve(keyed, from: offset, now: latestMilliseconds)
        if isInAtomicBatch { rememberedSlots += next.compactMap { outcomes.reservedSlot($0) } }
    }

    /// The slot for a transaction's outcome. If it is not new, there is none, and its outcome is noted.
    ///
    /// - Parameter index: the transaction's place in the batch.
    @inline(__always)
    mutating func slot(
        for keyed: KeyedTransactions, at offset: Int, index: Int, _ outcome: inout BatchOutcome
    ) -> Int? {
        outcomes.reservedSlot(offset)
            ?? reserveAtLast(keyed, at: offset, index: index, &outcome)
    }

    private mutating func reserveAtLast(
        _ keyed: KeyedTransactions, at offset: Int, index: Int, _ outcome: inout BatchOutcome
    ) -> Int? {
        guard let slot = recognize(keyed, at: offset, index: index, &outcome) else { return nil }
        outcomes.remember(keyed, at: offset, .undecided, in: slot)
        if isInAtomicBatch { rememberedSlots.append(slot) }
        return slot
    }

    /// Whether a transaction is new; if it is not, its outcome is noted.
    ///
    /// - Parameter index: the transaction's place in the batch.
    /// - Returns: the slot where its outcome belongs, if it is to be carried out.
    private mutating func recognize(
        _ keyed: KeyedTransactions, at offset: Int, index: Int, _ outcome: inout BatchOutcome
    ) -> Int? {
        let recognition = outcomes.recognize(keyed, at: offset, now: latestMilliseconds)
        if case .new(slot: let slot) = recognition { return slot }
        note(recognition, index: index, &outcome)
        return nil
    }

    /// - Parameter recognition: of what is not new.
    private mutating func note(
        _ recognition: Recognition, index: Int, _ outcome: inout BatchOutcome
    ) {
        switch recognition {
        case .new: preconditionFailure("a new transaction is carried out")
        case .known(let known):
            if let sequence = known.sequence {
                // `repeatAtomicBatch` has found what came before it: the key is another transaction's of the batch.
                guard !isInAtomicBatch else {
                    return refuse(index, .idempotencyKeyReused, &outcome)
                }
                outcome.duplicates.append(DuplicateRecord(index: index, sequence: sequence))
            } else if known.replyNumber == outcomes.nextReplyNumber,
                let rejection = outcome.rejections.first(numbered: known.index, by: \.index)
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

    private mutating func refuse(_ index: Int, _ code: RejectionCode, _ outcome: inout BatchOutcome)
    {
        let none = outcome.observations.endIndex
        outcome.rejections.append(
            RejectionRecord(
                index: index, code: code, rule: program.idempotencyKeyRule, key: nil,
                entityType: nil, observations: none..<none))
    }

    /// Of an atomic batch that was turned back, the one rejection.
    mutating func rememberRejection(_ runs: [PreparedRun], _ outcome: BatchOutcome) {
        guard let rejection = outcome.rejections.first, rejection.isDecided,
            let run = runs.first(where: { $0.indices.contains(rejection.index) }),
            let keyed = run.keyed
        else { return }
        let offset = rejection.index - run.indices.lowerBound
        guard
            case .new(slot: let slot) = outcomes.recognize(
                keyed, at: offset, now: latestMilliseconds)
        else { preconditionFailure("what was carried out was new") }
        outcomes.remember(
            keyed, at: offset,
            .told(inReply: outcomes.nextReplyNumber, index: rejection.index), in: slot)
    }

    /// An atomic batch with known transactions has its outcome already, or can't be carried out whole.
    ///
    /// - Returns: whether that is so, and the outcome is complete.
    private mutating func repeatAtomicBatch(
        _ runs: [PreparedRun], _ outcome: inout BatchOutcome
    ) -> Bool {
        var earlier = BatchOutcome()
        earlier.rules = outcome.rules
        var hasNew = false
        for run in runs {
            for (offset, index) in run.indices.enumerated() {
                if let keyed = run.keyed,
                    recognize(keyed, at: offset, index: index, &earlier) == nil
                {
                    if earlier.duplicates.isEmpty {
                        // The batch's rejection of the first time, or why the key can't be used.
                        outcome = earlier
                        return true
                    }
                } else {
                    hasNew = true
                }
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
