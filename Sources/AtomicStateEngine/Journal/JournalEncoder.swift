internal import AtomicStateSchema

/// Builds the journal record of the commit group under way. See `JournalFormat.swift`.
///
/// Accepted transactions of one form collect as columns of full words, which are packed when the
/// form changes, the columns are full, or the group ends. Arguments come as columns too, and are copied for
/// a stretch of transactions that follow one another in their run.
struct JournalEncoder: ~Copyable {
    /// By form.
    private var forms: [Form] = []
    /// Room for the words of every column of a run: column c starts at c × capacity.
    private var words: UnsafeMutablePointer<UInt64>
    /// The bytes of every text column of a run.
    private var texts: UnsafeMutablePointer<ByteBuffer>
    private var columnCountMax: Int
    private static let capacity = EngineLimits.journalRunTransactionCountMax

    private struct Form {
        let columns: UnsafeBufferPointer<JournalColumn>
        /// The first columns are of arguments.
        let argumentColumnCount: Int
        let steps: [TransactionStep]?
    }

    /// Transactions whose arguments are not copied yet: the last ones of the open run.
    private struct Stretch {
        /// The first one's place in the run that is carried out; -1 if there is none.
        var first = -1
        var count = 0
    }

    /// Where an atomic batch began. The run that was open then stays open, so that a batch leaves the
    /// same record as its transactions would on their own, and no trace if it is turned back.
    private struct Mark {
        let byteCount: Int
        let runCount: UInt32
        let transactionCount: UInt64
        let openForm: Int
        let openCount: Int
        /// Of each text column of the open run.
        let textByteCounts: [Int]
        /// What the open run held, column by column, once it is closed.
        var words: [[UInt64]] = []
        var texts: [[UInt8]] = []
    }

    private(set) var record = ByteBuffer()
    private let schemaVersion: UInt16
    private var runCount: UInt32 = 0
    private var transactionCount: UInt64 = 0
    private var openForm = -1
    private var openColumns = UnsafeBufferPointer<JournalColumn>(start: nil, count: 0)
    private var openArgumentColumnCount = 0
    private var openCount = 0
    /// Of the fields of all transactions so far, those of other records and of rejected batches included.
    private(set) var storedTextByteCount = 0
    private var stretch = Stretch()
    /// By argument column.
    private var sources: UnsafeMutablePointer<ArgumentSource>
    private var lastMark: Mark?

    init(schemaVersion: UInt16) {
        self.schemaVersion = schemaVersion
        columnCountMax = 16
        // Memory that is never touched is never resident.
        words = .allocate(capacity: columnCountMax * Self.capacity)
        sources = .allocate(capacity: columnCountMax)
        texts = .allocate(capacity: columnCountMax)
        for column in 0..<columnCountMax { (texts + column).initialize(to: ByteBuffer()) }
    }

    deinit {
        for form in forms { form.columns.deallocate() }
        words.deallocate()
        sources.deallocate()
        texts.deinitialize(count: columnCountMax)
        texts.deallocate()
    }

    /// Makes room for a form's runs.
    mutating func append(_ form: TransactionForm, of program: Program) {
        let columns = JournalColumn.columns(of: form, in: program)
        forms.append(
            Form(
                columns: UnsafeBufferPointer(copying: columns),
                argumentColumnCount: columns.prefix { $0.parameter != nil }.count,
                steps: form.steps))
        if columns.count > columnCountMax { growColumns(to: columns.count) }
    }

    /// Forgets the last forms. Not while a group is under way.
    mutating func removeForms(_ count: Int) {
        precondition(openCount == 0, "forms are forgotten between groups")
        for form in forms.suffix(count) { form.columns.deallocate() }
        forms.removeLast(count)
        openForm = -1
    }

    /// The open run stays, or the record would depend on forms that were never accepted.
    private mutating func growColumns(to count: Int) {
        let more = UnsafeMutablePointer<UInt64>.allocate(capacity: count * Self.capacity)
        for column in 0..<columnCountMax {
            let start = column * Self.capacity
            (more + start).update(from: words + start, count: openCount)
        }
        words.deallocate()
        words = more
        precondition(stretch.count == 0, "forms come up between runs")
        sources.deallocate()
        sources = .allocate(capacity: count)
        growTexts(to: count)
        columnCountMax = count
    }

    private mutating func growTexts(to count: Int) {
        let more = UnsafeMutablePointer<ByteBuffer>.allocate(capacity: count)
        more.moveInitialize(from: texts, count: columnCountMax)
        for column in columnCountMax..<count { (more + column).initialize(to: ByteBuffer()) }
        texts.deallocate()
        texts = more
    }

    /// The transactions of the group so far.
    var isEmpty: Bool { transactionCount == 0 }

    /// What the record takes so far, the run that is still open at its full width.
    var byteCountEstimate: Int {
        var byteCount = record.count
        for column in openColumns.indices { byteCount += openCount * 8 + texts[column].count }
        return byteCount
    }

    /// Starts the next group's record.
    mutating func begin() {
        record.removeAll()
        record.appendZeros(JournalFormat.recordHeaderByteCount)
        runCount = 0
        transactionCount = 0
    }

    /// Whether a transaction can be appended as it is: it is of the open run's form, and follows the one before in
    /// the run that is carried out.
    @inline(__always)
    func isReady(for form: Int, at transaction: Int) -> Bool {
        form == openForm && openCount < Self.capacity
            && transaction == stretch.first &+ stretch.count
    }

    /// Makes the encoder ready for a transaction. Before the run's arguments are gone, `copyArguments` has to be
    /// called.
    ///
    /// - Parameter arguments: the run that the transaction is part of.
    mutating func makeReady(for form: Int, _ arguments: borrowing ArgumentCursor) {
        if form != openForm || openCount == Self.capacity {
            closeRun()
            open(form)
        }
        beginStretch(arguments)
    }

    /// Adds an accepted transaction that the encoder is ready for, and whose rows are as it left them.
    ///
    /// - Parameter frame: the form's registers.
    @inline(__always)
    mutating func append(_ frame: UnsafeMutablePointer<UInt64>) {
        let columns = openColumns
        for index in openArgumentColumnCount..<columns.count {
            let word: UInt64
            switch columns[index] {
            case .fieldWord(row: let register, offset: let offset):
                word = rowAt(frame[Int(register)])[offset]
            case .keyWord(row: let register):
                word = rowAt(frame[Int(register)])[RowLayout.keyOffset]
            case .referenceWord(row: let register, offset: let offset):
                let target = rowAt(frame[Int(register)])[offset]
                word = target == 0 ? 0 : rowAt(target)[RowLayout.keyOffset]
            case .presence(row: let register, offset: let offset, bit: let bit):
                word = rowAt(frame[Int(register)])[offset] >> UInt64(bit) & 1
            case .fieldText(row: let register, offset: let offset):
                word = append(TextHeap.text(at: rowAt(frame[Int(register)])[offset]), to: index)
            case .keyText(row: let register):
                word = append(
                    TextHeap.text(at: rowAt(frame[Int(register)])[RowLayout.keyOffset]), to: index)
            case .referenceText(row: let register, offset: let offset):
                let target = rowAt(frame[Int(register)])[offset]
                let key = target == 0 ? 0 : rowAt(target)[RowLayout.keyOffset]
                word = append(TextHeap.text(at: key), to: index)
            case .argumentWord, .argumentText, .argumentNanoseconds:
                preconditionFailure("arguments are the first columns")
            }
            words[index &* Self.capacity &+ openCount] = word
        }
        openCount += 1
        transactionCount += 1
        stretch.count += 1
    }

    private mutating func open(_ form: Int) {
        openForm = form
        openColumns = forms[form].columns
        openArgumentColumnCount = forms[form].argumentColumnCount
    }

    private mutating func beginStretch(_ arguments: borrowing ArgumentCursor) {
        copyArguments()
        stretch.first = arguments.transaction
        for index in 0..<openArgumentColumnCount {
            guard let parameter = openColumns[index].parameter else {
                preconditionFailure("arguments are the first columns")
            }
            sources[index] = arguments.source(of: parameter)
        }
    }

    /// Copies the arguments of the transactions that were added since the last time.
    mutating func copyArguments() {
        let (first, count) = (stretch.first, stretch.count)
        stretch = Stretch()
        guard count > 0 else { return }
        for index in 0..<openArgumentColumnCount {
            let source = sources[index]
            let target = words + (index * Self.capacity + openCount - count)
            // SAFETY: the columns have the kinds of the parameters, and a value for each transaction.
            switch openColumns[index] {
            case .argumentWord:
                target.update(from: source.column.words.unsafelyUnwrapped + first, count: count)
            case .argumentNanoseconds:
                for offset in 0..<count {
                    target[offset] =
                        source.column.nanoseconds.map { UInt64($0[first + offset]) } ?? 0
                }
            case .argumentText:
                let lengths = source.column.lengths.unsafelyUnwrapped + first
                var byteCount = 0
                for offset in 0..<count {
                    target[offset] = UInt64(lengths[offset])
                    byteCount += Int(lengths[offset])
                }
                texts[index].append(UnsafeRawBufferPointer(start: source.text, count: byteCount))
            case .keyWord, .keyText, .fieldWord, .fieldText, .presence, .referenceWord,
                .referenceText:
                preconditionFailure("arguments are the first columns")
            }
        }
    }

    /// Completes the record.
    mutating func finish(firstSequence: UInt64, microseconds: UInt64) {
        closeRun()
        record.withMutableBytes { bytes in
            bytes.storeBytes(of: JournalFormat.version, toByteOffset: 0, as: UInt8.self)
            bytes.storeBytes(of: schemaVersion.littleEndian, toByteOffset: 2, as: UInt16.self)
            bytes.storeBytes(of: runCount.littleEndian, toByteOffset: 4, as: UInt32.self)
            bytes.storeBytes(of: firstSequence.littleEndian, toByteOffset: 8, as: UInt64.self)
            bytes.storeBytes(of: transactionCount.littleEndian, toByteOffset: 16, as: UInt64.self)
            bytes.storeBytes(of: microseconds.littleEndian, toByteOffset: 24, as: UInt64.self)
        }
    }

    /// Exchanges the finished record for memory that the next one can use.
    mutating func exchangeRecord(_ buffer: inout ByteBuffer) {
        swap(&record, &buffer)
    }

    private mutating func append(_ text: UnsafeRawBufferPointer, to column: Int) -> UInt64 {
        texts[column].append(text)
        storedTextByteCount += text.count
        return UInt64(text.count)
    }

    /// Remembers what the record holds, until `revertToMark` or `removeMark`.
    mutating func mark() {
        let columnCount = openCount > 0 ? openColumns.count : 0
        lastMark = Mark(
            byteCount: record.count, runCount: runCount, transactionCount: transactionCount,
            openForm: openForm, openCount: openCount,
            textByteCounts: (0..<columnCount).map { texts[$0].count })
    }

    mutating func removeMark() {
        lastMark = nil
    }

    /// Takes back what was added since the mark.
    mutating func revertToMark() {
        guard let mark = lastMark else { return }
        lastMark = nil
        for column in 0..<columnCountMax {
            let byteCount =
                column < mark.textByteCounts.count && mark.texts.isEmpty
                ? mark.textByteCounts[column] : 0
            texts[column].removeLast(texts[column].count - byteCount)
        }
        for (column, kept) in mark.words.enumerated() {
            kept.withUnsafeBufferPointer { kept in
                guard let base = kept.baseAddress else { return }
                (words + column * Self.capacity).update(from: base, count: kept.count)
            }
            mark.texts[column].withUnsafeBytes { texts[column].append($0) }
        }
        record.removeLast(record.count - mark.byteCount)
        runCount = mark.runCount
        transactionCount = mark.transactionCount
        openCount = mark.openCount
        if openCount > 0 {
            open(mark.openForm)
        } else {
            openForm = -1
        }
    }

    /// Before the run that was open at the mark is closed.
    private mutating func keepMarkedRun() {
        guard var mark = lastMark, mark.openCount > 0, mark.words.isEmpty else { return }
        for (column, byteCount) in mark.textByteCounts.enumerated() {
            let start = words + column * Self.capacity
            mark.words.append(Array(UnsafeBufferPointer(start: start, count: mark.openCount)))
            mark.texts.append(texts[column].withBytes { Array($0.prefix(byteCount)) })
        }
        lastMark = mark
    }

    /// Ends the run under way: the next transaction begins another one, of whatever form it is.
    mutating func closeRun() {
        guard openCount > 0 else { return }
        copyArguments()
        keepMarkedRun()
        let columns = openColumns
        let steps = forms[openForm].steps
        record.append(steps == nil ? UInt16(openForm) : JournalFormat.stepsMark)
        record.append(UInt16(columns.count))
        record.append(UInt32(openCount))
        if let steps { record.append(steps) }
        for index in 0..<columns.count {
            let start = words + index * Self.capacity
            record.appendPacked(UnsafeBufferPointer(start: start, count: openCount))
            if columns[index].isText {
                texts[index].withBytes { record.append($0) }
                texts[index].removeAll()
            }
        }
        runCount += 1
        openCount = 0
    }
}
