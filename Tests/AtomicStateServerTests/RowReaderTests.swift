import AtomicStateEngine
import AtomicStateStorage
import Testing

@testable import AtomicStateServer

/// Of more rows than are read ahead.
struct RowReaderTests {
    private static let rowCount = 50_000
    private static let image = [UInt8](repeating: 7, count: 60)

    @Test func everyRowComesInOrder() throws {
        let keys = try Self.keysRead(from: try Self.storage())
        #expect(keys == (0..<Self.rowCount).map(Self.key))
    }

    @Test func aLoaderThatFailsEndsTheReading() throws {
        let storage = try Self.storage()
        var batchCount = 0
        let error = #expect(throws: IterationError<Refusal>.self) {
            try RowReader.forEachBatch(in: storage, schemaVersion: 1) { (_) throws(Refusal) in
                batchCount += 1
                throw Refusal()
            }
        }
        guard case .body = error else {
            Issue.record("expected the loader's error, found \(String(describing: error))")
            return
        }
        #expect(batchCount == 1)
        #expect(storage.readRowCount < Self.rowCount)
    }

    @Test(arguments: [0, 1, 49_999])
    func aReadThatFailsIsTold(readableRowCount: Int) throws {
        let storage = try Self.storage()
        storage.readableRowCount = readableRowCount
        let error = #expect(throws: IterationError<Never>.self) {
            _ = try Self.keysRead(from: storage)
        }
        guard case .storage(let failure) = error else {
            Issue.record("expected the storage's error, found \(String(describing: error))")
            return
        }
        #expect(failure.description.contains("the device failed"))
    }

    private struct Refusal: Error {}

    private static func keysRead(
        from storage: SimulatedStorage
    ) throws(IterationError<Never>) -> [[UInt8]] {
        var keys: [[UInt8]] = []
        try RowReader.forEachBatch(in: storage, schemaVersion: 1) { rows in
            rows.forEachInKeyOrder { key, image in
                keys.append(Array(key))
                if image.map({ Array($0) }) != Self.image { Issue.record("another image") }
            }
        }
        return keys
    }

    private static func storage() throws -> SimulatedStorage {
        let storage = SimulatedStorage(seed: 1)
        var rows = RowImageBatch()
        for number in 0..<rowCount {
            key(number).withUnsafeBytes { key in
                image.withUnsafeBytes { image in rows.append(key: key, image: image) }
            }
        }
        try rows.store(in: storage, schemaVersion: 1, reaching: 1)
        return storage
    }

    /// The type's index, and a number.
    private static func key(_ number: Int) -> [UInt8] {
        [0, 0] + withUnsafeBytes(of: UInt64(number).bigEndian) { Array($0) }
    }
}
