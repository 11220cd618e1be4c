internal import CPrefetch
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

/// Outcomes by key, in memory of a fixed size: open addressing with linear probing. An outcome is never
/// taken out on its own; the table is emptied as a whole, in no time.
///
/// A slot is 32 bytes, so that a look-up mostly waits for memory once.
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

    let capacity: Int
    private let slots: UnsafeMutablePointer<Slot>
    private let slotCount: Int
    private let secret: (UInt64, UInt64)
    private var epoch: UInt32 = 1
    private(set) var count = 0

    /// - Parameter secret: makes it unpredictable which keys meet in the table.
    init(capacity: Int, secret: (UInt64, UInt64)) {
        self.capacity = capacity
        self.secret = secret
        slotCount = (capacity * Self.slotsPerFiveOutcomes + 4) / 5
        slots = TableMemory.map(byteCount: slotCount * MemoryLayout<Slot>.stride)
            .bindMemory(to: Slot.self, capacity: slotCount)
    }

    deinit { TableMemory.unmap(slots, byteCount: byteCount) }

    var byteCount: Int { slotCount * MemoryLayout<Slot>.stride }

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
    func prefetch(high: UInt64, low: UInt64) {
        CPrefetch.prefetch(slots + home(high, low))
    }

    /// The slot that has the key, or else where it belongs.
    @inline(__always)
    func find(high: UInt64, low: UInt64) -> (slot: Int, isFound: Bool) {
        var slot = home(high, low)
        while slots[slot].epoch == epoch {
            if slots[slot].low == low && slots[slot].high == high { return (slot, true) }
            slot &+= 1
            if slot == slotCount { slot = 0 }
        }
        return (slot, false)
    }

    func outcome(in slot: Int) -> KnownOutcome { slots[slot].outcome }

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

    /// Every slot equally likely, whatever the keys have in common.
    @inline(__always)
    private func home(_ high: UInt64, _ low: UInt64) -> Int {
        let product = (high ^ secret.0).multipliedFullWidth(by: low ^ secret.1)
        let hash = (product.high ^ product.low) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: hash.multipliedFullWidth(by: UInt64(slotCount)).high)
    }
}
