internal import CPlatform
internal import Glibc

/// What is known of a keyed transaction or a named batch.
struct KnownOutcome: BitwiseCopyable {
    private static let recordFlag: UInt64 = 1 << 63
    private static let indexBitCount: UInt64 = 17
    static let sequenceMax = recordFlag - 1
    static let indexMax: UInt64 = 1 << indexBitCount - 1

    fileprivate let word: UInt64

    /// Of a transaction: accepted with this sequence. Of a batch: every transaction accepted, the first
    /// one with this sequence.
    static func accepted(_ sequence: UInt64) -> KnownOutcome {
        KnownOutcome(word: sequence)
    }

    /// Of a transaction that a slot is reserved for.
    static let undecided = KnownOutcome(word: 0)

    /// Told in a batch's reply.
    ///
    /// - Parameter number: the reply's, below 2^46.
    /// - Parameter index: a transaction's place in the batch, at most `indexMax`.
    static func told(inReply number: UInt64, index: Int) -> KnownOutcome {
        KnownOutcome(word: recordFlag | number << indexBitCount | UInt64(index))
    }

    /// Nil if it was told in a reply.
    var sequence: UInt64? { word & Self.recordFlag == 0 ? word : nil }

    /// Of a reply's outcome.
    var replyNumber: UInt64 { (word & ~Self.recordFlag) >> Self.indexBitCount }
    var index: Int { Int(word & Self.indexMax) }
}

/// Outcomes by key, in memory of a fixed size: open addressing. An outcome is never taken out on its own;
/// the table is emptied as a whole, in no time.
///
/// The slots lie in blocks of 512. Keys that differ in their last nine bits alone, as those of a batch mostly
/// do, have the same block and a slot each, so that a batch's outcomes are written to few small pages and
/// not all over memory: to find a page's place takes longer than to read it. Where a slot is taken, the same
/// one of the next block is looked at, and behind the last block the next slot of the first.
struct OutcomeTable: ~Copyable {
    private struct Slot: BitwiseCopyable {
        var high: UInt64
        var low: UInt64
        var outcome: KnownOutcome
        /// A hash of what the key stands for.
        var content: UInt32
        /// The slot is empty unless this is the table's.
        var epoch: UInt32
    }

    /// Eight slots for five outcomes.
    private static let slotsPerFiveOutcomes = 8
    private static let blockBitCount = 9
    private static let offsetMask = 1 << blockBitCount - 1
    /// Multiples of every page size; each takes the system some tens of microseconds.
    private static let residentStepByteCount = 1 << 16
    private static let unmappedStepByteCount = 1 << 18

    let capacity: Int
    private let slots: UnsafeMutablePointer<Slot>
    private let blockCount: Int
    private let secret = HashSecret.random()
    private var epoch: UInt32 = 1
    private(set) var count = 0
    private var residentByteCount = 0
    private(set) var byteCount: Int

    init(capacity: Int) {
        self.capacity = capacity
        blockCount = (capacity * Self.slotsPerFiveOutcomes / 5) >> Self.blockBitCount + 1
        let slotCount = blockCount << Self.blockBitCount
        byteCount = slotCount * MemoryLayout<Slot>.stride
        slots = TableMemory.map(byteCount: byteCount).bindMemory(to: Slot.self, capacity: slotCount)
    }

    deinit { TableMemory.unmap(slots, byteCount: byteCount) }

    /// Makes a share of the memory resident: to do so where outcomes fall, a page at a time, would cost
    /// more than the outcomes themselves.
    ///
    /// - Parameters:
    ///   - part: of `whole`; counts what was made resident before.
    mutating func makeResident(_ part: Int, of whole: Int) {
        let share = byteCount / whole * min(part, whole)
        let needed = share / Self.residentStepByteCount * Self.residentStepByteCount
        guard needed > residentByteCount else { return }
        TableMemory.makeResident(
            UnsafeMutableRawPointer(slots) + residentByteCount,
            byteCount: needed - residentByteCount)
        residentByteCount = needed
    }

    /// Gives a share of the memory back. The table is of no more use: all of it at once would hold its
    /// owner up for milliseconds.
    ///
    /// - Returns: whether there is more to be given back.
    mutating func unmapShare() -> Bool {
        let share = min(Self.unmappedStepByteCount, byteCount)
        byteCount -= share
        TableMemory.unmap(UnsafeMutableRawPointer(slots) + byteCount, byteCount: share)
        return byteCount > 0
    }

    /// Forgets everything.
    mutating func removeAll() {
        count = 0
        epoch &+= 1
        // After 2^32 times an old slot would look like a new one.
        guard epoch == 0 else { return }
        epoch = 1
        memset(slots, 0, byteCount)
    }

    /// Brings the slot where a look-up starts near the processor.
    @inline(__always)
    func prefetch(home: Int) {
        CPlatform.prefetch(slots + home)
    }

    /// Brings the second slot of a look-up near the processor, if the first one is taken.
    @inline(__always)
    func prefetchSecond(home: Int) {
        if slots[home].epoch == epoch { CPlatform.prefetch(slots + slot(after: home)) }
    }

    /// The slot that has the key, or else where it belongs.
    ///
    /// - Parameter home: the key's.
    @inline(__always)
    func find(high: UInt64, low: UInt64, home: Int) -> (slot: Int, isFound: Bool) {
        var slot = home
        while slots[slot].epoch == epoch {
            if slots[slot].low == low && slots[slot].high == high { return (slot, true) }
            slot = self.slot(after: slot)
        }
        return (slot, false)
    }

    @inline(__always)
    private func slot(after slot: Int) -> Int {
        let next = slot &+ 1 << Self.blockBitCount
        return next < blockCount << Self.blockBitCount ? next : (next &+ 1) & Self.offsetMask
    }

    func outcome(in slot: Int) -> KnownOutcome { slots[slot].outcome }

    @inline(__always)
    mutating func decide(_ outcome: KnownOutcome, in slot: Int) { slots[slot].outcome = outcome }

    mutating func replace(content: UInt32, _ outcome: KnownOutcome, in slot: Int) {
        slots[slot].content = content
        slots[slot].outcome = outcome
    }

    func content(of slot: Int) -> UInt32 { slots[slot].content }

    /// - Parameter slot: where `find` said that the key belongs.
    @inline(__always)
    mutating func insert(
        high: UInt64, low: UInt64, content: UInt32, _ outcome: KnownOutcome, in slot: Int
    ) {
        precondition(count < capacity, "room is made before a batch")
        slots[slot] = Slot(high: high, low: low, outcome: outcome, content: content, epoch: epoch)
        count &+= 1
    }

    /// Takes back the insertion that was the last.
    mutating func removeLast(in slot: Int) {
        slots[slot].epoch = 0
        count -= 1
    }

    /// The slot where a key's look-up starts. Every block and slot is equally likely, whatever the keys
    /// have in common beside their last bits.
    @inline(__always)
    func home(high: UInt64, low: UInt64) -> Int {
        let product = (high ^ secret.start).multipliedFullWidth(
            by: low >> UInt64(Self.blockBitCount) ^ secret.factor)
        let hash = (product.high ^ product.low) &* 0x9E37_79B9_7F4A_7C15
        let block = hash.multipliedFullWidth(by: UInt64(blockCount)).high
        return Int(truncatingIfNeeded: block) << Self.blockBitCount
            | Int(truncatingIfNeeded: low ^ hash) & Self.offsetMask
    }
}
