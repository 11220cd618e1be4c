internal import AtomicStateValues

/// The outcomes of the last keyed transactions and named batches.
///
/// They lie in generations, each in a table of its own; the oldest is forgotten as a whole when the
/// younger ones hold as many outcomes as are to be remembered. A key carries the time it was made, and
/// so does a batch's name: one from after every forgotten one is either remembered or new. One from
/// before, which is not found, may have been carried out or not, and is refused.
///
/// Recognizing is mutating for the reason that methods of `Engine` are.
package struct OutcomeMemory: ~Copyable {
    /// How far a key's time may be ahead of the server's, in milliseconds. Once such an outcome is forgotten,
    /// all new keys from before its time are refused: the last so many milliseconds should be remembered.
    package static let earlinessMaxMilliseconds: UInt64 = 1_000
    /// Of the first generation; each has twice as many as the one before, up to an eighth of all.
    private static let firstCapacity = 131_072
    package static let capacityMin = 8 * firstCapacity
    /// What a rejection counts for besides its outcome: its description takes about as much memory.
    package static let rejectionWeight = 4

    /// What a reply counts for, in units of an outcome: by what it tells besides how many were accepted, whether
    /// that is a key's outcome or not.
    package static func weight(ofReplyWithRejections rejectionCount: Int, duplicates: Int) -> Int {
        // A duplicate is a place and a sequence.
        rejectionCount * rejectionWeight + duplicates / 2
    }

    private static let unreserved = -1

    /// A part of the memory that is forgotten at once.
    private struct Generation: ~Copyable {
        var table: OutcomeTable
        /// Of the latest key.
        var millisecondsMax: UInt64 = 0
        /// Outcomes, and what they take beside the table, in units of an outcome.
        var weight = 0
        /// The number of the first reply that the generation's outcomes may refer to.
        let firstReply: UInt64
        /// The commit group that the generation began in.
        let firstGroup: UInt64
    }

    /// One that takes no more outcomes.
    private final class ClosedGeneration {
        var generation: Generation

        init(_ generation: consuming Generation) {
            self.generation = generation
        }
    }

    /// The least number of outcomes that are remembered, where a rejection counts for
    /// 1 + `rejectionWeight`.
    package let capacity: Int
    /// Whatever is not found, and was made until then, is refused: milliseconds since
    /// 1970-01-01T00:00:00Z.
    package private(set) var forgottenUntil: UInt64
    /// Outcomes of earlier commit groups than this are forgotten.
    package private(set) var firstGroup: UInt64
    /// The commit group that outcomes are of.
    package var group: UInt64
    /// The greatest sequence of the records that were loaded.
    package internal(set) var loadedSequenceMax: UInt64 = 0
    private var active: Generation
    /// What the next generation will use, unless it takes over a forgotten one's table.
    private var next: OutcomeTable?
    /// Of a run's next keys, each in its `Lookahead.keys.place`: the slot where the look-up starts, and then
    /// the one that was reserved.
    private let slots = UnsafeMutablePointer<Int>.allocate(capacity: Lookahead.keys.placeCount)
    /// From the oldest to the youngest.
    private var closed: [ClosedGeneration] = []
    /// Forgotten, and not given back to the system yet.
    private var forgotten: [ClosedGeneration] = []
    private var closedMillisecondsMax: UInt64 = 0
    private var closedWeight = 0
    private var replies: [RememberedReply] = []
    private var firstReply: UInt64 = 0

    /// A memory as small as can be.
    package init() {
        self.init(capacity: Self.capacityMin, forgottenUntil: 0, firstGroup: 0)
    }

    /// - Parameter capacity: the outcomes to remember; eight times the largest batch at least.
    /// - Parameter firstGroup: the commit group that the first outcome can be of.
    package init(capacity: Int, forgottenUntil: UInt64, firstGroup: UInt64) {
        self.capacity = capacity
        self.forgottenUntil = forgottenUntil
        self.firstGroup = firstGroup
        group = firstGroup
        let table = OutcomeTable(capacity: min(Self.firstCapacity, capacity / 8))
        active = Generation(table: table, firstReply: 0, firstGroup: firstGroup)
    }

    deinit { slots.deallocate() }

    /// The tables' memory.
    package var byteCount: Int {
        let nextByteCount =
            switch next {
            case .some(let table): table.byteCount
            case .none: 0
            }
        return (closed + forgotten).reduce(active.table.byteCount + nextByteCount) {
            $0 + $1.generation.table.byteCount
        }
    }

    package var count: Int {
        closed.reduce(active.table.count) { $0 + $1.generation.table.count }
    }
}

/// What a key, or a batch's name, turns out to be.
enum Recognition {
    /// Not seen before; its outcome belongs in the slot.
    case new(slot: Int)
    case known(KnownOutcome)
    /// It is of something else.
    case otherContent
    /// It is from before what is remembered.
    case forgotten
    /// It is from the future.
    case early
}

extension OutcomeMemory {
    /// Room for the outcomes of a batch in one generation.
    mutating func makeRoom(for count: Int) {
        giveShareBack()
        let used = max(active.weight, active.table.count) + count
        guard used > active.table.capacity else {
            prepareNext(used)
            return
        }
        precondition(count <= nextCapacity, "a batch fits a generation")
        let capacity = nextCapacity
        closedMillisecondsMax = max(closedMillisecondsMax, active.millisecondsMax)
        closedWeight += active.weight
        let table = forgetOldest() ?? next.take() ?? OutcomeTable(capacity: capacity)
        var generation = Generation(
            table: table, firstReply: firstReply + UInt64(replies.count), firstGroup: group)
        swap(&active, &generation)
        closed.append(ClosedGeneration(generation))
    }

    /// Gives a share of what was forgotten back to the system.
    private mutating func giveShareBack() {
        guard let last = forgotten.last, !last.generation.table.unmapShare() else { return }
        forgotten.removeLast()
    }

    private var nextCapacity: Int { min(active.table.capacity * 2, capacity / 8) }

    /// Has the next generation's memory resident by the time that this one is full.
    ///
    /// - Parameter used: what of this one's capacity will be used soon.
    private mutating func prepareNext(_ used: Int) {
        if next == nil {
            let count = forgettableCount(closedWeight: closedWeight + active.table.capacity)
            let capacity = nextCapacity
            let willReuse = closed.prefix(count).contains {
                $0.generation.table.capacity == capacity
            }
            guard !willReuse else { return }
            next = OutcomeTable(capacity: capacity)
        }
        next?.makeResident(used, of: active.table.capacity)
    }

    /// How many of the oldest generations can be forgotten so that enough outcomes remain.
    private func forgettableCount(closedWeight: Int) -> Int {
        var remaining = closedWeight
        for (index, oldest) in closed.enumerated() {
            remaining -= oldest.generation.weight
            guard remaining >= capacity else { return index }
        }
        return closed.count
    }

    /// Forgets generations as long as enough outcomes remain. The table of one of them, if it is as
    /// large as the next one has to be.
    private mutating func forgetOldest() -> OutcomeTable? {
        var free: OutcomeTable?
        for _ in 0..<forgettableCount(closedWeight: closedWeight) {
            let oldest = closed.removeFirst()
            closedWeight -= oldest.generation.weight
            forgottenUntil = max(forgottenUntil, oldest.generation.millisecondsMax)
            let next = closed.first?.generation.firstReply ?? active.firstReply
            firstGroup = closed.first?.generation.firstGroup ?? active.firstGroup
            replies.removeFirst(Int(next - firstReply))
            firstReply = next
            guard oldest.generation.table.capacity == nextCapacity else {
                forgotten.append(oldest)
                continue
            }
            var table = OutcomeTable(capacity: 1)
            swap(&table, &oldest.generation.table)
            free = consume table
        }
        free?.removeAll()
        return free
    }

    /// Reserves slots for those of the next keys that are new, as far as that is known at a glance, and
    /// asks for those of the keys after them: for the first slot of a look-up, and then for the second one,
    /// if the first is taken.
    ///
    /// - Parameter offset: of the next key, a multiple of `Lookahead.keys.step`; every one before it has had
    ///   its turn.
    /// - Parameter now: the server's time, in milliseconds since 1970-01-01T00:00:00Z.
    /// - Returns: the keys that had their turn.
    mutating func reserve(
        _ keyed: KeyedTransactions, from offset: Int, now: UInt64
    ) -> Range<Int> {
        for index in Lookahead.keys.range(from: offset, stepsAhead: 2, of: keyed.count) {
            let home = home(keyed, index)
            slots[Lookahead.keys.place(of: index)] = home
            active.table.prefetch(home: home)
        }
        for index in Lookahead.keys.range(from: offset, stepsAhead: 1, of: keyed.count) {
            active.table.prefetchSecond(home: slots[Lookahead.keys.place(of: index)])
        }
        let knownMax = max(closedMillisecondsMax, forgottenUntil)
        let newMax = Self.latestNew(now, forgottenUntil)
        let next = Lookahead.keys.range(from: offset, stepsAhead: 0, of: keyed.count)
        for index in next {
            let high = keyed.high(index)
            let milliseconds = IdempotencyKey.milliseconds(high: high)
            let place = Lookahead.keys.place(of: index)
            let (slot, isFound) = active.table.find(
                high: high, low: keyed.low(index), home: slots[place])
            let isNew = !isFound && milliseconds > knownMax && milliseconds <= newMax
            slots[place] = isNew ? slot : Self.unreserved
            if isNew { remember(keyed, at: index, .undecided, in: slot) }
        }
        return next
    }

    /// What `reserve` did for a key: the slot for its outcome, or nil if it takes more to recognize it.
    @inline(__always)
    func reservedSlot(_ index: Int) -> Int? {
        let slot = slots[Lookahead.keys.place(of: index)]
        return slot == Self.unreserved ? nil : slot
    }

    /// - Parameter slot: a reserved one.
    @inline(__always)
    mutating func decide(_ outcome: KnownOutcome, in slot: Int) {
        active.table.decide(outcome, in: slot)
    }

    @inline(__always)
    private func home(_ keyed: KeyedTransactions, _ index: Int) -> Int {
        active.table.home(high: keyed.high(index), low: keyed.low(index))
    }

    /// Of the times that a new key may have. There is one even if what was forgotten was from ahead of a clock that was set
    /// back.
    @inline(__always)
    private static func latestNew(_ now: UInt64, _ forgottenUntil: UInt64) -> UInt64 {
        max(now + earlinessMaxMilliseconds, forgottenUntil + 1)
    }

    /// A name is known whatever time it comes with: that is no part of it.
    ///
    /// - Parameter now: the server's time, in milliseconds since 1970-01-01T00:00:00Z.
    mutating func recognize(_ name: BatchName, content: UInt32, now: UInt64) -> Recognition {
        recognize(
            high: name.producer, low: name.number, milliseconds: name.sentMilliseconds,
            notBefore: 0, content: content, now: now)
    }

    /// - Parameter milliseconds: the key's or the name's time.
    /// - Parameter earliest: generations whose keys are all from before do not have it.
    /// - Parameter now: the server's, in milliseconds since 1970-01-01T00:00:00Z.
    private mutating func recognize(
        high: UInt64, low: UInt64, milliseconds: UInt64, notBefore earliest: UInt64,
        content: UInt32, now: UInt64
    ) -> Recognition {
        let home = active.table.home(high: high, low: low)
        let (slot, isFound) = active.table.find(high: high, low: low, home: home)
        if isFound { return Self.recognition(in: active.table, slot, content) }
        if earliest <= closedMillisecondsMax,
            let known = recognizeOlder(high, low, notBefore: earliest, content)
        {
            return known
        }
        if milliseconds <= forgottenUntil { return .forgotten }
        if milliseconds > Self.latestNew(now, forgottenUntil) { return .early }
        return .new(slot: slot)
    }

    private mutating func recognizeOlder(
        _ high: UInt64, _ low: UInt64, notBefore earliest: UInt64, _ content: UInt32
    ) -> Recognition? {
        for older in closed.reversed() where earliest <= older.generation.millisecondsMax {
            let home = older.generation.table.home(high: high, low: low)
            let (slot, isFound) = older.generation.table.find(high: high, low: low, home: home)
            if isFound { return Self.recognition(in: older.generation.table, slot, content) }
        }
        return nil
    }

    @inline(__always)
    private static func recognition(
        in table: borrowing OutcomeTable, _ slot: Int, _ content: UInt32
    ) -> Recognition {
        table.content(of: slot) == content ? .known(table.outcome(in: slot)) : .otherContent
    }

    /// - Parameter now: the server's time, in milliseconds since 1970-01-01T00:00:00Z.
    mutating func recognize(_ keyed: KeyedTransactions, at index: Int, now: UInt64) -> Recognition {
        let high = keyed.high(index)
        let milliseconds = IdempotencyKey.milliseconds(high: high)
        return recognize(
            high: high, low: keyed.low(index), milliseconds: milliseconds,
            notBefore: milliseconds, content: keyed.content(index), now: now)
    }

    /// - Parameter slot: what `recognize` said; nothing was remembered since.
    @inline(__always)
    mutating func remember(
        _ keyed: KeyedTransactions, at index: Int, _ outcome: KnownOutcome, in slot: Int
    ) {
        let high = keyed.high(index)
        active.table.insert(
            high: high, low: keyed.low(index), content: keyed.content(index), outcome, in: slot)
        noteRemembered(milliseconds: IdempotencyKey.milliseconds(high: high))
    }

    /// Remembers what `recognize` calls new. False if the generation has the key.
    @discardableResult
    mutating func remember(
        high: UInt64, low: UInt64, milliseconds: UInt64, content: UInt32, _ outcome: KnownOutcome
    ) -> Bool {
        let home = active.table.home(high: high, low: low)
        let (slot, isFound) = active.table.find(high: high, low: low, home: home)
        guard !isFound else { return false }
        active.table.insert(high: high, low: low, content: content, outcome, in: slot)
        noteRemembered(milliseconds: milliseconds)
        return true
    }

    /// Remembers what a record tells of a name. It may have been forgotten when it came again, and both records be
    /// there yet: the later one counts.
    mutating func remember(loaded name: BatchName, content: UInt32, _ outcome: KnownOutcome) {
        let home = active.table.home(high: name.producer, low: name.number)
        let (slot, isFound) = active.table.find(high: name.producer, low: name.number, home: home)
        if isFound {
            active.table.replace(content: content, outcome, in: slot)
        } else {
            active.table.insert(
                high: name.producer, low: name.number, content: content, outcome, in: slot)
        }
        noteRemembered(milliseconds: name.sentMilliseconds)
    }

    @inline(__always)
    private mutating func noteRemembered(milliseconds: UInt64) {
        active.weight &+= 1
        if milliseconds > active.millisecondsMax { active.millisecondsMax = milliseconds }
    }

    /// Takes back what was remembered last.
    mutating func forgetLast(in slot: Int) {
        active.table.removeLast(in: slot)
        active.weight -= 1
    }
}

// MARK: Replies

extension OutcomeMemory {
    /// The number that the next reply will have.
    var nextReplyNumber: UInt64 { firstReply + UInt64(replies.count) }

    /// - Parameter weight: see `weight(ofReplyWithRejections:duplicates:)`.
    mutating func remember(_ reply: RememberedReply, weight: Int) {
        replies.append(reply)
        active.weight += weight
    }

    /// The reply that tells an outcome.
    func reply(of outcome: KnownOutcome) -> RememberedReply {
        replies[Int(outcome.replyNumber - firstReply)]
    }
}

/// The reply to a batch, kept for a repetition of the batch or of one of its transactions.
///
/// The bytes are put there before the batch's commit group is durable, and read after it is.
package final class RememberedReply: @unchecked Sendable {  // Guarded by the groups' order.
    package var bytes: [UInt8]

    package init(bytes: [UInt8] = []) {
        self.bytes = bytes
    }
}
