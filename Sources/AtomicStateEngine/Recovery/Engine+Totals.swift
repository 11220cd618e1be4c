internal import AtomicStateSchema

extension Engine {
    /// Computes every total from the rows, and stores it.
    mutating func recomputeTotals() throws(CorruptionError) {
        for index in program.derived.indices {
            let total = program.derived[index]
            stores[total.holder].forEachRow { $0[total.totalOffset] = 0 }
            let routine = total.condition.map { PreparedRoutineBox(PreparedRoutine($0)) }
            var outcome = BatchOutcome()
            // The rows come in another order than the one they were counted in, so a sum may pass an
            // end of 64 bits and come back. How often it did, upwards less downwards, by holder.
            var carries: [UInt64: Int] = [:]
            for source in rows(of: total.source) {
                if let routine, !includes(source, total, routine.routine, &outcome) { continue }
                let holder = rowAt(source[total.groupByOffset])
                let summand = total.summandOffset.map { Int64(bitPattern: source[$0]) } ?? 1
                let (sum, overflow) = Int64(bitPattern: holder[total.totalOffset])
                    .addingReportingOverflow(summand)
                holder[total.totalOffset] = UInt64(bitPattern: sum)
                if overflow {
                    carries[source[total.groupByOffset], default: 0] += summand < 0 ? -1 : 1
                }
            }
            guard carries.values.allSatisfy({ $0 == 0 }) else {
                throw CorruptionError("the total \(program.rules[total.rule].id) overflows")
            }
        }
    }

    private mutating func includes(
        _ source: Row, _ total: DerivedLayout, _ routine: borrowing PreparedRoutine,
        _ outcome: inout BatchOutcome
    ) -> Bool {
        routine.frame[0] = UInt64(UInt(bitPattern: source))
        changes.begin()
        guard case .accepted = evaluate(routine.code, routine.frame, outcome: &outcome) else {
            return false
        }
        return routine.frame[Int(total.conditionResult)] != 0
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
