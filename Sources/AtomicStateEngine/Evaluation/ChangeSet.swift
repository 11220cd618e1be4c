internal import AtomicStateSchema

/// What the transaction under way has touched: each row once, with a copy of how it was before.
///
/// A row's touch word holds the transaction's stamp and the row's place in this list, so that a
/// second touch is found without a search.
struct ChangeSet: ~Copyable {
    struct TouchedRow {
        let row: Row
        /// The row as it was before the transaction; all zero for a row that it created.
        let before: Row
        let type: Int
        /// Which totals have taken this row's change in: `DerivedLayout.settledBit`.
        var settled: UInt64
        /// Whether an effect changed the row; otherwise only its totals changed.
        var isChanged: Bool
    }

    private static let indexBitCount: UInt64 = 16

    private let rows: UnsafeMutablePointer<TouchedRow>
    private let images: UnsafeMutablePointer<UInt64>
    private var imageWordCount = 0
    private var stamp: UInt64 = 0
    private(set) var count = 0

    /// - Parameter rowWordCountMax: the words of the longest row.
    init(rowWordCountMax: Int) {
        precondition(EngineLimits.touchedRowCountMax <= 1 << Self.indexBitCount)
        rows = .allocate(capacity: EngineLimits.touchedRowCountMax)
        // Memory that is never touched is never resident.
        images = .allocate(capacity: EngineLimits.touchedRowCountMax * rowWordCountMax)
    }

    deinit {
        rows.deallocate()
        images.deallocate()
    }

    /// Starts the next transaction.
    @inline(__always)
    mutating func begin() {
        stamp += 1
        count = 0
        imageWordCount = 0
    }

    subscript(index: Int) -> TouchedRow {
        @inline(__always) unsafeAddress { UnsafePointer(rows + index) }
        @inline(__always) unsafeMutableAddress { rows + index }
    }

    /// The row's place in the list, if the transaction has touched it.
    @inline(__always)
    func index(of row: Row) -> Int? {
        let mark = row[RowLayout.touchOffset]
        guard mark >> Self.indexBitCount == stamp else { return nil }
        return Int(mark & ((1 << Self.indexBitCount) - 1))
    }

    /// Keeps the row as it is, unless that was done; its place in the list.
    @inline(__always)
    mutating func touch(_ row: Row, type: Int, wordCount: Int) -> Int {
        if let known = index(of: row) { return known }
        let before = images + imageWordCount
        before.update(from: row, count: wordCount)
        return append(row, before: before, type: type, wordCount: wordCount)
    }

    /// Notes a row that the transaction has created; its place in the list.
    mutating func noteCreated(_ row: Row, type: Int, wordCount: Int) -> Int {
        let before = images + imageWordCount
        before.update(repeating: 0, count: wordCount)
        return append(row, before: before, type: type, wordCount: wordCount)
    }

    @inline(__always)
    private mutating func append(_ row: Row, before: Row, type: Int, wordCount: Int) -> Int {
        precondition(
            count < EngineLimits.touchedRowCountMax, "the schema's limits bound a transaction")
        let index = count
        (rows + index).initialize(
            to: TouchedRow(row: row, before: before, type: type, settled: 0, isChanged: false))
        row[RowLayout.touchOffset] = stamp << Self.indexBitCount | UInt64(index)
        count += 1
        imageWordCount += wordCount
        return index
    }
}
