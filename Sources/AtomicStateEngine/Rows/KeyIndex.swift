internal import AtomicStateSchema
internal import CPlatform

/// Finds rows by key: open addressing with linear probing, and removal that shifts back, so that a
/// look-up ends at the first empty slot.
///
/// A slot is a row's address in its low 48 bits and a part of the key's hash in its high 16, which
/// spares looking at rows of other keys. User-space addresses of x86-64 and AArch64 Linux have at
/// most 48 bits.
struct KeyIndex: ~Copyable {
    private static let addressMask: UInt64 = (1 << 48) - 1
    private static let tagMask = ~addressMask
    /// How many slots ahead of its turn a row is brought near while the index grows.
    private static let prefetchDistance = 16

    private let secret = HashSecret.random()
    private var slots: UnsafeMutablePointer<UInt64>
    private var slotCount: Int
    private(set) var count = 0

    init() {
        slotCount = 1024
        slots = TableMemory.allocate(wordCount: slotCount)
    }

    deinit { slots.deallocate() }

    var byteCount: Int { slotCount * 8 }

    @inline(__always)
    func find(_ key: Key) -> Row? {
        let hash = hash(of: key)
        var position = home(of: hash)
        while let row = nextCandidate(of: hash, from: &position) {
            if key.isKey(of: row) { return row }
        }
        return nil
    }

    /// Where a look-up starts.
    @inline(__always)
    func firstSlot(of hash: UInt64) -> UnsafePointer<UInt64> {
        UnsafePointer(slots + home(of: hash))
    }

    /// The first row that may have the key: all but one in 65,536 of other keys are passed by.
    @inline(__always)
    func firstCandidate(of hash: UInt64) -> Row? {
        var position = home(of: hash)
        return nextCandidate(of: hash, from: &position)
    }

    @inline(__always)
    private func home(of hash: UInt64) -> Int { Int(truncatingIfNeeded: hash) & (slotCount - 1) }

    @inline(__always)
    private func nextCandidate(of hash: UInt64, from position: inout Int) -> Row? {
        while slots[position] != 0 {
            let slot = slots[position]
            position = (position + 1) & (slotCount - 1)
            if (slot ^ hash) & Self.tagMask == 0 { return Self.row(in: slot) }
        }
        return nil
    }

    /// The row's key must not be in the index.
    mutating func insert(_ row: Row, keyType: KeyType) {
        if (count + 1) * 4 > slotCount * 3 { grow(to: slotCount * 2, keyType: keyType) }
        place(row, hash: hash(of: row, keyType: keyType))
        count += 1
    }

    /// The row must be in the index.
    mutating func remove(_ row: Row, keyType: KeyType) {
        let mask = slotCount - 1
        let address = UInt64(UInt(bitPattern: row))
        var hole = Int(truncatingIfNeeded: hash(of: row, keyType: keyType)) & mask
        while slots[hole] & Self.addressMask != address {
            precondition(slots[hole] != 0, "a row that is removed from the index is in it")
            hole = (hole + 1) & mask
        }
        var position = (hole + 1) & mask
        while slots[position] != 0 {
            let hash = self.hash(of: Self.row(in: slots[position]), keyType: keyType)
            let home = Int(truncatingIfNeeded: hash) & mask
            // The slot may move into the hole unless its home lies behind the hole.
            if (position - home) & mask >= (position - hole) & mask {
                slots[hole] = slots[position]
                hole = position
            }
            position = (position + 1) & mask
        }
        slots[hole] = 0
        count -= 1
    }

    mutating func reserve(_ entityCount: Int, keyType: KeyType) {
        var needed = slotCount
        while entityCount * 4 > needed * 3 { needed *= 2 }
        if needed > slotCount { grow(to: needed, keyType: keyType) }
    }

    private mutating func grow(to newSlotCount: Int, keyType: KeyType) {
        let oldSlots = slots
        let oldSlotCount = slotCount
        slots = TableMemory.allocate(wordCount: newSlotCount)
        slotCount = newSlotCount
        for position in 0..<oldSlotCount {
            let coming = position + Self.prefetchDistance
            if coming < oldSlotCount, oldSlots[coming] != 0 {
                prefetch(Self.row(in: oldSlots[coming]))
            }
            guard oldSlots[position] != 0 else { continue }
            let row = Self.row(in: oldSlots[position])
            place(row, hash: hash(of: row, keyType: keyType))
        }
        oldSlots.deallocate()
    }

    private mutating func place(_ row: Row, hash: UInt64) {
        let mask = slotCount - 1
        var position = Int(truncatingIfNeeded: hash) & mask
        while slots[position] != 0 { position = (position + 1) & mask }
        let address = UInt64(UInt(bitPattern: row))
        precondition(address & Self.tagMask == 0, "an address has at most 48 bits")
        slots[position] = address | hash & Self.tagMask
    }

    @inline(__always)
    private static func row(in slot: UInt64) -> Row {
        // SAFETY: a slot that is not zero holds the address of a row of the store.
        Row(bitPattern: UInt(slot & addressMask)).unsafelyUnwrapped
    }

    @inline(__always)
    func hash(of key: Key) -> UInt64 { key.hash(secret) }

    private func hash(of row: Row, keyType: KeyType) -> UInt64 { hash(of: Key(of: row, keyType)) }
}
