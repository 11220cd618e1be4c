import HistoryChecker
import ReferenceModel
import SeededRandom

/// Changes one thing of a history.
struct Mutator {
    private(set) var history: History
    var random: SeededGenerator

    /// Returns whether the history has anything to change in this way.
    mutating func mutate(_ mutation: MutationTests.Mutation) -> Bool {
        switch mutation {
        case .value: mutateEntity { entity, random in Self.changeValue(of: entity, &random) }
        case .version:
            mutateEntity { entity, _ in
                EntitySnapshot(version: entity.version + 1, values: entity.values)
            }
        case .found: mutateEntity { _, _ in nil }
        case .staleRead: makeStale()
        case .argument: mutateArgument()
        case .exchangedSequences: exchangeSequences()
        case .acceptedForRejected:
            mutateOutcome { outcome, history in
                guard case .rejected = outcome else { return nil }
                return .accepted(sequence: history.lastSequence + 1)
            }
        case .rejectedForAccepted:
            mutateOutcome { outcome, history in
                guard case .accepted = outcome else { return nil }
                return history.rejections.first
            }
        case .rejectionRule:
            mutateOutcome { outcome, history in
                guard case .rejected = outcome else { return nil }
                return history.rejections.first { $0 != outcome }
            }
        case .lostBatch: loseBatch()
        case .answeredEarly: moveBatch { _ in (0, 0) }
        case .sentLate: moveBatch { ($0.operations.count * 4, $0.operations.count * 4 + 1) }
        case .outcomeOfRepetition: contradictRepetition()
        }
    }

    // MARK: Choosing

    /// Those operations, in a random order.
    private mutating func shuffled(_ isMeant: (History.Operation) -> Bool) -> [Int] {
        history.operations.indices.filter { isMeant(history.operations[$0]) }
            .shuffled(using: &random)
    }

    // MARK: Reads

    private mutating func mutateEntity(
        _ change: (EntitySnapshot, inout SeededGenerator) -> EntitySnapshot?
    ) -> Bool {
        for index in shuffled({ $0.completed != nil }) {
            guard case .get(let read, var entities) = history.operations[index].exchange,
                let place = entities.indices.filter({ entities[$0] != nil })
                    .randomElement(using: &random),
                let entity = entities[place]
            else { continue }
            entities[place] = change(entity, &random)
            history.operations[index].exchange = .get(read, entities)
            return true
        }
        return false
    }

    private static func changeValue(
        of entity: EntitySnapshot, _ random: inout SeededGenerator
    ) -> EntitySnapshot {
        var values = entity.values
        let index = Int.random(in: values.indices, using: &random)
        switch values[index] {
        case .word(let word): values[index] = .word(word &+ 1)
        case .bytes(let bytes): values[index] = .bytes(bytes + [0x61])
        case .time, .absent: preconditionFailure("the schemas have no such values")
        }
        return EntitySnapshot(version: entity.version, values: values)
    }

    /// What was read before takes the place of what was acknowledged before the read was sent.
    private mutating func makeStale() -> Bool {
        var acknowledged: [UInt64: UInt64] = [:]
        for operation in history.operations {
            for sequence in operation.acceptedSequences {
                acknowledged[sequence] = operation.completed
            }
        }
        for late in shuffled({ $0.completed != nil }) {
            guard case .get(let read, var entities) = history.operations[late].exchange
            else { continue }
            for (place, key) in read.keys.enumerated() {
                guard let entity = entities[place],
                    acknowledged[entity.version] ?? .max < history.operations[late].invoked,
                    let stale = olderEntity(type: read.type, key: key, than: entity.version)
                else { continue }
                entities[place] = stale
                history.operations[late].exchange = .get(read, entities)
                return true
            }
        }
        return false
    }

    private func olderEntity(type: Int, key: Argument, than version: UInt64) -> EntitySnapshot? {
        for operation in history.operations {
            guard case .get(let read, let entities) = operation.exchange, read.type == type
            else { continue }
            for (other, entity) in zip(read.keys, entities) where other == key {
                if let entity, entity.version < version { return entity }
            }
        }
        return nil
    }

    // MARK: Batches

    private mutating func mutateArgument() -> Bool {
        for index in shuffled({ !$0.acceptedSequences.isEmpty }) {
            guard case .submit(var batch, let outcomes) = history.operations[index].exchange
            else { continue }
            let places = batch.transactions.indices.filter { place in
                if case .accepted = outcomes[place] { true } else { false }
            }
            guard let place = places.randomElement(using: &random) else { continue }
            let last = batch.transactions[place].arguments.count - 1
            guard case .word(let word) = batch.transactions[place].arguments[last] else { continue }
            batch.transactions[place].arguments[last] = .word(word &+ 1)
            history.operations[index].exchange = .submit(batch, outcomes)
            return true
        }
        return false
    }

    private mutating func mutateOutcome(
        _ change: (History.Outcome, History) -> History.Outcome?
    ) -> Bool {
        for index in shuffled({ $0.completed != nil }) {
            guard case .submit(let batch, var outcomes) = history.operations[index].exchange
            else { continue }
            for place in outcomes.indices.shuffled(using: &random) {
                guard let changed = change(outcomes[place], history) else { continue }
                outcomes[place] = changed
                history.operations[index].exchange = .submit(batch, outcomes)
                return true
            }
        }
        return false
    }

    private mutating func exchangeSequences() -> Bool {
        let single = shuffled { $0.acceptedSequences.count == 1 }
        for (left, right) in zip(single, single.dropFirst()) {
            guard let first = history.operations[left].acceptedSequences.first,
                let second = history.operations[right].acceptedSequences.first,
                first != second
            else { continue }
            history.operations[left].exchangeSequence(first, for: second)
            history.operations[right].exchangeSequence(second, for: first)
            return true
        }
        return false
    }

    private mutating func loseBatch() -> Bool {
        guard let lost = shuffled({ !$0.acceptedSequences.isEmpty }).first,
            case .submit(let batch, _) = history.operations[lost].exchange
        else { return false }
        history.operations.removeAll { operation in
            if case .submit(batch, _) = operation.exchange { true } else { false }
        }
        return true
    }

    private mutating func moveBatch(_ times: (History) -> (Int, Int)) -> Bool {
        // The first and the last are where they are, and a repetition has the time of the first attempt.
        let last = history.lastSequence
        let batches = history.operations.compactMap(\.batch)
        let moved = shuffled { operation in
            operation.acceptedSequences.contains { $0 > 20 && $0 + 20 < last }
                && batches.count { $0 == operation.batch } == 1
        }.first
        guard let moved else { return false }
        let (invoked, completed) = times(history)
        history.operations[moved].invoked = UInt64(invoked)
        history.operations[moved].completed = UInt64(completed)
        return true
    }

    private mutating func contradictRepetition() -> Bool {
        for index in shuffled({ !$0.acceptedSequences.isEmpty }) {
            let operation = history.operations[index]
            guard case .submit(let batch, let outcomes) = operation.exchange, batch.name != nil,
                let sequence = operation.acceptedSequences.last
            else { continue }
            let again = history.operations.indices.contains { other in
                other != index && history.operations[other].exchange == .submit(batch, outcomes)
            }
            guard again else { continue }
            history.operations[index].exchangeSequence(sequence, for: sequence + 1)
            return true
        }
        return false
    }
}

extension History {
    fileprivate var lastSequence: UInt64 {
        operations.flatMap(\.acceptedSequences).max() ?? 0
    }

    fileprivate var rejections: [Outcome] {
        operations.flatMap { operation -> [Outcome] in
            guard case .submit(_, let outcomes) = operation.exchange else { return [] }
            return outcomes.filter { if case .rejected = $0 { true } else { false } }
        }
    }
}

extension History.Operation {
    fileprivate var batch: History.Batch? {
        if case .submit(let batch, _) = exchange { batch } else { nil }
    }

    fileprivate var acceptedSequences: [UInt64] {
        guard case .submit(_, let outcomes) = exchange else { return [] }
        return outcomes.compactMap {
            if case .accepted(let sequence) = $0 { sequence } else { nil }
        }
    }

    fileprivate mutating func exchangeSequence(_ old: UInt64, for new: UInt64) {
        guard case .submit(let batch, let outcomes) = exchange else { return }
        exchange = .submit(
            batch, outcomes.map { $0 == .accepted(sequence: old) ? .accepted(sequence: new) : $0 })
    }
}
