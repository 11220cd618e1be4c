import CRocksDB
import Foundation
import Testing

@testable import AtomicStateStorage

/// Records as RocksDB writes them to its log, and what can be wrong with them.
@Suite struct BatchSealTests {
    @Test func changedRecordsAreFound() throws {
        try withDatabase { database, _ in
            var batch = WriteBatch(following: 6, secret: BatchSeal.randomSecret())
            let records = [
                try record(of: &batch, in: database, []),
                try record(of: &batch, in: database, ["a"]),
                try record(of: &batch, in: database, ["some", "", "values"]),
                try record(of: &batch, in: database, ["b"]),
            ]
            // RocksDB may write batches one behind the other.
            let together = records[2] + records[3].dropFirst(12)
            for (record, number) in zip(records + [together], [7, 8, 9, 10, 10] as [UInt64]) {
                #expect(finding(record) == .intact(lastNumber: number))
                #expect(finding(record, after: 6) == .intact(lastNumber: number))
                #expect(finding(record, after: number) == .damaged)
                #expect(secret(of: record) == secret(of: records[0]))
                for count in 31..<record.count where count != records[2].count {
                    #expect(finding(Array(record.prefix(count))) == .damaged)
                }
                #expect(finding(record + [0]) == .damaged)
                #expect(finding(record + record.dropFirst(12)) == .damaged)
            }
            for text in ["some", "values"] {
                let place = try #require(together.firstRange(of: Array(text.utf8))?.lowerBound)
                // The value, and the key before it.
                for place in [place, place - 2] {
                    var changed = together
                    changed[place] ^= 1
                    #expect(finding(changed) == .damaged)
                }
            }
        }
    }

    /// A torn record that goes on with one of a former log, of the same length or not, from any byte on.
    @Test func mixturesAreFound() throws {
        try withDatabase { database, _ in
            var batch = WriteBatch(following: 0, secret: BatchSeal.randomSecret())
            for count in [298, 299, 300, 301] {
                let former = try record(
                    of: &batch, in: database, [String(repeating: "2", count: count)])
                let last = try record(of: &batch, in: database, ["last"])
                let one = try record(
                    of: &batch, in: database, [String(repeating: "1", count: 300)])
                guard case .intact(let number) = finding(last) else {
                    Issue.record("a record that is not intact")
                    return
                }
                #expect(finding(one, after: number) != .damaged)
                for place in 12..<(one.count - 1) {
                    let mixture = Array(one[..<place] + former[min(place, former.count)...])
                    #expect(finding(mixture, after: number) == .damaged)
                }
            }
        }
    }

    @Test func secretsAreThoseOfTheDatabase() throws {
        let secrets = try (0..<2).map { _ in
            try withDatabase { database, path in
                var batch = WriteBatch(
                    following: 0, secret: try #require(try BatchSeal.secret(ofDatabase: path)))
                let record = try record(of: &batch, in: database, ["a"])
                #expect(secret(of: Array(record.prefix(29))) == nil)
                #expect(secret(of: Array(record.prefix(30))) == secret(of: record))
                return try #require(secret(of: record))
            }
        }
        #expect(secrets[0] != secrets[1])
    }

    /// Also a database that has no identity, or one that is damaged, has a secret.
    @Test(arguments: [nil, "", "5c1f3a", "????????????????????"]) func everyIdentityWillDo(
        identity: String?
    ) throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "seal-\(UUID())")
        try FileManager.default.createDirectory(at: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: path) }
        try identity?.write(
            to: path.appending(path: "IDENTITY"), atomically: false, encoding: .utf8)
        let secret = try BatchSeal.secret(ofDatabase: path.path)
        #expect(secret?.count == ((identity?.count ?? 0) >= 16 ? 16 : nil))
        #expect(BatchSeal.randomSecret().count == 16)
    }

    private func finding(_ record: [UInt8], after number: UInt64? = nil) -> BatchSeal.Finding {
        record.withUnsafeBytes { BatchSeal.examine($0, after: number) }
    }

    private func secret(of record: [UInt8]) -> [UInt8]? {
        record.withUnsafeBytes { BatchSeal.secret(of: $0).map(Array.init) }
    }

    private func record(
        of batch: inout WriteBatch, in database: Database, _ values: [String]
    ) throws -> [UInt8] {
        batch.begin()
        for (index, value) in values.enumerated() {
            let bytes = Array(value.utf8)
            try bytes.withUnsafeBufferPointer { bytes in
                try batch.put(
                    .init(number: UInt64(index), bytes: UnsafeRawBufferPointer(bytes)),
                    in: database.family(.journal))
            }
        }
        batch.close()
        var byteCount = 0
        let bytes = try #require(rocksdb_writebatch_data(batch.handle, &byteCount))
        return Array(UnsafeRawBufferPointer(start: bytes, count: byteCount))
    }

    private func withDatabase<Result>(_ body: (Database, String) throws -> Result) throws -> Result
    {
        let path = FileManager.default.temporaryDirectory.appending(path: "atomic-state-\(UUID())")
            .path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = try DataFolder(opening: path, schemaName: "ab")
        try folder.clearStaging()
        return try body(
            try Database(
                path: folder.databasePath, stagingPath: folder.stagingPath, mayCreate: true),
            folder.databasePath)
    }
}
