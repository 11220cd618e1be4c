import Testing

@testable import AtomicStateEngine

struct RowListTests {
    /// Appended and removed in turns, every row is removed once, the later ones before the earlier ones.
    @Test(arguments: [1, 100, RowList.rowsPerPiece, RowList.rowsPerPiece + 1, .max])
    func removesEveryRowOnce(countMax: Int) {
        var list = RowList()
        var expected: [Row] = []
        var next = 1
        for count in [0, 1, RowList.rowsPerPiece - 1, 1, 3 * RowList.rowsPerPiece, 5] {
            for _ in 0..<count {
                // SAFETY: no row is read or written.
                let row = Row(bitPattern: next * 8).unsafelyUnwrapped
                list.append(row)
                expected.append(row)
                next += 1
            }
            #expect(list.count == expected.count)
            let removed = Array(list.removeLast(countMax))
            #expect(removed.count <= countMax && removed.isEmpty == expected.isEmpty)
            #expect(removed == expected.suffix(removed.count))
            expected.removeLast(removed.count)
        }
        while list.count > 0 {
            let removed = Array(list.removeLast(countMax))
            guard !removed.isEmpty else { break }
            #expect(removed == expected.suffix(removed.count))
            expected.removeLast(removed.count)
        }
        #expect(expected.isEmpty && list.count == 0)
        #expect(list.removeLast(countMax).isEmpty)
    }
}
