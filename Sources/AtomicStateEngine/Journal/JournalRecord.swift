package import AtomicStateSchema

/// Data that can't be what this software wrote: where, and what was expected.
package struct CorruptionError: Error, Sendable, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}

/// A journal record that was read back. See `JournalFormat.swift`.
package struct JournalRecord {
    package let header: JournalRecordHeader
    package let runs: [Run]

    package struct Run {
        /// An index into `TransactionForms.forms`.
        package let form: Int
        package let targets: [WriteTarget]
        package let transactionCount: Int
        package let columns: [Column]
        /// The columns of each argument; a timestamp or duration has two.
        let argumentColumns: [Range<Int>]
    }

    /// A column's values; `text` is in the record's own memory.
    package struct Column {
        package let words: [UInt64]
        /// Nil for a column of words; otherwise `words` are byte counts that add up to it.
        package let text: UnsafeRawBufferPointer?
    }

    /// - Parameter bytes: the record; its memory has to outlive the result.
    /// - Parameter forms: those of the schema that the record was written with. Its indices are good
    ///   until the forms are limited, at the end of a group.
    package init(
        _ bytes: UnsafeRawBufferPointer, forms: TransactionForms
    ) throws(CorruptionError) {
        var reader = ByteReader(bytes)
        header = try JournalRecordHeader(&reader)
        var runs: [Run] = []
        for _ in 0..<header.runCount {
            runs.append(try Run(&reader, forms))
        }
        self.runs = runs
        guard reader.isAtEnd else {
            throw CorruptionError("bytes after the last run of a journal record")
        }
        let sum = runs.reduce(0) { $0 + UInt64($1.transactionCount) }
        guard sum == header.transactionCount else {
            throw CorruptionError(
                "journal record with \(sum) transactions: expected \(header.transactionCount)")
        }
    }
}

extension JournalRecord.Run {
    fileprivate init(
        _ reader: inout ByteReader, _ forms: TransactionForms
    ) throws(CorruptionError) {
        let operation: UInt16 = try reader.read("a run's operation")
        let columnCount = Int(try reader.read("a run's column count") as UInt16)
        transactionCount = Int(try reader.read("a run's transaction count") as UInt32)
        guard (1...EngineLimits.journalRunTransactionCountMax).contains(transactionCount) else {
            throw CorruptionError("run of \(transactionCount) transactions")
        }
        let program = forms.program
        if operation == JournalFormat.stepsMark {
            let steps = try reader.readSteps()
            do throws(StepError) {
                form = try forms.index(of: steps)
            } catch {
                throw CorruptionError("run of steps: \(error)")
            }
        } else {
            guard operation < program.operations.count else {
                throw CorruptionError(
                    "run of operation \(operation): expected one of \(program.operations.count)")
            }
            form = Int(operation)
        }
        let transactionForm = forms.forms[form]
        targets = transactionForm.routine.targets
        let kinds = JournalColumn.columns(of: transactionForm, in: program)
        guard kinds.count == columnCount else {
            throw CorruptionError(
                "run of operation \(operation) with \(columnCount) columns: expected \(kinds.count)"
            )
        }
        var columns: [JournalRecord.Column] = []
        columns.reserveCapacity(columnCount)
        for kind in kinds {
            let words = try reader.readPacked(count: transactionCount)
            guard kind.isText else {
                columns.append(JournalRecord.Column(words: words, text: nil))
                continue
            }
            var byteCount = 0
            for word in words {
                guard word <= UInt64(UInt32.max) else {
                    throw CorruptionError("text of \(word) bytes in a journal record")
                }
                byteCount += Int(word)
            }
            columns.append(
                JournalRecord.Column(
                    words: words, text: try reader.readBytes(byteCount, "a text column")))
        }
        self.columns = columns
        argumentColumns = transactionForm.parameters.indices.map { parameter in
            let first = kinds.firstIndex { $0.parameter == parameter } ?? 0
            return first..<(first + kinds.count { $0.parameter == parameter })
        }
    }

    /// The first column that is no argument's.
    var firstTargetColumn: Int { argumentColumns.last?.upperBound ?? 0 }

    /// The run's arguments as `Engine.execute` takes them, for the duration of the call.
    package func withArguments<Result, Failure: Error>(
        _ body: ([ArgumentColumn]) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // The byte counts of text, and the nanoseconds of times.
        let narrow = argumentColumns.map { range in
            let column = columns[range.upperBound - 1]
            return column.text == nil && range.count == 1
                ? [] : column.words.map { UInt32(truncatingIfNeeded: $0) }
        }
        var arguments: [ArgumentColumn] = []
        // SAFETY: the arrays are kept alive until the body has returned.
        for (range, narrow) in zip(argumentColumns, narrow) {
            let column = columns[range.lowerBound]
            let narrow = narrow.withUnsafeBufferPointer { $0 }
            if let text = column.text {
                arguments.append(ArgumentColumn(text: text, lengths: narrow))
            } else {
                arguments.append(
                    ArgumentColumn(
                        words: column.words.withUnsafeBufferPointer { $0 },
                        nanoseconds: range.count == 1 ? nil : narrow))
            }
        }
        defer { withExtendedLifetime((columns, narrow)) {} }
        return try body(arguments)
    }
}
