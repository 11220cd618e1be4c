internal import AtomicStateSchema

/// What the transaction under way has changed: each row that it has touched once, with a copy of how
/// it was before, and what it did to trees and unique indices.
///
/// A row's touch word holds the transaction's stamp and the row's place in this list, so that a
/// second touch is found without a search. In an atomic batch the changes of the transactions before
/// stay, so that they can be undone with it.
struct ChangeSet: ~Copyable {
    struct TouchedRow {
        let row: Row
        /// The row as it was before the transaction; all zero for a row that it created.
        let before: Row
        /// Which derived values have taken this row's change in: `DerivedLayout.settledBit`.
        var settled: UInt64
        private let typeIndex: UInt32
        /// Which unique keys the row's values before were taken out of, and its values now entered
        /// into: `UniqueShape.mask`.
        var released: UInt8
        var claimed: UInt8
        /// Whether an effect changed the row; otherwise only its derived values changed.
        var isChanged: Bool
        /// Whether a text of the row was changed.
        var hasNewTexts = false

        init(row: Row, before: Row, type: Int, isChanged: Bool) {
            self.row = row
            self.before = before
            typeIndex = UInt32(truncatingIfNeeded: type)
            settled = 0
            released = 0
            claimed = 0
            self.isChanged = isChanged
        }

        var type: Int { Int(typeIndex) }
    }

    /// A change of a tree or an index, which an undo turns back.
    enum StructureChange {
        case inserted(ValueTree.Value, derived: Int, holder: Row)
        case removed(ValueTree.Value, derived: Int, holder: Row)
        case claimed(Row, hash: UInt64, key: Int)
        case released(Row, hash: UInt64, key: Int)
    }

    private static let indexBitCount: UInt64 = 16
    private static let imageChunkWordCount = 1 << 17

    private var rows: UnsafeMutablePointer<TouchedRow>
    private var rowCapacity: Int
    private var imageChunks: [UnsafeMutablePointer<UInt64>] = []
    private var imageChunk = 0
    /// The room that is left in the chunk.
    private var nextImage: Row
    private var imageChunkEnd: Row
    private let chunkWordCount: Int
    private var stamp: UInt64 = 0
    /// Those of the transaction under way are from `first` on.
    private(set) var first = 0
    private(set) var count = 0
    private(set) var structureChanges: [StructureChange] = []
    private(set) var firstStructureChange = 0

    /// - Parameter imageWordCountMax: the words of the longest image.
    init(imageWordCountMax: Int) {
        precondition(EngineLimits.touchedRowCountMax <= 1 << Self.indexBitCount)
        // Memory that is never touched is never resident.
        rowCapacity = EngineLimits.touchedRowCountMax
        rows = .allocate(capacity: rowCapacity)
        chunkWordCount = max(Self.imageChunkWordCount, imageWordCountMax)
        nextImage = .allocate(capacity: chunkWordCount)
        imageChunkEnd = nextImage + chunkWordCount
        imageChunks.append(nextImage)
    }

    deinit {
        rows.deallocate()
        for chunk in imageChunks { chunk.deallocate() }
    }

    /// The memory of images and of the list of rows, but for what there is always.
    var imageByteCount: Int {
        @inline(__always) get {
            imageChunk * chunkWordCount * 8 + count * MemoryLayout<TouchedRow>.stride
        }
    }

    /// Starts the next transaction.
    ///
    /// - Parameter keepingEarlier: leaves the changes of the one before in place.
    @inline(__always)
    mutating func begin(keepingEarlier: Bool = false) {
        stamp += 1
        guard !keepingEarlier else {
            first = count
            firstStructureChange = structureChanges.count
            makeRoom()
            return
        }
        first = 0
        count = 0
        if imageChunk > 0 { releaseImageChunks() }
        nextImage = imageChunkEnd - chunkWordCount
        firstStructureChange = 0
        if !structureChanges.isEmpty { structureChanges.removeAll(keepingCapacity: true) }
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
        return first &+ Int(mark & ((1 << Self.indexBitCount) - 1))
    }

    /// The row as it was before the transaction.
    @inline(__always)
    func before(_ row: Row) -> Row {
        index(of: row).map { self[$0].before } ?? row
    }

    /// Keeps the row as it is, unless that was done.
    ///
    /// - Parameter isChange: whether an effect is about to change the row, and not only its derived values.
    @inline(__always)
    mutating func touch(_ row: Row, type: Int, _ shape: borrowing RowShape, isChange: Bool) {
        if let known = index(of: row) {
            if isChange { self[known].isChanged = true }
            return
        }
        let before = image(shape.lineWordCount)
        RowLines.copy(row, to: before, wordCount: shape.lineWordCount)
        append(row, before: before, type: type, isChanged: isChange)
    }

    /// Notes a row that the transaction has created.
    mutating func noteCreated(_ row: Row, type: Int, _ shape: borrowing RowShape) {
        let before = image(shape.lineWordCount)
        before.update(repeating: 0, count: shape.lineWordCount)
        append(row, before: before, type: type, isChanged: true)
    }

    mutating func note(_ change: StructureChange) {
        structureChanges.append(change)
    }

    /// Forgets the changes of trees and indices, after they have been turned back.
    mutating func removeStructureChanges(downTo count: Int) {
        structureChanges.removeLast(structureChanges.count - count)
    }

    /// Forgets the changes of rows, after they have been turned back.
    mutating func removeRows(downTo count: Int) {
        self.count = count
    }

    @inline(__always)
    private mutating func image(_ wordCount: Int) -> Row {
        if nextImage + wordCount > imageChunkEnd { nextImageChunk() }
        defer { nextImage += wordCount }
        return nextImage
    }

    private mutating func nextImageChunk() {
        imageChunk += 1
        if imageChunk == imageChunks.count {
            imageChunks.append(.allocate(capacity: chunkWordCount))
        }
        beginImageChunk()
    }

    private mutating func releaseImageChunks() {
        imageChunk = 0
        for chunk in imageChunks.dropFirst() { chunk.deallocate() }
        imageChunks.removeLast(imageChunks.count - 1)
        beginImageChunk()
    }

    private mutating func beginImageChunk() {
        nextImage = imageChunks[imageChunk]
        imageChunkEnd = nextImage + chunkWordCount
    }

    @inline(__always)
    private mutating func append(_ row: Row, before: Row, type: Int, isChanged: Bool) {
        let place = count &- first
        precondition(
            place < EngineLimits.touchedRowCountMax, "the schema's limits bound a transaction")
        (rows + count).initialize(
            to: TouchedRow(row: row, before: before, type: type, isChanged: isChanged))
        row[RowLayout.touchOffset] = stamp << Self.indexBitCount | UInt64(truncatingIfNeeded: place)
        count += 1
    }

    private mutating func makeRoom() {
        guard count + EngineLimits.touchedRowCountMax > rowCapacity else { return }
        rowCapacity = 2 * (count + EngineLimits.touchedRowCountMax)
        let larger = UnsafeMutablePointer<TouchedRow>.allocate(capacity: rowCapacity)
        larger.update(from: rows, count: count)
        rows.deallocate()
        rows = larger
    }
}
