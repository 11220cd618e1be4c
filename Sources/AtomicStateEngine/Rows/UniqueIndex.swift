internal import AtomicStateSchema

/// What a unique key compares, as the hot path reads it.
struct UniqueShape {
    let type: Int
    let parts: UnsafeBufferPointer<UniqueKeyLayout.Part>
    let presence: RowLayout.Presence?
    /// The bit of its marks in `ChangeSet.TouchedRow`.
    let mask: UInt8
    private let secret = HashSecret.random()

    /// The shape's memory is freed by `deallocate`.
    init(_ layout: UniqueKeyLayout) {
        type = layout.type
        parts = UnsafeBufferPointer(copying: layout.fields)
        presence = layout.presence
        mask = 1 << UInt8(layout.index)
    }

    func deallocate() {
        parts.deallocate()
    }

    /// Whether the row has a value in every field, so that it is compared.
    func covers(_ row: Row) -> Bool {
        guard let presence else { return true }
        return row[presence.offset] & presence.mask == presence.mask
    }

    func hash(of row: Row) -> UInt64 {
        var hash: UInt64 = 0
        for part in parts {
            for word in 0..<part.wordCount {
                let value = row[part.offset + word]
                let key: Key = part.isText ? .text(TextHeap.text(at: value)) : .number(value)
                hash = Key.number(hash ^ key.hash(secret)).hash(secret)
            }
        }
        return hash
    }

    func areEqual(_ left: Row, _ right: Row) -> Bool {
        parts.allSatisfy { part in
            (part.offset..<(part.offset + part.wordCount)).allSatisfy { offset in
                part.isText
                    ? AtomicStateEngine.areEqual(
                        TextHeap.text(at: left[offset]), TextHeap.text(at: right[offset]))
                    : left[offset] == right[offset]
            }
        }
    }
}

/// Finds the row that has the same values in the fields of a unique key: open addressing with linear
/// probing. A slot is a hash and a row's address, so that moving slots does not depend on what the
/// rows hold by now.
struct UniqueIndex: ~Copyable {
    private struct Slot: BitwiseCopyable {
        var hash: UInt64
        /// 0 for an empty slot.
        var row: UInt64
    }

    let shape: UniqueShape
    private var slots: UnsafeMutablePointer<Slot>
    private var slotCount = 1024
    private var count = 0

    init(_ layout: UniqueKeyLayout) {
        shape = UniqueShape(layout)
        slots = Self.allocate(slotCount)
    }

    deinit {
        slots.deallocate()
        shape.deallocate()
    }

    var byteCount: Int { slotCount * MemoryLayout<Slot>.stride }

    /// Another row in the index with the same values.
    func find(_ row: Row, hash: UInt64) -> Row? {
        var position = Int(truncatingIfNeeded: hash) & (slotCount - 1)
        while slots[position].row != 0 {
            if slots[position].hash == hash {
                let other = rowAt(slots[position].row)
                if other != row && shape.areEqual(other, row) { return other }
            }
            position = (position + 1) & (slotCount - 1)
        }
        return nil
    }

    mutating func insert(_ row: Row, hash: UInt64) {
        if (count + 1) * 4 > slotCount * 3 { grow() }
        place(Slot(hash: hash, row: UInt64(UInt(bitPattern: row))))
        count += 1
    }

    /// The row must be in the index with this hash.
    mutating func remove(_ row: Row, hash: UInt64) {
        let mask = slotCount - 1
        let address = UInt64(UInt(bitPattern: row))
        var hole = Int(truncatingIfNeeded: hash) & mask
        while slots[hole].row != address {
            precondition(slots[hole].row != 0, "a row that is removed from the index is in it")
            hole = (hole + 1) & mask
        }
        var position = (hole + 1) & mask
        while slots[position].row != 0 {
            let home = Int(truncatingIfNeeded: slots[position].hash) & mask
            // The slot may move into the hole unless its home lies behind the hole.
            if (position - home) & mask >= (position - hole) & mask {
                slots[hole] = slots[position]
                hole = position
            }
            position = (position + 1) & mask
        }
        slots[hole] = Slot(hash: 0, row: 0)
        count -= 1
    }

    private mutating func place(_ slot: Slot) {
        var position = Int(truncatingIfNeeded: slot.hash) & (slotCount - 1)
        while slots[position].row != 0 { position = (position + 1) & (slotCount - 1) }
        slots[position] = slot
    }

    private mutating func grow() {
        let (old, oldCount) = (slots, slotCount)
        slotCount *= 2
        slots = Self.allocate(slotCount)
        for position in 0..<oldCount where old[position].row != 0 { place(old[position]) }
        old.deallocate()
    }

    private static func allocate(_ slotCount: Int) -> UnsafeMutablePointer<Slot> {
        let wordsPerSlot = MemoryLayout<Slot>.stride / MemoryLayout<UInt64>.stride
        let words = TableMemory.allocate(wordCount: slotCount * wordsPerSlot)
        return UnsafeMutableRawPointer(words).bindMemory(to: Slot.self, capacity: slotCount)
    }
}
