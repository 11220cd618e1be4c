import CRocksDBAdditions
import Foundation
import Testing

@testable import AtomicStateStorage

@Suite struct DatabaseTests {
    @Test func committedRecordsAreReadBackInOrder() throws {
        try withDatabase { folder, path in
            do {
                let database = try open(folder)
                for sequence: UInt64 in [1, 11, 300] {
                    try commit(database, sequence, "record \(sequence)")
                }
                try database.put(.rowsCompleteSequence, [1, 2, 3])
            }
            let database = try open(folder, mayCreate: false)
            #expect(
                try records(database, holding: 1) == [
                    "1 record 1", "11 record 11", "300 record 300",
                ])
            #expect(try records(database, holding: 11) == ["11 record 11", "300 record 300"])
            // A sequence in the middle of a record's group finds the record that holds it.
            #expect(try records(database, holding: 299) == ["11 record 11", "300 record 300"])
            #expect(try records(database, holding: 5_000) == ["300 record 300"])
            #expect(try database.get(.rowsCompleteSequence) == [1, 2, 3])
            #expect(try database.schemaVersion() == nil)
        }
    }

    @Test func ingestedRowsReplaceAndRemove() throws {
        try withDatabase { folder, path in
            let database = try open(folder)
            try ingest(database, [("a", "1"), ("b", "1"), ("c", "1")])
            try ingest(database, [("a", nil), ("b", "2"), ("d", "2")])
            #expect(try rows(database) == ["b2", "c1", "d2"])
        }
    }

    /// Nothing is merged while a state is loaded.
    @Test func filesOfRowsAreMergedOnceCompactionsHaveStarted() throws {
        try withDatabase { folder, path in
            let database = try open(folder)
            func level0FileCount() throws -> UInt64? {
                try database.health().families.first { $0.name == "rows" }?.level0FileCount
            }
            // The first one goes to the last level.
            let fileCount = UInt64(RowCompaction.level0FileCount) + 2
            for number in 1...fileCount + 1 {
                try ingest(database, reaching: number, [("a", "\(number)"), ("b", nil)])
            }
            Thread.sleep(forTimeInterval: 0.2)
            #expect(try level0FileCount() == fileCount)
            try database.startCompactions()
            let deadline = ContinuousClock.now + .seconds(20)
            while try level0FileCount() != 0, .now < deadline { Thread.sleep(forTimeInterval: 0.01) }
            #expect(try level0FileCount() == 0)
            #expect(try rows(database) == ["a\(fileCount + 1)"])
            #expect(try database.rowsReachSequence() == fileCount + 1)
        }
    }

    /// Each version of the schema has rows of its own.
    @Test func rowsOfVersionsAreApart() throws {
        try withDatabase { folder, path in
            do {
                let database = try open(folder)
                try ingest(database, version: 255, [("a", "1"), ("b", "1")])
                try ingest(database, version: 256, [("a", "2"), ("c", "2")])
                try ingest(database, version: 257, [("a", "3")])
                #expect(try rows(database, version: 255) == ["a1", "b1"])
                #expect(try rows(database, version: 256) == ["a2", "c2"])
                try database.discardRows(exceptOf: 256)
            }
            let database = try open(folder)
            for version: UInt16 in [1, 255, 257] {
                #expect(try rows(database, version: version) == [], "version \(version)")
            }
            #expect(try rows(database, version: 256) == ["a2", "c2"])
            try database.discardRows(exceptOf: 256)
            // What was discarded does not come back when the version is written again.
            try ingest(database, version: 257, [("b", "4")])
            #expect(try rows(database, version: 257) == ["b4"])
            try database.discardRows(exceptOf: 257)
            #expect(try rows(database, version: 256) == [])
            #expect(try rows(database, version: 257) == ["b4"])
        }
    }

    @Test func versionsOfTheSchema() throws {
        try withDatabase { folder, path in
            do {
                let database = try open(folder)
                try database.enforce(schemaVersion: 1, text: "first", rowsCompleteSequence: 0)
                try database.enforce(schemaVersion: 2, text: "second", rowsCompleteSequence: 258)
                try database.replaceSchemaText(version: 1, with: "First")
            }
            let database = try open(folder, mayCreate: false)
            #expect(try database.schemaVersion() == 2)
            #expect(try database.schemaText(version: 1) == "First")
            #expect(try database.schemaText(version: 2) == "second")
            #expect(try database.get(.rowsCompleteSequence) == [2, 1, 0, 0, 0, 0, 0, 0])
            #expect(throws: StorageError.self) { try database.schemaText(version: 3) }
            try database.put(.schemaVersion, [1])
            #expect(throws: StorageError.self) { try database.schemaVersion() }
        }
    }

    /// The last file tells, and what discards rows keeps it.
    @Test func sequenceThatRowsReach() throws {
        try withDatabase { folder, path in
            let database = try open(folder)
            #expect(try database.rowsReachSequence() == nil)
            try ingest(database, version: 1, reaching: 300, [("a", "1")])
            try ingest(database, version: 2, reaching: 258, [("a", "2")])
            #expect(try database.rowsReachSequence() == 258)
            for version: UInt16 in [2, 3] {
                try database.discardRows(exceptOf: version)
                #expect(try database.rowsReachSequence() == 258)
            }
        }
    }

    @Test func rowsOutOfOrderAreAnError() throws {
        try withDatabase { folder, path in
            let database = try open(folder)
            #expect(throws: StorageError.self) {
                try ingest(database, [("b", "1"), ("a", "1")])
            }
        }
    }

    @Test func databaseThatIsNotThereIsAnError() throws {
        try withDatabase { folder, path in
            #expect(throws: StorageError.self) { try open(folder, mayCreate: false) }
        }
    }

    @Test func healthOfAnIdleDatabase() throws {
        try withDatabase { folder, path in
            let health = try open(folder).health()
            #expect(health.families.map(\.name) == ["journal", "outcomes", "rows", "meta"])
            #expect(health.backlog.share < 0.1)
            #expect(!health.writesStopped)
            #expect(health.delayedWriteRate == 0)
            #expect(health.backgroundErrorCount == 0)
        }
    }

    @Test func folderIsForOneProcessAndOneSchema() throws {
        let path = temporaryPath()
        defer { try? FileManager.default.removeItem(atPath: path) }
        do {
            var folder = try DataFolder(opening: path, schemaName: "ab")
            let isNew = folder.isNew
            #expect(isNew)
            #expect(throws: StorageError.self) {
                _ = try DataFolder(opening: path, schemaName: "ab")
            }
            try folder.markReady()
        }
        let folder = try DataFolder(opening: path, schemaName: nil)
        let (isNew, name) = (folder.isNew, folder.schemaName)
        #expect(!isNew)
        #expect(name == "ab")
    }

    /// A power cut may leave no more of a first start than the file that IDENTITY is made from.
    @Test func folderWithTheBeginningsOfAnIdentityIsNew() throws {
        let path = temporaryPath()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false)
        try Data("ato".utf8).write(to: URL(filePath: path + "/IDENTITY.new"))
        let folder = try DataFolder(opening: path, schemaName: "ab")
        let isNew = folder.isNew
        #expect(isNew)
        #expect(!FileManager.default.fileExists(atPath: path + "/IDENTITY.new"))
    }

    @Test func stagingIsEmptiedAtStart() throws {
        try withDatabase { folder, path in
            let leftover = path + "/staging/rows-1.sst"
            try Data("x".utf8).write(to: URL(filePath: leftover))
            try folder.clearStaging()
            #expect(!FileManager.default.fileExists(atPath: leftover))
        }
    }

    /// A log that is of no more use, and too large for a spare, is not deleted at once, and what is left at the end goes
    /// after the next start.
    @Test func filesWaitForTheirDeletion() throws {
        try withDatabase { folder, path in
            let text = String(repeating: "x", count: 9 << 20)
            do {
                let database = try open(folder, memtableByteCount: 1 << 20)
                var sequence: UInt64 = 0
                while try files(in: folder.databasePath, ".trash").isEmpty {
                    sequence += 1
                    try #require(sequence <= 60, "no file waited for its deletion")
                    try commit(database, sequence, text)
                }
            }
            let database = try open(folder)
            let end = ContinuousClock.now + .seconds(60)
            while try !files(in: folder.databasePath, ".trash").isEmpty {
                try #require(ContinuousClock.now < end, "a file still waits for its deletion")
                usleep(10_000)
            }
            #expect(try records(database, holding: 1).first?.hasPrefix("1 xxx") == true)
        }
    }

    /// Logs are written over former ones, of which a few are kept, and all that was committed is found again.
    @Test func logsAreKeptAsSpares() throws {
        try withDatabase { folder, path in
            let text = String(repeating: "x", count: 300_000)
            let sequences = UInt64(1)...200
            do {
                let database = try open(folder, memtableByteCount: 1 << 20)
                for sequence in sequences { try commit(database, sequence, text) }
            }
            // Of 60 MB of logs.
            let spares = try files(in: folder.databasePath, ".spare")
            #expect(!spares.isEmpty)
            for spare in spares {
                // As a log it would be empty.
                let bytes = try Data(contentsOf: URL(filePath: "\(folder.databasePath)/\(spare)"))
                #expect(bytes.starts(with: Data(ROCKSDB_LOG_END_MARK.utf8)))
            }
            #expect(try logByteCount(in: folder.databasePath) < 20 << 20)
            for _ in 0..<2 {
                let database = try open(folder, memtableByteCount: 1 << 20)
                #expect(try records(database, holding: 1).count == sequences.count)
            }
            // Those of a process before are taken over, or given back where there are too many.
            #expect(try logByteCount(in: folder.databasePath) < 20 << 20)
        }
    }

    /// See `FlushPace`.
    @Test func flushesAreLimited() throws {
        try withDatabase { folder, path in
            _ = try open(folder)
            let log = try String(contentsOfFile: folder.databasePath + "/LOG", encoding: .utf8)
            let line = log.split(separator: "\n").first { $0.contains("Options.rate_limiter:") }
            #expect(try #require(line).contains("0x"))
        }
    }

    private func logByteCount(in path: String) throws -> Int {
        try files(in: path, ".log", ".spare").map {
            try Data(contentsOf: URL(filePath: "\(path)/\($0)")).count
        }.reduce(0, +)
    }

    private func files(in path: String, _ suffixes: String...) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).filter { name in
            suffixes.contains { name.hasSuffix($0) }
        }
    }

    private func temporaryPath() -> String {
        FileManager.default.temporaryDirectory.appending(path: "atomic-state-\(UUID())").path
    }

    private func withDatabase(_ body: (borrowing DataFolder, String) throws -> Void) throws {
        let path = temporaryPath()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = try DataFolder(opening: path, schemaName: "ab")
        try folder.clearStaging()
        try body(folder, path)
    }

    private func open(
        _ folder: borrowing DataFolder, mayCreate: Bool = true,
        memtableByteCount: Int = Database.memtableByteCountDefault
    ) throws -> Database {
        try Database(
            path: folder.databasePath, stagingPath: folder.stagingPath, mayCreate: mayCreate,
            memtableByteCount: memtableByteCount)
    }

    private func commit(_ database: Database, _ sequence: UInt64, _ text: String) throws {
        try Array(text.utf8).withUnsafeBytes {
            try database.commit(
                journal: .init(number: sequence, bytes: $0), outcomes: nil, forgottenUntil: nil)
        }
    }

    private func records(_ database: Database, holding sequence: UInt64) throws -> [String] {
        var records: [String] = []
        try database.forEachJournalRecord(holding: sequence) { firstSequence, record in
            records.append("\(firstSequence) \(String(decoding: record, as: UTF8.self))")
        }
        return records
    }

    private func rows(_ database: Database, version: UInt16 = 1) throws -> [String] {
        var rows: [String] = []
        try database.forEachRow(schemaVersion: version) { key, image in
            rows.append(
                String(decoding: key, as: UTF8.self) + String(decoding: image, as: UTF8.self))
        }
        return rows
    }

    private func ingest(
        _ database: Database, version: UInt16 = 1, reaching sequence: UInt64 = 0,
        _ rows: [(key: String, image: String?)]
    ) throws {
        func copy(_ text: String) -> UnsafeRawBufferPointer {
            let copy = UnsafeMutableRawBufferPointer.allocate(
                byteCount: text.utf8.count, alignment: 1)
            copy.copyBytes(from: text.utf8)
            return UnsafeRawBufferPointer(copy)
        }
        let copies = rows.map { (key: copy($0.key), image: $0.image.map(copy)) }
        defer {
            for row in copies {
                row.key.deallocate()
                row.image?.deallocate()
            }
        }
        try database.storeRows(schemaVersion: version, reaching: sequence) {
            (add) throws(StorageError) in
            for row in copies { try add(row.key, row.image) }
        }
    }
}
