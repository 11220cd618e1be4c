package import AtomicStateSchema

// Trial: what a journal's transactions would come to under another schema.

extension TransactionForms {
    /// What the transactions of a run consist of that was read with these forms; a declared operation
    /// is a step alone.
    package func steps(of run: JournalRecord.Run) -> [TransactionStep] {
        forms[run.form].steps ?? [.operation(run.form)]
    }
}

extension Engine {
    /// Executes some of a run's transactions under the schema they were accepted under.
    ///
    /// - Parameter steps: those of the run.
    package mutating func tryAgain(
        _ run: JournalRecord.Run, _ transactions: Range<Int>, _ steps: [TransactionStep],
        microseconds: UInt64
    ) throws(StepError) -> BatchOutcome {
        try tryAgain(run, transactions, steps, nil, microseconds)
    }

    /// Executes some of a run's transactions under another schema.
    ///
    /// - Parameter change: how they are submitted under it.
    package mutating func tryAgain(
        _ run: JournalRecord.Run, _ transactions: Range<Int>, as change: TransactionChange,
        microseconds: UInt64
    ) throws(StepError) -> BatchOutcome {
        try tryAgain(run, transactions, change.steps, change, microseconds)
    }

    /// - Returns: rejections whose indices count from the first of the transactions. There is no
    ///   journal record of it.
    private mutating func tryAgain(
        _ run: JournalRecord.Run, _ transactions: Range<Int>, _ steps: [TransactionStep],
        _ change: TransactionChange?, _ microseconds: UInt64
    ) throws(StepError) -> BatchOutcome {
        var form = TransactionRun.Form.steps(steps)
        if steps.count == 1, case .operation(let index) = steps[0] { form = .operation(index) }
        beginGroup(microseconds: microseconds)
        rejectionsTakeSequences = true
        defer { rejectionsTakeSequences = false }
        let outcome = try run.withArguments { (columns) throws(StepError) in
            let remapped = RemappedColumns(columns, transactions, change)
            defer { withExtendedLifetime(remapped) {} }
            return try execute([
                TransactionRun(
                    form: form, transactionCount: transactions.count, arguments: remapped.columns)
            ])
        }
        var unused = ByteBuffer()
        finishGroup(firstSequence: 0, record: &unused)
        return outcome
    }
}

/// A run's arguments from some transaction on, in the order and with the values of another schema.
private final class RemappedColumns {
    private(set) var columns: [ArgumentColumn]
    private var memory: [UnsafeMutableBufferPointer<UInt64>] = []

    init(_ columns: [ArgumentColumn], _ transactions: Range<Int>, _ change: TransactionChange?) {
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
