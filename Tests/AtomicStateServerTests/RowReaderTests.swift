import AtomicStateStorage
import Testing

@testable import AtomicStateServer

/// Of more blocks than are read ahead.
struct RowReaderTests {
    private static let blocks = 5..<105 as Range<UInt64>

    @Test func everyBlockComesInOrder() throws {
        #expect(try Self.numbersRead(from: try Self.storage()) == Array(Self.blocks))
    }

    @Test func aLoaderThatFailsEndsTheReading() throws {
        let storage = try Self.storage()
        var blockCount = 0
        let error = #expect(throws: IterationError<Refusal>.self) {
            try RowReader.forEachBlock(in: storage, Self.blocks) { (_) throws(Refusal) in
                blockCount += 1
                throw Refusal()
            }
        }
        guard case .body = error else {
            Issue.record("expected the loader's error, found \(String(describing: error))")
            return
        }
        #expect(blockCount == 1)
        #expect(storage.readBlockCount < Self.blocks.count)
    }

    @Test(arguments: [0, 1, 99])
    func aReadThatFailsIsTold(readableBlockCount: Int) throws {
        let storage = try Self.storage()
        storage.readableBlockCount = readableBlockCount
        let error = #expect(throws: IterationError<Never>.self) {
            _ = try Self.numbersRead(from: storage)
        }
        guard case .storage(let failure) = error else {
            Issue.record("expected the storage's error, found \(String(describing: error))")
            return
        }
        #expect(failure.description.contains("the device failed"))
    }

    private struct Refusal: Error {}

    private static func numbersRead(
        from storage: SimulatedStorage
    ) throws(IterationError<Never>) -> [UInt64] {
        var numbers: [UInt64] = []
        try RowReader.forEachBlock(in: storage, blocks) { bytes in
            numbers.append(bytes.loadUnaligned(as: UInt64.self))
        }
        return numbers
    }

    /// Each block has its number.
    private static func storage() throws -> SimulatedStorage {
        let storage = SimulatedStorage(seed: 1)
        _ = try storage.storeRows(from: blocks.lowerBound, reaching: 1) {
            (add) throws(StorageError) in
            for number in blocks {
                try withUnsafeBytes(of: number) { (bytes) throws(StorageError) in try add(bytes) }
            }
        }
        return storage
    }
}
