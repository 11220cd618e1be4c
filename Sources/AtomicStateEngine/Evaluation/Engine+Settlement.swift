internal import AtomicStateSchema

// How changed rows change derived values and unique keys, once in a transaction each.

extension Engine {
    /// Moves the row's part in a derived value from where it was to where it is. False if a total
    /// overflows.
    ///
    /// - Parameter membership: whether the row took part before the transaction, and does now.
    /// - Parameter holders: receives the rows of the holders before and now, 0 for none.
    mutating func settle(
        _ derivedIndex: Int, of row: Row, _ membership: (before: Bool, now: Bool),
        holders: UnsafeMutablePointer<UInt64>
    ) -> Bool {
        let shape = derived[derivedIndex]
        guard let index = changes.index(of: row) else {
            // A holder whose own derived value came out the same.
            holders[0] = 0
            holders[1] = 0
            return true
        }
        let before = changes[index].before
        holders[0] = membership.before ? before[shape.groupByOffset] : 0
        holders[1] = membership.now ? row[shape.groupByOffset] : 0
        guard changes[index].settled & shape.settledMask == 0 else { return true }
        changes[index].settled |= shape.settledMask

        switch shape.function {
        case .sum, .count:
            return settleTotal(shape, before, row, from: holders[0], to: holders[1])
        case .minimum, .maximum:
            settleTree(derivedIndex, shape, before, row, from: holders[0], to: holders[1])
            return true
        }
    }

    /// The same for a sum whose holder is one before and now.
    @inline(__always)
    mutating func settleInPlace(
        _ derivedIndex: Int, of row: Row, holder: UnsafeMutablePointer<UInt64>
    ) -> Bool {
        let shape = derived[derivedIndex]
        holder[0] = row[shape.groupByOffset]
        guard let index = changes.index(of: row),
            changes[index].settled & shape.settledMask == 0
        else { return true }
        changes[index].settled |= shape.settledMask
        guard holder[0] != 0 else { return true }
        let change =
            Int128(Int64(bitPattern: row[shape.operandOffset]))
            - Int128(Int64(bitPattern: changes[index].before[shape.operandOffset]))
        return add(change, to: holder[0], shape)
    }

    @inline(__always)
    private mutating func settleTotal(
        _ shape: DerivedShape, _ before: Row, _ now: Row, from old: UInt64, to new: UInt64
    ) -> Bool {
        let summandBefore = shape.summand(before)
        let summandNow = shape.summand(now)
        // What changes between two values may be wider than either, so changes have 128 bits.
        if old == new {
            return new == 0 || add(Int128(summandNow) - Int128(summandBefore), to: new, shape)
        }
        // The two may be one entity's totals in turn, so each is settled on its own.
        if old != 0 {
            guard add(-Int128(summandBefore), to: old, shape) else { return false }
        }
        return new == 0 || add(Int128(summandNow), to: new, shape)
    }

    @inline(__always)
    private mutating func add(_ change: Int128, to holder: UInt64, _ shape: DerivedShape) -> Bool {
        add(change, to: holder, type: shape.holder, offset: shape.valueOffset)
    }

    /// Numbers instead of the shape, all of which would be copied to be lent.
    private mutating func add(
        _ change: Int128, to holder: UInt64, type: Int, offset: Int
    ) -> Bool {
        let holder = touchHolder(holder, type: type)
        let sum = Int128(Int64(bitPattern: holder[offset])) + change
        holder[offset] = UInt64(truncatingIfNeeded: sum)
        return Int64(exactly: sum) != nil
    }

    @inline(__always)
    private mutating func touchHolder(_ holder: UInt64, type: Int) -> Row {
        let row = rowAt(holder)
        changes.touch(row, type: type, stores[type].shape, isChange: false)
        return row
    }

    private mutating func settleTree(
        _ derivedIndex: Int, _ shape: DerivedShape, _ before: Row, _ now: Row, from old: UInt64,
        to new: UInt64
    ) {
        let valueBefore = old == 0 ? nil : shape.treeValue(before)
        let valueNow = new == 0 ? nil : shape.treeValue(now)
        guard old != new || valueBefore != valueNow else { return }
        if let valueBefore {
            let holder = touchHolder(old, type: shape.holder)
            changes.note(.removed(valueBefore, derived: derivedIndex, holder: holder))
            removeFromTree(valueBefore, shape, holder)
        }
        if let valueNow {
            let holder = touchHolder(new, type: shape.holder)
            changes.note(.inserted(valueNow, derived: derivedIndex, holder: holder))
            insertIntoTree(valueNow, shape, holder)
        }
    }

    mutating func insertIntoTree(_ value: ValueTree.Value, _ shape: DerivedShape, _ holder: Row) {
        holder[shape.rootOffset] = trees.insert(value, into: holder[shape.rootOffset])
        storeExtreme(shape, holder)
    }

    private mutating func removeFromTree(
        _ value: ValueTree.Value, _ shape: DerivedShape, _ holder: Row
    ) {
        holder[shape.rootOffset] = trees.remove(value, from: holder[shape.rootOffset])
        storeExtreme(shape, holder)
    }

    private func storeExtreme(_ shape: DerivedShape, _ holder: Row) {
        let root = holder[shape.rootOffset]
        let place = holder + shape.valueOffset
        guard root != 0 else {
            place.update(repeating: 0, count: shape.wordCount)
            return
        }
        let value = ValueTree.extreme(of: root, isGreatest: shape.function == .maximum)
        place[0] = value.first
        if shape.wordCount > 1 { place[1] = value.second }
    }

    /// Turns the changes of trees and unique keys back, from `first` on.
    mutating func undoStructureChanges(from first: Int) {
        guard changes.structureChanges.count > first else { return }
        for change in changes.structureChanges[first...].reversed() {
            switch change {
            case .inserted(let value, let derivedIndex, let holder):
                removeFromTree(value, derived[derivedIndex], holder)
            case .removed(let value, let derivedIndex, let holder):
                insertIntoTree(value, derived[derivedIndex], holder)
            case .claimed(let row, let hash, let key):
                uniqueIndices[key].remove(row, hash: hash)
            case .released(let row, let hash, let key):
                uniqueIndices[key].insert(row, hash: hash)
            }
        }
        changes.removeStructureChanges(downTo: first)
    }
}

// MARK: Unique keys

extension Engine {
    /// Takes the row out of the index, with the values that it had before the transaction.
    mutating func releaseUnique(_ key: Int, _ row: Row) {
        guard let index = changes.index(of: row) else { return }
        let mask = uniqueIndices[key].shape.mask
        guard changes[index].released & mask == 0 else { return }
        changes[index].released |= mask
        let before = changes[index].before
        guard before[RowLayout.flagsOffset] & RowFlags.exists != 0,
            uniqueIndices[key].shape.covers(before)
        else { return }
        let hash = uniqueIndices[key].shape.hash(of: before)
        uniqueIndices[key].remove(row, hash: hash)
        changes.note(.released(row, hash: hash, key: key))
    }

    /// Enters the row into the index, with its present values. Returns the other row that has the same.
    mutating func claimUnique(_ key: Int, _ row: Row) -> Row? {
        guard let index = changes.index(of: row) else { return nil }
        let mask = uniqueIndices[key].shape.mask
        guard changes[index].claimed & mask == 0 else { return nil }
        changes[index].claimed |= mask
        guard row[RowLayout.flagsOffset] & RowFlags.exists != 0,
            uniqueIndices[key].shape.covers(row)
        else { return nil }
        let hash = uniqueIndices[key].shape.hash(of: row)
        if let other = uniqueIndices[key].find(row, hash: hash) { return other }
        uniqueIndices[key].insert(row, hash: hash)
        changes.note(.claimed(row, hash: hash, key: key))
        return nil
    }
}

// MARK: Changes of all entities

extension Engine {
    // Not inlined, as the loop of `evaluate` has to have none in it.

    /// By how much the transaction changes the sum of a word over all rows of a type; nil if it does
    /// not fit 64 bits.
    @inline(never)
    mutating func delta(type: Int, offset: Int) -> Int64? {
        var sum: Int128 = 0
        forEachTouchedRow(of: type) { touched, exists in
            let now = exists ? Int64(bitPattern: touched.row[offset]) : 0
            sum += Int128(now) - Int128(Int64(bitPattern: touched.before[offset]))
        }
        return Int64(exactly: sum)
    }

    /// By how much the transaction changes the number of rows of a type.
    @inline(never)
    mutating func countDelta(type: Int) -> Int64 {
        var sum: Int64 = 0
        forEachTouchedRow(of: type) { touched, exists in
            let existed = touched.before[RowLayout.flagsOffset] & RowFlags.exists != 0
            sum += (exists ? 1 : 0) - (existed ? 1 : 0)
        }
        return sum
    }

    private func forEachTouchedRow(
        of type: Int, _ body: (ChangeSet.TouchedRow, _ exists: Bool) -> Void
    ) {
        for index in changes.first..<changes.count where changes[index].type == type {
            let touched = changes[index]
            body(touched, touched.row[RowLayout.flagsOffset] & RowFlags.exists != 0)
        }
    }
}
