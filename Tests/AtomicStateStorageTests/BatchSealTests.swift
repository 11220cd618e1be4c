import CRocksDB
import Foundation
import Testing

@testable import AtomicStateStorage

/// Records as RocksDB writes them to its log, and what can be wrong with them.
@Suite struct BatchSealTests {
    @Test func changedRecordsAreFound() throws {
        try withDatabase { database, seal in
            let records = [
                try record(in: database, seal, []), try record(in: database, seal, ["a"]),
                try record(in: database, seal, ["some", "", "values"]),
            ]
            // RocksDB may write batches one behind the other.
            let together = records[2] + records[1].dropFirst(12)
            for record in records + [together] {
                #expect(isIntact(record))
                #expect(secret(of: record) == seal.secret)
                for count in 31..<record.count where count != records[2].count {
                    #expect(!isIntact(Array(record.prefix(count))))
                }
                #expect(!isIntact(record + [0]))
                #expect(!isIntact(record + record.dropFirst(12).dropLast()))
            }
            for text in ["some", "values"] {
                let place = try #require(together.firstRange(of: Array(text.utf8))?.lowerBound)
                var changed = together
                changed[place] ^= 1
                #expect(!isIntact(changed))
            }
        }
    }

    /// A torn record that goes on with another one's bytes, of the same length or not.
    @Test func mixturesAreFound() throws {
        try withDatabase { database, seal in
            let one = try record(in: database, seal, [String(repeating: "1", count: 300)])
            for count in [298, 299, 300, 301] {
                let other = try record(in: database, seal, [String(repeating: "2", count: count)])
                // Within the value, and the checksum behind it.
                for place in 60..<(one.count - 1) {
                    #expect(!isIntact(Array(one[..<place] + other[min(place, other.count)...])))
                }
            }
        }
    }

    @Test func otherDatabasesHaveOtherSecrets() throws {
        try withDatabase { database, seal in
            let record = try record(in: database, seal, ["a"])
            try withDatabase { _, other in #expect(seal.secret != other.secret) }
            #expect(secret(of: Array(record.prefix(29))) == nil)
            #expect(secret(of: Array(record.prefix(30))) == seal.secret)
        }
    }

    /// Also of a database that has no identity, or one that is damaged.
    @Test(arguments: [nil, "", "5c1f3a", "????????????????????"]) func everyIdentityWillDo(
        identity: String?
    ) throws {
        try withDatabase { _, seal in
            let path = FileManager.default.temporaryDirectory.appending(path: "seal-\(UUID())")
            try FileManager.default.createDirectory(at: path, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: path) }
            try identity?.write(
                to: path.appending(path: "IDENTITY"), atomically: false, encoding: .utf8)
            let (one, two) = (
                try BatchSeal(forDatabase: path.path), try BatchSeal(forDatabase: path.path)
            )
            #expect(one.secret.count == 16 && two.secret.count == 16)
            #expect((one.secret == two.secret) == ((identity?.count ?? 0) >= 16))
        }
    }

    private func secret(of record: [UInt8]) -> [UInt8]? {
        record.withUnsafeBytes { BatchSeal.secret(of: $0).map(Array.init) }
    }

    private func isIntact(_ record: [UInt8]) -> Bool {
        record.withUnsafeBytes(BatchSeal.isIntact)
    }

    private func record(
        in database: Database, _ seal: BatchSeal, _ values: [String]
    ) throws -> [UInt8] {
        let batch = WriteBatch(seal)
        for (index, value) in values.enumerated() {
            try Array(value.utf8).withUnsafeBytes {
                try batch.put(
                    .init(number: UInt64(index), bytes: $0), in: database.family(.journal))
            }
        }
        batch.close()
        var byteCount = 0
        let bytes = try #require(rocksdb_writebatch_data(batch.handle, &byteCount))
        return Array(UnsafeRawBufferPointer(start: bytes, count: byteCount))
    }

    private func withDatabase(_ body: (Database, BatchSeal) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "atomic-state-\(UUID())")
            .path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = try DataFolder(opening: path, schemaName: "ab")
        try folder.clearStaging()
        let database = try Database(
            path: folder.databasePath, stagingPath: folder.stagingPath, mayCreate: true)
        try body(database, try BatchSeal(forDatabase: folder.databasePath))
    }
}
