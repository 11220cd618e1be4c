import AtomicStateSchema
import SeededRandom
import Testing

@testable import AtomicStateEngine

/// The index of a unique key against a dictionary, with hashes that meet.
@Suite struct UniqueIndexTests {
    @Test(arguments: 1...3 as ClosedRange<UInt64>, [UInt64.max, 0x3F])
    func agreesWithADictionary(seed: UInt64, hashMask: UInt64) throws {
        var random = SeededGenerator(state: seed)
        let program = try Program(compiling: Schema(parsing: Self.text))
        var heap = TextHeap()
        var store = RowStore(layout: program.layouts[0])
        var index = UniqueIndex(program.uniqueKeys[0])
        let fields = program.layouts[0].fieldOffsets
        let rows = (0..<4_000 as Range<UInt64>).map { key in
            let row = store.insert(.number(key), textHeap: &heap)
            let name = Array("name \(key / 2)".utf8)
            row[fields[0]] = name.withUnsafeBytes { heap.allocate($0) }
            row[fields[1]] = key % 8 / 2
            return row
        }
        /// Which of two rows with the same values is in the index.
        var present: [Int: Row] = [:]
        for step in 0..<30_000 {
            let place = Int.random(in: rows.indices, using: &random)
            let row = rows[place]
            let hash = index.shape.hash(of: row) & hashMask
            let other = present[place / 2]
            #expect(
                index.find(row, hash: hash) == (other == row ? nil : other), "step \(step)")
            if other == row {
                index.remove(row, hash: hash)
                present[place / 2] = nil
            } else if other == nil {
                index.insert(row, hash: hash)
                present[place / 2] = row
            }
        }
        #expect(!present.isEmpty)
    }

    /// A row may get other values while it is in the index; it leaves by the hash of the old ones.
    @Test func rowsMayChangeBeforeTheyLeave() throws {
        let program = try Program(compiling: Schema(parsing: Self.text))
        var heap = TextHeap()
        var store = RowStore(layout: program.layouts[0])
        var index = UniqueIndex(program.uniqueKeys[0])
        let offset = program.layouts[0].fieldOffsets[1]
        let first = store.insert(.number(1), textHeap: &heap)
        let second = store.insert(.number(2), textHeap: &heap)
        second[offset] = 7
        let hashes = [first, second].map { index.shape.hash(of: $0) }
        #expect(hashes[0] != hashes[1])
        index.insert(first, hash: hashes[0])
        index.insert(second, hash: hashes[1])
        first[offset] = 7
        second[offset] = 0
        index.remove(first, hash: hashes[0])
        index.remove(second, hash: hashes[1])
        for row in [first, second] {
            let hash = index.shape.hash(of: row)
            #expect(index.find(row, hash: hash) == nil)
            index.insert(row, hash: hash)
        }
    }

    private static let text = """
        schema: 1
        name: unique
        entities:
          Thing:
            key: uint64
            fields:
              name: { type: string, default: '' }
              number: { type: int, default: 0 }
            unique: [[name, number]]
        """
}
