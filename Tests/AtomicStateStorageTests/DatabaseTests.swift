import CRocksDBAdditions
import Foundation
import SeededRandom
import Synchronization
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
                try database.put(.forgottenUntil, [1, 2, 3])
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
            #expect(try database.get(.forgottenUntil) == [1, 2, 3])
            #expect(try database.schemaVersion() == nil)
        }
    }

    @Test func aRecordThatRocksDBCanNotTakeIsAnError() throws {
        try withDatabase { folder, _ in
            let database = try open(folder)
            // Address space alone: nothing of it is read.
            let byteCount = 1 << 32
            let memory = try #require(
                mmap(nil, byteCount, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))
            defer { munmap(memory, byteCount) }
            let record = UnsafeRawBufferPointer(start: memory, count: byteCount)
            for isJournal in [true, false] {
                let numbered = NumberedRecord(number: 1, bytes: record)
                #expect(throws: StorageError.self) {
                    try database.commit(
                        journal: isJournal ? numbered : nil, outcomes: isJournal ? nil : numbered,
                        forgottenUntil: nil)
                }
            }
            #expect(try records(database, holding: 1) == [])
        }
    }

    @Test func blocksOfRowsAreReadInOrder() throws {
        try withDatabase { folder, path in
            do {
                let database = try open(folder)
                #expect(try database.rowsInForce() == .none)
                #expect(try database.rowsReachSequence() == nil)
                #expect(try store(database, from: 254, reaching: 300, ["a", "b"]) == 256)
                #expect(try store(database, from: 256, reaching: 511, ["c"]) == 257)
                #expect(try store(database, from: 257, reaching: 512, ["d"]) == 258)
                try database.enforce(RowsInForce(blocks: 255..<257, completeSequence: 258))
            }
            let database = try open(folder, mayCreate: false)
            let rows = try database.rowsInForce()
            #expect(rows == RowsInForce(blocks: 255..<257, completeSequence: 258))
            #expect(try blocks(database, rows.blocks) == ["b", "c"])
            #expect(try blocks(database, 0..<0) == [])
            // In force or not.
            #expect(try database.rowsReachSequence() == 512)
            for (blocks, missing) in [(253..<255, 253), (257..<260, 258), (300..<301, 300)] {
                let error = #expect(throws: IterationError<Never>.self) {
                    _ = try self.blocks(
                        database, UInt64(blocks.lowerBound)..<UInt64(blocks.upperBound))
                }
                guard case .storage(let failure) = error else { continue }
                #expect(failure.description.hasPrefix("block \(missing) is missing"))
            }
            try database.put(.rows, [1, 2, 3])
            #expect(throws: StorageError.self) { try database.rowsInForce() }
        }
    }

    /// What was removed does not come back when its numbers come again, and nothing is left for RocksDB to compact.
    @Test func rowsThatAreNotInForceAreDiscarded() throws {
        try withDatabase { folder, path in
            do {
                let database = try open(folder)
                try database.startCompactions()
                for round in 0..<20 as Range<UInt64> {
                    let first = 3 * round
                    #expect(
                        try store(database, from: first, reaching: round, ["a\(round)", "b"])
                            == first + 2)
                    #expect(
                        try store(database, from: first + 2, reaching: round, ["c"]) == first + 3)
                    #expect(
                        try store(database, from: first + 3, reaching: 90, ["x", "y\(round)"])
                            == first + 5)
                    #expect(try store(database, from: first + 5, reaching: 91, ["z"]) == first + 6)
                    try database.discardRows(outside: first..<(first + 3))
                    #expect(try blocks(database, first..<(first + 3)) == ["a\(round)", "b", "c"])
                    #expect(try database.rowsReachSequence() == round)
                    let health = try database.health().families.first { $0.name == "rows" }
                    #expect(health?.level0FileCount == 0)
                    #expect(health?.pendingCompactionByteCount == 0)
                    #expect(throws: IterationError<Never>.self) {
                        _ = try blocks(database, (first + 2)..<(first + 4))
                    }
                }
            }
            let database = try open(folder)
            #expect(try blocks(database, 57..<60) == ["a19", "b", "c"])
            try database.discardRows(outside: 60..<60)
            #expect(try database.rowsReachSequence() == nil)
        }
    }

    /// A file goes as a whole, so numbers from the middle of one can't come again.
    @Test func filesAreDiscardedWhole() throws {
        try withDatabase { folder, path in
            let database = try open(folder)
            _ = try store(database, from: 7, reaching: 1, ["a", "b"])
            try database.discardRows(outside: 8..<9)
            #expect(try blocks(database, 7..<9) == ["a", "b"])
            #expect(throws: StorageError.self) { try database.discardRows(outside: 7..<8) }
        }
    }

    @Test func versionsOfTheSchema() throws {
        try withDatabase { folder, path in
            do {
                let database = try open(folder)
                try database.enforce(schemaVersion: 1, text: "first", .none)
                try database.enforce(
                    schemaVersion: 2, text: "second",
                    RowsInForce(blocks: 1..<3, completeSequence: 258))
                try database.replaceSchemaText(version: 1, with: "First")
            }
            let database = try open(folder, mayCreate: false)
            #expect(try database.schemaVersion() == 2)
            #expect(try database.schemaText(version: 1) == "First")
            #expect(try database.schemaText(version: 2) == "second")
            #expect(
                try database.rowsInForce() == RowsInForce(blocks: 1..<3, completeSequence: 258))
            #expect(throws: StorageError.self) { try database.schemaText(version: 3) }
            try database.put(.schemaVersion, [1])
            #expect(throws: StorageError.self) { try database.schemaVersion() }
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
            var count = 0
            var spares: [String] = []
            // Of 60 MB of logs; it may be that all are in use again.
            while spares.isEmpty, count < 1_000 {
                do {
                    let database = try open(folder, memtableByteCount: 1 << 20)
                    for _ in 0..<200 {
                        count += 1
                        try commit(database, UInt64(count), text)
                    }
                }
                spares = try files(in: folder.databasePath, ".spare")
            }
            #expect(!spares.isEmpty)
            for spare in spares {
                // As a log it would be empty.
                let bytes = try Data(contentsOf: URL(filePath: "\(folder.databasePath)/\(spare)"))
                #expect(bytes.starts(with: Data(ROCKSDB_LOG_END_MARK.utf8)))
            }
            #expect(try logByteCount(in: folder.databasePath) < 20 << 20)
            // One that somebody's copy shares is not written over.
            let shared = "\(folder.databasePath)/\(spares[0])"
            try FileManager.default.linkItem(atPath: shared, toPath: "\(path)/copy")
            for _ in 0..<2 {
                let database = try open(folder, memtableByteCount: 1 << 20)
                #expect(try records(database, holding: 1).count == count)
                #expect(!FileManager.default.fileExists(atPath: shared))
            }
            // Those of a process before are taken over, or given back where there are too many.
            #expect(try logByteCount(in: folder.databasePath) < 20 << 20)
        }
    }

    /// Small records go past the page cache and large ones through it, into new logs and over former ones.
    @Test(arguments: [1 << 20, Database.memtableByteCountDefault])
    func recordsOfAnySizeAreReadBack(memtableByteCount: Int) throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(state: seed)
        let texts = (1...2_000).map { number in
            let byteCount =
                switch number % 100 {
                case 0: Int.random(in: 100_000..<400_000, using: &generator)
                case 50..<60: Int.random(in: 3_000..<20_000, using: &generator)
                default: Int.random(in: 1..<1_000, using: &generator)
                }
            return String(repeating: "\(number) ", count: byteCount / 4 + 1)
        }
        try withDatabase { folder, path in
            do {
                let database = try open(folder, memtableByteCount: memtableByteCount)
                for (index, text) in texts.enumerated() {
                    try commit(database, UInt64(index + 1), text)
                }
            }
            let database = try open(folder, memtableByteCount: memtableByteCount)
            let expected = texts.enumerated().map { "\($0 + 1) \($1)" }
            #expect(try records(database, holding: 1) == expected, "seed \(seed)")
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

    /// See `flush_limiter.cpp`.
    @Test func theLimitOfFlushesMayChangeMeanwhile() throws {
        try withDatabase { folder, path in
            let database = try open(folder, memtableByteCount: 1 << 20)
            // SAFETY: a limit may be set on any thread, and the database outlives this one.
            nonisolated(unsafe) let limiter = database.options.flushLimiter
            let isDone = Mutex(false)
            let changes = DispatchGroup()
            DispatchQueue.global().async(group: changes) {
                while !isDone.withLock({ $0 }) {
                    for bytesPerSecond: Int64 in [0, 256 << 20] {
                        rocksdb_flush_limiter_set_bytes_per_second(limiter, bytesPerSecond)
                    }
                }
            }
            defer {
                isDone.withLock { $0 = true }
                changes.wait()
            }
            let text = String(repeating: "x", count: 64 << 10)
            let sequences = 1...UInt64(512)
            for sequence in sequences { try commit(database, sequence, text) }
            #expect(try records(database, holding: 1).count == sequences.count)
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

    private func blocks(
        _ database: Database, _ range: Range<UInt64>
    ) throws(IterationError<Never>) -> [String] {
        var blocks: [String] = []
        try database.forEachRowBlock(in: range) {
            blocks.append(String(decoding: $0, as: UTF8.self))
        }
        return blocks
    }

    private func store(
        _ database: Database, from first: UInt64, reaching sequence: UInt64, _ blocks: [String]
    ) throws -> UInt64 {
        try database.storeRows(from: first, reaching: sequence) { (add) throws(StorageError) in
            for block in blocks {
                let copy = UnsafeMutableRawBufferPointer.allocate(
                    byteCount: block.utf8.count, alignment: 1)
                defer { copy.deallocate() }
                copy.copyBytes(from: block.utf8)
                try add(UnsafeRawBufferPointer(copy))
            }
        }
    }
}
