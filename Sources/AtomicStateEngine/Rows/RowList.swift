/// A list of rows that is emptied from its end. Its memory comes and goes in pieces: a long list is never copied,
/// and one that grows while another is emptied takes no more than both need.
struct RowList: ~Copyable {
    static let rowsPerPiece = 8_192

    /// All are full but the last one.
    private var pieces: [UnsafeMutablePointer<Row>] = []
    private var countInLast = rowsPerPiece

    deinit {
        for piece in pieces { piece.deallocate() }
    }

    var count: Int { pieces.isEmpty ? 0 : (pieces.count - 1) * Self.rowsPerPiece + countInLast }

    @inline(__always)
    mutating func append(_ row: Row) {
        if countInLast == Self.rowsPerPiece { addPiece() }
        pieces[pieces.count - 1][countInLast] = row
        countInLast += 1
    }

    /// Removes some of the last rows: none if there are none. They stay in memory until the next call.
    mutating func removeLast(_ countMax: Int) -> UnsafeBufferPointer<Row> {
        if countInLast == 0 { removePiece() }
        guard let last = pieces.last else { return UnsafeBufferPointer(start: nil, count: 0) }
        let removed = min(countMax, countInLast)
        countInLast -= removed
        return UnsafeBufferPointer(start: last + countInLast, count: removed)
    }

    private mutating func addPiece() {
        pieces.append(.allocate(capacity: Self.rowsPerPiece))
        countInLast = 0
    }

    private mutating func removePiece() {
        pieces.removeLast().deallocate()
        countInLast = Self.rowsPerPiece
    }
}
