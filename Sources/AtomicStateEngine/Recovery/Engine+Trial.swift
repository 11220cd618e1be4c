package import AtomicStateSchema

// Trial: what a journal's transactions would come to under another schema.

extension Engine {
    /// Executes some of a run's transactions, under the schema it was written with or another one.
    ///
    /// - Parameter change: how the calls are made under another schema; nil under the same one.
    /// - Returns: rejections whose indices are places in the run. There is no journal record of it.
    package mutating func tryAgain(
        _ run: JournalRecord.Run, _ transactions: Range<Int>, as change: OperationChange?
    ) -> BatchOutcome {
        var outcome = BatchOutcome()
        run.withArguments { columns in
            let remapped = RemappedColumns(columns, transactions, change)
            withExtendedLifetime(remapped) {
                execute(
                    operation: change?.operation ?? run.operation, arguments: remapped.columns,
                    transactionCount: transactions.count, firstIndex: transactions.lowerBound,
                    outcome: &outcome)
            }
        }
        var unused = ByteBuffer()
        finishGroup(firstSequence: 0, microseconds: 0, record: &unused)
        return outcome
    }
}

/// A run's arguments from some transaction on, in the order and with the values of another schema.
private final class RemappedColumns {
    private(set) var columns: [ArgumentColumn]
    private var memory: [UnsafeMutableBufferPointer<UInt64>] = []

    init(_ columns: [ArgumentColumn], _ transactions: Range<Int>, _ change: OperationChange?) {
        let rest = columns.map { $0.dropFirst(transactions.lowerBound) }
        guard let change else {
            self.columns = rest
            return
        }
        self.columns = change.arguments.map { rest[$0.parameter] }
        for (index, argument) in change.arguments.enumerated() {
            guard let indices = argument.indices, let words = rest[argument.parameter].words else {
                continue
            }
            let copy = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: transactions.count)
            for offset in 0..<transactions.count {
                // A value that is gone is out of every enumeration's range.
                copy[offset] = indices[Int(words[offset])].map { UInt64($0) } ?? .max
            }
            memory.append(copy)
            self.columns[index] = ArgumentColumn(words: UnsafeBufferPointer(copy))
        }
    }

    deinit {
        for copy in memory { copy.deallocate() }
    }
}

extension ArgumentColumn {
    /// The column without its first values, in the same memory.
    fileprivate func dropFirst(_ count: Int) -> ArgumentColumn {
        if let lengths, let text {
            let byteCount = (0..<count).reduce(0) { $0 + Int(lengths[$1]) }
            // SAFETY: how many values and bytes follow is for the caller to know, as before.
            return ArgumentColumn(
                text: UnsafeRawBufferPointer(start: text + byteCount, count: 0),
                lengths: UnsafeBufferPointer(start: lengths + count, count: 0))
        }
        return ArgumentColumn(
            words: UnsafeBufferPointer(start: words.map { $0 + count }, count: 0),
            nanoseconds: nanoseconds.map { UnsafeBufferPointer(start: $0 + count, count: 0) })
    }
}
