import AtomicStateSchema
import AtomicStateValues
import ReferenceModel

/// Carries the accepted transactions out in the order of their sequences, on the reference model, and finds
/// a position for every read and every rejection on the way. Position `p` is the state after sequence `p`.
///
/// Each of these gets the least position at which the model agrees with what was told, and which lies
/// behind no position of what was answered before its request was sent. That decides whether there are
/// positions for all. For suppose that there are, in some way or other: then no operation's least position
/// is greater than the one that it has there. This follows for one operation after the other in the order
/// of their invocations. What bounds an operation from below was invoked before it, so its least position is
/// no greater than the one that it has there, which is no greater than this operation's, where the model
/// agrees. What bounds an operation from above is the sequence of an accepted transaction that was sent after
/// the answer, which does not move; a bound by a later read or rejection is that one's bound from below.
///
/// Going through the positions in order, an operation is *admitted* as soon as everything that was answered
/// before it was sent is placed. The position under way is then its bound from below, and the first one
/// from there on at which the model agrees is the least.
struct Replay {
    typealias Item = LogicalOperation.Item
    struct Place {
        let operation: Int
        let item: Int
    }

    static let violationCountMax = 20

    let schema: Schema
    private(set) var operations: [LogicalOperation]
    private(set) var model: ReferenceModel
    private(set) var violations: [Violation] = []
    /// How many more operations without a known outcome may be tried out.
    let budget = AssumptionBudget()
    /// Of the accepted transactions, by sequence.
    private(set) var places: [UInt64: Place] = [:]
    private(set) var lastSequence: UInt64 = 0
    private(set) var keys: KeyedOutcomes
    /// How many of an operation's items are placed.
    private var placedCounts: [Int]
    /// The position of its last item that is placed, or at which it was admitted.
    private(set) var searchedFrom: [UInt64]
    /// Operations with answers, in the order of these.
    let byCompletion: [Int]
    /// The first of them that is not placed whole.
    private(set) var completion = 0
    /// The first operation that is not admitted; they are in the order of invocation.
    private(set) var admitted = 0
    /// Batches without a known outcome of which none is assumed, in the order of invocation.
    private(set) var unknown: [Int]
    /// Operations whose next item is no accepted transaction.
    private var searching: [Int] = []

    init(schema: Schema, history: History) {
        self.schema = schema
        let operations = history.logicalOperations
        self.operations = operations
        model = ReferenceModel(schema: schema)
        keys = KeyedOutcomes(operations)
        placedCounts = Array(repeating: 0, count: operations.count)
        searchedFrom = placedCounts.map { UInt64($0) }
        byCompletion = operations.indices.filter { operations[$0].completed != nil }
            .sorted { (operations[$0].completed ?? 0) < (operations[$1].completed ?? 0) }
        unknown = operations.indices.filter {
            operations[$0].completed == nil && operations[$0].batch != nil
        }
        for index in operations.indices { notePlaces(of: index) }
    }

    private mutating func notePlaces(of operation: Int) {
        for (item, content) in operations[operation].items.enumerated() {
            guard let sequence = content.sequence else { continue }
            places[sequence] = Place(operation: operation, item: item)
            lastSequence = max(lastSequence, sequence)
        }
    }

    /// Assumes that an operation without a known outcome was carried out.
    mutating func setItems(_ items: [Item], of operation: Int) {
        unknown.removeAll { $0 == operation }
        operations[operation].items = items
        notePlaces(of: operation)
    }

    /// What contradicts; nothing if everything can be placed.
    mutating func run() -> [Violation] {
        placeWhatFits()
        while model.sequence < lastSequence {
            guard let place = places[model.sequence + 1] else {
                if let found = fillGap() { return found }
                continue
            }
            guard carryOut(place), violations.count < Self.violationCountMax else {
                return violations
            }
            placeWhatFits()
        }
        return end()
    }

    /// The next sequence that something is known to have.
    var nextKnownSequence: UInt64 {
        (model.sequence + 1...lastSequence).first { places[$0] != nil } ?? lastSequence
    }

    // MARK: Positions

    var position: UInt64 { model.sequence }

    /// Whether everything that was answered before the operation was sent is placed.
    func isAdmitted(_ operation: Int) -> Bool {
        guard completion < byCompletion.count else { return true }
        let answered = operations[byCompletion[completion]].completed ?? .max
        return operations[operation].invoked <= answered
    }

    /// Places at this position whatever can be placed there.
    private mutating func placeWhatFits() {
        var candidates = searching
        searching = []
        repeat {
            for operation in candidates where place(operation) { searching.append(operation) }
            candidates = admit()
        } while !candidates.isEmpty
    }

    private mutating func admit() -> [Int] {
        while completion < byCompletion.count, isWhole(byCompletion[completion]) { completion += 1 }
        let first = admitted
        while admitted < operations.count, isAdmitted(admitted) {
            searchedFrom[admitted] = position
            admitted += 1
        }
        return Array(first..<admitted)
    }

    private func isWhole(_ operation: Int) -> Bool {
        placedCounts[operation] == operations[operation].items.count
    }

    func nextItem(of operation: Int) -> Item? {
        isWhole(operation) ? nil : operations[operation].items[placedCounts[operation]]
    }

    /// Places the operation's next items as far as they fit. Returns whether one is left to search for.
    private mutating func place(_ operation: Int) -> Bool {
        while let item = nextItem(of: operation), item.sequence == nil {
            guard agrees(with: item) else { return true }
            advance(operation)
        }
        return false
    }

    private mutating func advance(_ operation: Int) {
        placedCounts[operation] += 1
        searchedFrom[operation] = position
    }

    // MARK: What was told

    private mutating func agrees(with item: Item) -> Bool {
        switch item {
        case .accepted: return false
        case .duplicate(_, let sequence): return sequence <= position
        case .read(let read, let entities):
            return zip(read.keys, entities).allSatisfy { key, entity in
                model.snapshot(ofType: read.type, key: key) == entity
            }
        case .rejected(let transaction, let rejection):
            if rejection.code.isAboutKey || keys.isJudged(transaction.key) { return true }
            var trial = model
            let found = trial.execute(transaction.form, arguments: transaction.arguments)
            if found == rejection { keys.noteJudgement(transaction.key) }
            return found == rejection
        case .turnedBack(let transactions, let index, let rejection):
            let key = transactions[index].key
            if rejection.code.isAboutKey || keys.isJudged(key) { return true }
            var trial = model
            let found = trial.execute(transactions.map(\.executed), isAtomic: true)
            if found == [index: rejection] { keys.noteJudgement(key) }
            return found == [index: rejection]
        }
    }

    // MARK: Sequences

    /// Carries out what has the next sequence. Returns whether the state is known afterwards.
    private mutating func carryOut(_ place: Place) -> Bool {
        let operation = place.operation
        while operation >= admitted || placedCounts[operation] < place.item {
            guard reportOpen(before: operation) else { return false }
        }
        let transactions: [History.Transaction]
        if let batch = operations[operation].batch, batch.isAtomic {
            transactions = batch.transactions
        } else if case .accepted(let transaction, _) = operations[operation].items[place.item] {
            transactions = [transaction]
        } else {
            preconditionFailure("a sequence belongs to an accepted transaction")
        }
        for transaction in transactions {
            let sequence = position + 1
            let before = model
            guard keys.allows(sequence, for: transaction.key) else {
                report(
                    .twoOutcomes, [operation], "another transaction was told to have \(sequence)")
                return false
            }
            let rejection = model.execute(transaction.form, arguments: transaction.arguments)
            if let rejection {
                report(
                    .wronglyAccepted, [operation],
                    "sequence \(sequence), \(transaction.description(in: schema)), is rejected by the rules: \(rejection.text)"
                )
                return false
            }
            if let broken = model.brokenInvariant(since: before) {
                report(
                    .invariantBroken, [operation], "after sequence \(sequence): \(broken.text)")
                return false
            }
            advance(operation)
        }
        if let item = nextItem(of: operation), item.sequence == nil { searching.append(operation) }
        return true
    }

    // MARK: Violations

    mutating func report(
        _ kind: Violation.Kind, _ operations: [Int], _ explanation: String
    ) {
        violations.append(
            Violation(
                kind: kind, operations: operations.map { self.operations[$0].answered },
                explanation: explanation))
    }

    /// Goes on as if the operation's next item had its position here.
    mutating func skipItem(of operation: Int) {
        advance(operation)
        searching.removeAll { $0 == operation }
        if let item = nextItem(of: operation), item.sequence == nil { searching.append(operation) }
        placeWhatFits()
    }
}
