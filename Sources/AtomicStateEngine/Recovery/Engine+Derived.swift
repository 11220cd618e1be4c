internal import AtomicStateSchema

// What follows from the rows, computed from all of them.

extension Engine {
    /// Computes every derived value, each after those that it is computed from.
    mutating func recomputeDerivedValues() throws(CorruptionError) {
        for (layout, shape) in zip(program.derived, Array(derived)) {
            let routine = layout.condition.map { PreparedRoutineBox(PreparedRoutine($0)) }
            var outcome = BatchOutcome()
            // The rows come in another order than the one they were counted in, so a sum may pass an
            // end of 64 bits and come back. How often it did, upwards less downwards, by holder.
            var carries: [UInt64: Int] = [:]
            for source in rows(of: layout.source) where source[shape.groupByOffset] != 0 {
                if let routine, !includes(source, layout, routine.routine, &outcome) { continue }
                let holder = rowAt(source[shape.groupByOffset])
                switch shape.function {
                case .sum, .count:
                    let summand = shape.summand(source)
                    let (sum, overflow) = Int64(bitPattern: holder[shape.valueOffset])
                        .addingReportingOverflow(summand)
                    holder[shape.valueOffset] = UInt64(bitPattern: sum)
                    if overflow {
                        carries[source[shape.groupByOffset], default: 0] += summand < 0 ? -1 : 1
                    }
                case .minimum, .maximum:
                    if let value = shape.treeValue(source) {
                        insertIntoTree(value, shape, holder)
                    }
                }
            }
            guard carries.values.allSatisfy({ $0 == 0 }) else {
                throw CorruptionError(
                    "the total \(program.rules[layout.rule].id) overflows")
            }
        }
    }

    /// Enters every row into the indices of its type's unique keys.
    mutating func fillUniqueIndices() throws(CorruptionError) {
        for key in uniqueIndices.indices {
            for row in rows(of: uniqueIndices[key].shape.type)
            where uniqueIndices[key].shape.covers(row) {
                let hash = uniqueIndices[key].shape.hash(of: row)
                guard uniqueIndices[key].find(row, hash: hash) == nil else {
                    let layout = program.uniqueKeys[key]
                    throw CorruptionError(
                        "two entities with the same \(program.rules[layout.rule].id)")
                }
                uniqueIndices[key].insert(row, hash: hash)
            }
        }
    }

    private mutating func includes(
        _ source: Row, _ layout: DerivedLayout, _ routine: borrowing PreparedRoutine,
        _ outcome: inout BatchOutcome
    ) -> Bool {
        routine.frames[0] = UInt64(UInt(bitPattern: source))
        changes.begin()
        // For the texts that were put together.
        defer { undoChanges() }
        guard case .accepted = evaluate(routine.code, routine.frames, outcome: &outcome) else {
            return false
        }
        return routine.frames[Int(layout.conditionResult)] != 0
    }

    /// The rows of a type, for a loop that needs the engine meanwhile.
    func rows(of type: Int) -> [Row] {
        var rows: [Row] = []
        rows.reserveCapacity(stores[type].entityCount)
        stores[type].forEachRow { rows.append($0) }
        return rows
    }
}

private final class PreparedRoutineBox {
    let routine: PreparedRoutine
    init(_ routine: consuming PreparedRoutine) { self.routine = routine }
}
