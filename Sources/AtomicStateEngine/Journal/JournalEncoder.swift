internal import AtomicStateSchema

/// Builds the journal record of the commit group under way. See `JournalFormat.swift`.
///
/// Accepted transactions of one operation collect as columns of full words, which are packed when the
/// operation changes, the columns are full, or the group ends.
struct JournalEncoder: ~Copyable {
    private let operations: UnsafeMutableBufferPointer<UnsafeBufferPointer<JournalColumn>>
    /// Room for the words of every column of a run: column c starts at c × capacity.
    private let words: UnsafeMutablePointer<UInt64>
    /// The bytes of every text column of a run.
    private let texts: UnsafeMutablePointer<ByteBuffer>
    private let columnCountMax: Int
    private static let capacity = EngineLimits.journalRunTransactionCountMax

    private(set) var record = ByteBuffer()
    private let schemaVersion: UInt16
    private var runCount: UInt32 = 0
    private var transactionCount: UInt64 = 0
    private var openOperation = -1
    private var openCount = 0

    init(program: Program, schemaVersion: UInt16) {
        self.schemaVersion = schemaVersion
        let columns = program.operations.indices.map { JournalColumn.columns(of: $0, in: program) }
        columnCountMax = columns.map(\.count).max() ?? 0
        operations = .allocate(capacity: columns.count)
        _ = operations.initialize(from: columns.map { UnsafeBufferPointer(copying: $0) })
        // Memory that is never touched is never resident.
        words = .allocate(capacity: max(columnCountMax, 1) * Self.capacity)
        texts = .allocate(capacity: max(columnCountMax, 1))
        for column in 0..<columnCountMax { (texts + column).initialize(to: ByteBuffer()) }
    }

    deinit {
        for columns in operations { columns.deallocate() }
        operations.deallocate()
        words.deallocate()
        texts.deinitialize(count: columnCountMax)
        texts.deallocate()
    }

    /// The transactions of the group so far.
    var isEmpty: Bool { transactionCount == 0 }

    /// What the record takes so far, the run that is still open at its full width.
    var byteCountEstimate: Int {
        guard openOperation >= 0 else { return record.count }
        return record.count + operations[openOperation].count * openCount * 8
    }

    /// Starts the next group's record.
    mutating func begin() {
        record.removeAll()
        record.appendZeros(JournalFormat.recordHeaderByteCount)
        runCount = 0
        transactionCount = 0
    }

    /// Adds an accepted transaction, whose rows are as it left them.
    ///
    /// - Parameter arguments: the run that the transaction is part of.
    /// - Parameter frame: the operation's registers.
    @inline(__always)
    mutating func append(
        operation: Int, arguments: borrowing ArgumentCursor, frame: UnsafeMutablePointer<UInt64>
    ) {
        if operation != openOperation || openCount == Self.capacity {
            closeRun()
            openOperation = operation
        }
        let columns = operations[operation]
        for index in 0..<columns.count {
            let word: UInt64
            switch columns[index] {
            case .argumentWord(parameter: let parameter):
                word = arguments.word(of: parameter)
            case .fieldWord(row: let register, offset: let offset):
                word = rowAt(frame[Int(register)])[offset]
            case .keyWord(row: let register):
                word = rowAt(frame[Int(register)])[RowLayout.keyOffset]
            case .referenceWord(row: let register, offset: let offset):
                word = rowAt(rowAt(frame[Int(register)])[offset])[RowLayout.keyOffset]
            case .argumentNanoseconds(parameter: let parameter):
                word = arguments.nanoseconds(of: parameter)
            case .presence(row: let register, offset: let offset, bit: let bit):
                word = rowAt(frame[Int(register)])[offset] >> UInt64(bit) & 1
            case .argumentText(parameter: let parameter):
                word = append(arguments.text(of: parameter), to: index)
            case .fieldText(row: let register, offset: let offset):
                word = append(TextHeap.text(at: rowAt(frame[Int(register)])[offset]), to: index)
            case .keyText(row: let register):
                word = append(
                    TextHeap.text(at: rowAt(frame[Int(register)])[RowLayout.keyOffset]), to: index)
            case .referenceText(row: let register, offset: let offset):
                let target = rowAt(rowAt(frame[Int(register)])[offset])
                word = append(TextHeap.text(at: target[RowLayout.keyOffset]), to: index)
            }
            words[index &* Self.capacity &+ openCount] = word
        }
        openCount += 1
        transactionCount += 1
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
        return UInt64(text.count)
    }

    private mutating func closeRun() {
        guard openCount > 0 else { return }
        let columns = operations[openOperation]
        record.append(UInt16(openOperation))
        record.append(UInt16(columns.count))
        record.append(UInt32(openCount))
        for index in 0..<columns.count {
            record.appendPacked(words + index * Self.capacity, count: openCount)
            if columns[index].isText {
                texts[index].withBytes { record.append($0) }
                texts[index].removeAll()
            }
        }
        runCount += 1
        openCount = 0
    }
}

extension ByteBuffer {
    /// Appends a column of words.
    fileprivate mutating func appendPacked(_ words: UnsafePointer<UInt64>, count: Int) {
        var least = Int64(bitPattern: words[0])
        var greatest = least
        for index in 1..<max(count, 1) {
            let value = Int64(bitPattern: words[index])
            least = min(least, value)
            greatest = max(greatest, value)
        }
        let base = UInt64(bitPattern: least)
        let range = UInt64(bitPattern: greatest) &- base
        switch range {
        case 0: appendPacked(words, 0, base, width: 0) { (_: UInt64) in UInt8(0) }
        case ...0xFF: appendPacked(words, count, base, width: 1) { UInt8(truncatingIfNeeded: $0) }
        case ...0xFFFF:
            appendPacked(words, count, base, width: 2) { UInt16(truncatingIfNeeded: $0) }
        case ...0xFFFF_FFFF:
            appendPacked(words, count, base, width: 4) { UInt32(truncatingIfNeeded: $0) }
        default: appendPacked(words, count, base, width: 8) { $0 }
        }
    }

    @inline(__always)
    private mutating func appendPacked<Packed: FixedWidthInteger>(
        _ words: UnsafePointer<UInt64>, _ count: Int, _ base: UInt64, width: UInt8,
        _ pack: (UInt64) -> Packed
    ) {
        append(width)
        append(base)
        withAppendedBytes(count * Int(width)) { bytes in
            for index in 0..<count {
                // SAFETY: the memory has room for `count` values; a record's columns are unaligned.
                bytes.storeBytes(
                    of: pack(words[index] &- base).littleEndian,
                    toByteOffset: index &* MemoryLayout<Packed>.size, as: Packed.self)
            }
        }
    }
}
