internal import AtomicStateSchema
internal import CPlatform

/// The address of a row's first word; see `RowLayout` for what follows.
typealias Row = UnsafeMutablePointer<UInt64>

/// The flags of a row, in its word `RowLayout.flagsOffset`, and above them the row's slot, which stays.
enum RowFlags {
    /// There is such an entity. Without it the memory is free, or kept until a transaction ends.
    static let exists: UInt64 = 1 << 0
    /// The row is among those that changed since they were last written to storage: its slot is in the store's
    /// `dirtySlots` or `drainingSlots`.
    static let dirty: UInt64 = 1 << 1
    /// The row was changed before it was there: only while a data folder is loaded.
    static let awaited: UInt64 = 1 << 2
    /// Where the slot begins.
    fileprivate static let slotShift: UInt64 = 8

    /// What stays when a row is given back.
    fileprivate static let lasting = dirty | ~0 << slotShift
}

/// The rows of one entity type: memory in chunks that never move, and the index that finds a row by
/// its key.
struct RowStore: ~Copyable {
    let shape: RowShape
    private let rowsPerChunk: Int
    private let chunkWordCount: Int
    private var chunks: [Row] = []
    /// Those that were ever handed out.
    private var slotCount = 0
    /// The first free row; a free row's key word is the next one.
    private var firstFree: UInt64 = 0
    private var index = KeyIndex()
    /// Of rows that changed since those in `drainingSlots` were set aside.
    private(set) var dirtySlots = SlotSet()
    /// Of those that are being written to storage.
    private(set) var drainingSlots = SlotSet()
    /// The keys of deleted entities that storage may still hold: numbers, or text blocks owned here.
    var deletedKeys = WordList()

    init(layout: RowLayout) {
        shape = RowShape(layout)
        let pageWordCount = TableMemory.hugePageByteCount / 8
        let spareWordCount = shape.lineWordCount - shape.wordCount
        rowsPerChunk = max(64, (pageWordCount - spareWordCount) / shape.wordCount)
        chunkWordCount = max(rowsPerChunk * shape.wordCount + spareWordCount, pageWordCount)
    }

    deinit {
        for chunk in chunks { UnsafeMutableRawPointer(chunk).deallocate() }
        shape.deallocate()
    }

    var entityCount: Int { index.count }

    /// What rows and index have taken from the system; text is apart.
    var byteCount: Int {
        chunks.count * chunkWordCount * 8 + index.byteCount
    }

    /// The key of a row, as long as the row has it.
    @inline(__always)
    func key(of row: Row) -> Key { Key(of: row, shape.keyType) }

    @inline(__always)
    func find(_ key: Key) -> Row? {
        index.find(key)
    }

    // For `RowLookahead`: each step asks for what the next one reads.

    @inline(__always)
    func hash(of key: Key) -> UInt64 { index.hash(of: key) }

    @inline(__always)
    func prefetchSlot(of hash: UInt64) {
        prefetch(index.firstSlot(of: hash))
    }

    /// The row that has the key, if one has it and no other row's hash begins and ends alike.
    @inline(__always)
    func likelyRow(of hash: UInt64) -> Row? { index.firstCandidate(of: hash) }

    /// Room for as many entities without the index growing.
    mutating func reserve(_ entityCount: Int) {
        index.reserve(entityCount, keyType: shape.keyType)
    }

    /// A new row with this key, which must not be there; all words but key and flags are zero.
    mutating func insert(_ key: Key, textHeap: inout TextHeap) -> Row {
        let row = takeFreeRow()
        switch key {
        case .number(let number): row[RowLayout.keyOffset] = number
        case .text(let text): row[RowLayout.keyOffset] = textHeap.allocate(text)
        }
        row[RowLayout.flagsOffset] |= RowFlags.exists
        index.insert(row, keyType: shape.keyType)
        return row
    }

    /// Takes the row out of the index. Its memory stays as it is until `release`.
    mutating func unlink(_ row: Row) {
        row[RowLayout.flagsOffset] &= ~RowFlags.exists
        index.remove(row, keyType: shape.keyType)
    }

    /// Puts an unlinked row back.
    mutating func relink(_ row: Row) {
        row[RowLayout.flagsOffset] |= RowFlags.exists
        index.insert(row, keyType: shape.keyType)
    }

    /// Gives an unlinked row's memory back. Its key and texts must have been freed or moved.
    mutating func release(_ row: Row) {
        let flags = row[RowLayout.flagsOffset] & RowFlags.lasting
        row.update(repeating: 0, count: shape.wordCount)
        row[RowLayout.flagsOffset] = flags
        row[RowLayout.keyOffset] = firstFree
        firstFree = UInt64(UInt(bitPattern: row))
    }

    @inline(__always)
    mutating func markDirty(_ row: Row) {
        guard row[RowLayout.flagsOffset] & RowFlags.dirty == 0 else { return }
        row[RowLayout.flagsOffset] |= RowFlags.dirty
        dirtySlots.insert(Int(row[RowLayout.flagsOffset] >> RowFlags.slotShift))
    }

    mutating func setDirtyRowsAside() {
        swap(&dirtySlots, &drainingSlots)
    }

    /// With them places that are free.
    mutating func setAllRowsAside() {
        setDirtyRowsAside()
        drainingSlots.insertAll(before: slotCount)
    }

    /// Takes some of the rows that were set aside, in the order of their slots.
    ///
    /// - Returns: how many were taken: all that there are, if fewer than there is room for.
    mutating func takeDrainingRows(_ rows: UnsafeMutableBufferPointer<Row>) -> Int {
        for index in rows.indices {
            guard let slot = drainingSlots.removeFirst() else { return index }
            let row = row(inSlot: slot)
            prefetch(row)
            rows.initializeElement(at: index, to: row)
        }
        return rows.count
    }

    private func row(inSlot slot: Int) -> Row {
        let (chunk, position) = slot.quotientAndRemainder(dividingBy: rowsPerChunk)
        return chunks[chunk] + position * shape.wordCount
    }

    /// Calls the body with every entity's row, in no order that means anything.
    func forEachRow(_ body: (Row) -> Void) {
        forEachPlace { row in
            if row[RowLayout.flagsOffset] & RowFlags.exists != 0 { body(row) }
        }
    }

    /// Calls the body with every row that has no entity.
    func forEachAbsentRow(_ body: (Row) -> Void) {
        forEachPlace { row in
            if row[RowLayout.flagsOffset] & RowFlags.exists == 0 { body(row) }
        }
    }

    private func forEachPlace(_ body: (Row) -> Void) {
        for (number, chunk) in chunks.enumerated() {
            let count = min(rowsPerChunk, slotCount - number * rowsPerChunk)
            for position in 0..<count { body(chunk + position * shape.wordCount) }
        }
    }

    private mutating func takeFreeRow() -> Row {
        if firstFree != 0 {
            // SAFETY: the free list holds rows of this store.
            let row = Row(bitPattern: UInt(firstFree)).unsafelyUnwrapped
            firstFree = row[RowLayout.keyOffset]
            row[RowLayout.keyOffset] = 0
            return row
        }
        if slotCount == chunks.count * rowsPerChunk {
            chunks.append(TableMemory.allocate(wordCount: chunkWordCount))
        }
        let row = row(inSlot: slotCount)
        row[RowLayout.flagsOffset] = UInt64(slotCount) << RowFlags.slotShift
        slotCount += 1
        return row
    }
}
