internal import AtomicStateSchema

// What the instructions do to rows, and how a transaction's changes are kept or undone.

extension Engine {
    @inline(__always)
    mutating func touch(_ row: Row, type: Int) {
        changes.touch(row, type: type, stores[type].shape, isChange: true)
    }

    /// The text goes to a block of its own. A block that the transaction itself had put there is
    /// given back; the one from before it stays for an undo.
    mutating func storeText(_ text: UnsafeRawBufferPointer, in row: Row, at offset: Int) {
        let block = textHeap.allocate(text)
        if let index = changes.index(of: row) {
            if row[offset] != changes[index].before[offset] { textHeap.free(row[offset]) }
            changes[index].hasNewTexts = true
        }
        row[offset] = block
    }

    /// False if the result would be too long. The text lives until the transaction's end.
    mutating func concatenate(
        _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer,
        into register: UnsafeMutablePointer<UInt64>
    ) -> Bool {
        let byteCount = left.count + right.count
        guard byteCount <= EngineLimits.textByteCountMax else { return false }
        let block = textHeap.allocate(byteCount: byteCount)
        temporaryTexts.append(block)
        let bytes = TextHeap.bytes(of: block)
        if let base = left.baseAddress { bytes.copyMemory(from: base, byteCount: left.count) }
        if let base = right.baseAddress {
            (bytes + left.count).copyMemory(from: base, byteCount: right.count)
        }
        register[0] = UInt64(UInt(bitPattern: bytes))
        register[1] = UInt64(byteCount)
        return true
    }

    /// The entity that has the key in these registers.
    ///
    /// Not inlined, as the loop of `evaluate` has to have none in it.
    @inline(never)
    mutating func find(type: Int, key registers: UnsafeMutablePointer<UInt64>) -> Row? {
        let isText = stores[type].shape.keyType.isText
        return stores[type].find(isText ? .text(text(registers, 0)) : .number(registers[0]))
    }

    /// Nil if the entity was created, otherwise why not.
    mutating func create(
        type: Int, frame: UnsafeMutablePointer<UInt64>, key register: Int, result: Int
    ) -> RejectionCode? {
        let key: Key
        switch stores[type].shape.keyType {
        case .uint64:
            key = .number(frame[register])
        case .string, .uuid:
            let text = text(frame, register)
            guard text.count <= EngineLimits.keyByteCountMax else { return .textTooLong }
            key = .text(text)
        }
        guard stores[type].find(key) == nil else { return .entityExists }
        let row = stores[type].insert(key, textHeap: &textHeap)
        changes.noteCreated(row, type: type, stores[type].shape)
        frame[result] = UInt64(UInt(bitPattern: row))
        return nil
    }

    mutating func delete(_ row: Row, type: Int) {
        touch(row, type: type)
        stores[type].unlink(row)
        countReferences(of: row, type: type, by: -1)
    }

    /// Adds to the reference counts of all entities that the row refers to.
    mutating func countReferences(of row: Row, type: Int, by change: Int) {
        for reference in stores[type].shape.references where row[reference.offset] != 0 {
            // SAFETY: a reference's word is 0 or the address of a row of the target's store.
            let target = rowAt(row[reference.offset])
            guard let offset = stores[reference.target].shape.referenceCountOffset else { continue }
            target[offset] = UInt64(bitPattern: Int64(bitPattern: target[offset]) + Int64(change))
        }
    }

    /// Makes the transaction's changes the state, as of its sequence.
    @inline(__always)
    mutating func keepChanges(sequence: UInt64) {
        for index in changes.first..<changes.count where changes[index].isChanged {
            if changes[index].hasNewTexts { disposeReplacedTexts(of: changes[index]) }
            let row = changes[index].row
            let type = changes[index].type
            if row[RowLayout.flagsOffset] & RowFlags.exists != 0 {
                row[RowLayout.versionOffset] = sequence
                stores[type].markDirty(row)
            } else {
                dispose(.row(row, type: type))
            }
        }
        freeTemporaryTexts()
    }

    private mutating func disposeReplacedTexts(of touched: ChangeSet.TouchedRow) {
        for offset in stores[touched.type].shape.textOffsets
        where touched.before[offset] != touched.row[offset] {
            dispose(.text(touched.before[offset]))
        }
    }

    /// Puts everything back as it was before the transaction, last change first.
    mutating func undoChanges() {
        undoChanges(from: changes.first, changes.firstStructureChange)
    }

    /// Rows that came into being are released last: what else the transaction changed may refer to them.
    private mutating func undoChanges(from first: Int, _ firstStructureChange: Int) {
        undoStructureChanges(from: firstStructureChange)
        for index in (first..<changes.count).reversed() {
            let touched = changes[index]
            let shape = stores[touched.type].shape
            let row = touched.row
            let existed = touched.before[RowLayout.flagsOffset] & RowFlags.exists != 0
            let exists = row[RowLayout.flagsOffset] & RowFlags.exists != 0
            if exists { countReferences(of: row, type: touched.type, by: -1) }
            for offset in shape.textOffsets where row[offset] != touched.before[offset] {
                textHeap.free(row[offset])
            }
            guard existed else {
                if exists { stores[touched.type].unlink(row) }
                continue
            }
            let referenceCount = shape.referenceCountOffset.map { row[$0] }
            let dirty = row[RowLayout.flagsOffset] & RowFlags.dirty
            row.update(from: touched.before, count: shape.imageWordCount)
            row[RowLayout.flagsOffset] |= dirty
            if let offset = shape.referenceCountOffset, let referenceCount {
                row[offset] = referenceCount
            }
            if !exists { stores[touched.type].relink(row) }
            countReferences(of: row, type: touched.type, by: 1)
        }
        for index in first..<changes.count {
            let touched = changes[index]
            guard touched.before[RowLayout.flagsOffset] & RowFlags.exists == 0 else { continue }
            if stores[touched.type].shape.keyType.isText {
                textHeap.free(touched.row[RowLayout.keyOffset])
            }
            stores[touched.type].release(touched.row)
        }
        changes.removeRows(downTo: first)
        freeTemporaryTexts()
    }

    @inline(__always)
    private mutating func freeTemporaryTexts() {
        while let block = temporaryTexts.removeLast() { textHeap.free(block) }
    }
}

// MARK: Atomic batches

/// What a transaction's acceptance makes superfluous.
enum Remainder {
    /// A text block, or 0.
    case text(UInt64)
    /// The row of an entity that was deleted.
    case row(Row, type: Int)
}

extension Engine {
    /// In an atomic batch, what is superfluous stays until the batch is accepted.
    @inline(__always)
    private mutating func dispose(_ remainder: Remainder) {
        if isInAtomicBatch {
            remainders.append(remainder)
        } else {
            free(remainder)
        }
    }

    private mutating func free(_ remainder: Remainder) {
        switch remainder {
        case .text(let block): textHeap.free(block)
        case .row(let row, let type):
            for offset in stores[type].shape.textOffsets { textHeap.free(row[offset]) }
            stores[type].deletedKeys.append(row[RowLayout.keyOffset])
            stores[type].release(row)
        }
    }

    mutating func beginAtomicBatch() {
        isInAtomicBatch = true
        changes.begin()
        journal.mark()
    }

    mutating func keepAtomicBatch() {
        isInAtomicBatch = false
        rememberedSlots.removeAll(keepingCapacity: true)
        journal.removeMark()
        for remainder in remainders { free(remainder) }
        remainders.removeAll(keepingCapacity: true)
    }

    /// The transaction under way has been undone already.
    mutating func undoAtomicBatch(lastSequence: UInt64) {
        isInAtomicBatch = false
        remainders.removeAll(keepingCapacity: true)
        undoChanges(from: 0, 0)
        changes.begin()
        journal.revertToMark()
        while let slot = rememberedSlots.popLast() { outcomes.forgetLast(in: slot) }
        self.lastSequence = lastSequence
    }
}
