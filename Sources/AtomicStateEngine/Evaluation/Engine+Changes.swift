internal import AtomicStateSchema

// What the instructions do to rows, and how a transaction's changes are kept or undone.

extension Engine {
    @inline(__always)
    mutating func touch(_ row: Row, type: Int) {
        let index = changes.touch(row, type: type, wordCount: stores[type].shape.wordCount)
        changes[index].isChanged = true
    }

    /// The text goes to a block of its own. A block that the transaction itself had put there is
    /// given back; the one from before it stays for an undo.
    mutating func storeText(_ text: UnsafeRawBufferPointer, in row: Row, at offset: Int) {
        let block = textHeap.allocate(text)
        if let index = changes.index(of: row), row[offset] != changes[index].before[offset] {
            textHeap.free(row[offset])
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
        let index = changes.noteCreated(row, type: type, wordCount: stores[type].shape.wordCount)
        changes[index].isChanged = true
        frame[result] = UInt64(UInt(bitPattern: row))
        return nil
    }

    mutating func delete(_ row: Row, type: Int) {
        touch(row, type: type)
        stores[type].unlink(row)
        countReferences(of: row, type: type, by: -1)
    }

    /// Moves the row's part in a total from where it was to where it is, once in a transaction.
    /// False if a total overflows.
    mutating func settle(
        _ derivedIndex: Int, of row: Row, _ membership: (before: Bool, now: Bool),
        holders: UnsafeMutablePointer<UInt64>
    ) -> Bool {
        let total = totals[derivedIndex]
        guard let index = changes.index(of: row) else {
            preconditionFailure("a row whose total is settled has been touched")
        }
        let before = changes[index].before
        holders[0] = membership.before ? before[total.groupByOffset] : 0
        holders[1] = membership.now ? row[total.groupByOffset] : 0
        guard changes[index].settled & total.settledMask == 0 else { return true }
        changes[index].settled |= total.settledMask

        let summandBefore = total.summandOffset.map { Int64(bitPattern: before[$0]) } ?? 1
        let summandNow = total.summandOffset.map { Int64(bitPattern: row[$0]) } ?? 1
        // What changes between two values may be wider than either, so changes have 128 bits.
        if holders[0] == holders[1] {
            return holders[1] == 0
                || add(Int128(summandNow) - Int128(summandBefore), to: holders[1], total)
        }
        // The two may be one entity's totals in turn, so each is settled on its own.
        if holders[0] != 0 {
            guard add(-Int128(summandBefore), to: holders[0], total) else { return false }
        }
        return holders[1] == 0 || add(Int128(summandNow), to: holders[1], total)
    }

    private mutating func add(_ change: Int128, to holder: UInt64, _ total: TotalShape) -> Bool {
        let holder = rowAt(holder)
        _ = changes.touch(
            holder, type: total.holder, wordCount: stores[total.holder].shape.wordCount)
        let sum = Int128(Int64(bitPattern: holder[total.totalOffset])) + change
        holder[total.totalOffset] = UInt64(truncatingIfNeeded: sum)
        return Int64(exactly: sum) != nil
    }

    /// Adds to the reference counts of all entities that the row refers to.
    func countReferences(of row: Row, type: Int, by change: Int) {
        for reference in stores[type].shape.references where row[reference.offset] != 0 {
            // SAFETY: a reference's word is 0 or the address of a row of the target's store.
            let target = rowAt(row[reference.offset])
            guard let offset = stores[reference.target].shape.referenceCountOffset else { continue }
            target[offset] = UInt64(bitPattern: Int64(bitPattern: target[offset]) + Int64(change))
        }
    }

    /// Makes the transaction's changes the state, as of its sequence.
    mutating func keepChanges(sequence: UInt64) {
        for index in 0..<changes.count where changes[index].isChanged {
            let touched = changes[index]
            let shape = stores[touched.type].shape
            for offset in shape.textOffsets where touched.before[offset] != touched.row[offset] {
                textHeap.free(touched.before[offset])
            }
            if touched.row[RowLayout.flagsOffset] & RowFlags.exists != 0 {
                touched.row[RowLayout.versionOffset] = sequence
                stores[touched.type].markDirty(touched.row)
            } else {
                for offset in shape.textOffsets { textHeap.free(touched.row[offset]) }
                stores[touched.type].deletedKeys.append(touched.row[RowLayout.keyOffset])
                stores[touched.type].release(touched.row)
            }
        }
        freeTemporaryTexts()
    }

    /// Puts everything back as it was before the transaction, last change first.
    mutating func undoChanges() {
        for index in (0..<changes.count).reversed() {
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
                if shape.keyType.isText { textHeap.free(row[RowLayout.keyOffset]) }
                stores[touched.type].release(row)
                continue
            }
            let referenceCount = shape.referenceCountOffset.map { row[$0] }
            row.update(from: touched.before, count: shape.wordCount)
            if let offset = shape.referenceCountOffset, let referenceCount {
                row[offset] = referenceCount
            }
            if !exists { stores[touched.type].relink(row) }
            countReferences(of: row, type: touched.type, by: 1)
        }
        freeTemporaryTexts()
    }

    private mutating func freeTemporaryTexts() {
        while let block = temporaryTexts.removeLast() { textHeap.free(block) }
    }
}
