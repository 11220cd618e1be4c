import CRocksDB
import CRocksDBAdditions
import Foundation
import Testing

@testable import AtomicStateStorage

/// Logs that RocksDB wrote, and what can be wrong with them.
@Suite struct LogScanTests {
    struct Change: CustomTestStringConvertible {
        let testDescription: String
        /// Changes a log of records that begin at these offsets.
        let apply: @Sendable (inout [UInt8], _ starts: [Int]) -> Void
        /// The number of records before the tail that is cut off; nil if the log is refused.
        let intactRecordCount: Int?
    }

    static let recordByteCounts = [100, 70_000, 10, 40_000]

    static let changes = [
        Change(testDescription: "nothing", apply: { _, _ in }, intactRecordCount: 4),
        Change(
            testDescription: "cut in the last record", apply: { log, _ in log.removeLast(5) },
            intactRecordCount: 3),
        Change(
            testDescription: "cut in the last record's header",
            apply: { log, starts in log.removeLast(log.count - starts[3] - 3) },
            intactRecordCount: 3),
        Change(
            testDescription: "cut between records",
            apply: { log, starts in log.removeLast(log.count - starts[3]) }, intactRecordCount: 3),
        Change(
            testDescription: "a bit of the last record",
            apply: { log, _ in log[log.count - 9] ^= 1 },
            intactRecordCount: 3),
        Change(
            testDescription: "zeros for the last record",
            apply: { log, starts in for index in starts[3]..<log.count { log[index] = 0 } },
            intactRecordCount: 3),
        Change(
            testDescription:
                "zeros for the beginning of the last record, of which the end is there",
            apply: { log, starts in for index in starts[3]..<(starts[3] + 512) { log[index] = 0 } },
            intactRecordCount: 3),
        Change(
            testDescription: "zeros behind the last record",
            apply: { log, _ in log += [UInt8](repeating: 0, count: 50_000) }, intactRecordCount: 4),
        Change(
            testDescription: "a bit of the first record", apply: { log, _ in log[50] ^= 1 },
            intactRecordCount: nil),
        Change(
            testDescription: "a bit of a record of several fragments",
            apply: { log, starts in log[starts[1] + 50_000] ^= 1 }, intactRecordCount: nil),
        Change(
            testDescription: "the length of a record",
            apply: { log, starts in log[starts[2] + 4] ^= 0x80 }, intactRecordCount: nil),
        Change(
            testDescription: "zeros for a record in the middle",
            apply: { log, starts in for index in starts[2]..<starts[3] { log[index] = 0 } },
            intactRecordCount: nil),
        Change(
            testDescription: "no beginning of a record",
            apply: { log, _ in log.removeSubrange(..<32_768) }, intactRecordCount: nil),
        Change(
            testDescription: "bytes in the torn last record that look like one",
            apply: { log, starts in
                let forged = forgedRecord
                log.replaceSubrange(
                    (starts[3] + 1_000)..<(starts[3] + 1_000 + forged.count), with: forged)
            }, intactRecordCount: 3),
        Change(
            testDescription: "empty", apply: { log, _ in log = [] }, intactRecordCount: 0),
    ]

    /// What a client could store: a whole record with sequences that are yet to come.
    private static let forgedRecord: [UInt8] = {
        let checked = [1] + bytes(of: UInt64.max / 2) + bytes(of: UInt32(1))
        let checksum = rocksdb_crc32c(checked, checked.count)
        return bytes(of: (checksum >> 15 | checksum << 17) &+ 0xA282_EAD8)
            + bytes(of: UInt16(checked.count - 1)) + checked
    }()

    private static func bytes(of number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }

    @Test(arguments: changes) func tornTailsAreToldFromDamage(_ change: Change) throws {
        try withLog { path, log, starts in
            var changed = log
            change.apply(&changed, starts)
            try Data(changed).write(to: URL(filePath: path))
            let folder = String(path.dropLast("/000004.log".count))
            guard let count = change.intactRecordCount else {
                #expect(throws: StorageError.self) { try LogTail.all(inDatabase: folder) }
                return
            }
            let tails = try LogTail.all(inDatabase: folder).tails
            for tail in tails { try tail.remove() }
            #expect(try LogTail.all(inDatabase: folder).tails.isEmpty)
            let left = [UInt8](try Data(contentsOf: URL(filePath: path)))
            // The first record is that of the start.
            let end = min((starts + [log.count])[count], changed.count)
            #expect(left == Array(log[..<end]))
            #expect(tails.map(\.offset) == (changed.count == left.count ? [] : [left.count]))
        }
    }

    /// The log in use is longer than what is written, of which a mark tells the end.
    @Test func logInUseHasRoom() throws {
        try withLog(whileOpen: { path, used in
            let log = [UInt8](try Data(contentsOf: URL(filePath: path)))
            #expect(log.count > used + 50_000, "\(log.count) bytes, of which \(used) are used")
            #expect(log[used...].starts(with: Self.endMark))
            let folder = String(path.dropLast("/000004.log".count))
            let tails = try LogTail.all(inDatabase: folder).tails
            #expect(tails.map(\.offset) == [used])
            #expect(tails.map(\.isTorn) == [false])
        }) { _, _, _ in }
    }

    /// Also of those that RocksDB hands over in parts.
    @Test func recordsAreInTheLogWhenTheyAreCommitted() throws {
        let byteCounts = [4_000, 400_000, 519_000, 524_288, 1, 1_600_000, 7]
        try withFolder { databasePath, stagingPath in
            let database = try Database(
                path: databasePath, stagingPath: stagingPath, mayCreate: true)
            for (index, byteCount) in byteCounts.enumerated() {
                try commit(database, UInt64(index + 1), byteCount)
            }
            // What a process finds that starts when this one has been killed.
            let copy = databasePath + "-copy"
            try FileManager.default.copyItem(atPath: databasePath, toPath: copy)
            let found = try Database(path: copy, stagingPath: stagingPath, mayCreate: false)
            #expect(found.logTails.allSatisfy { !$0.isTorn })
            var records: [[UInt8]] = []
            try found.forEachJournalRecord(holding: 1) { _, record in
                records.append(Array(record))
            }
            #expect(
                records == byteCounts.enumerated().map { record(UInt64($0.offset + 1), $0.element) }
            )
        }
    }

    /// Damage to what was durable is refused, whatever IDENTITY says by now.
    @Test(
        arguments: [nil, "", "5c1f3a2e-0000-4000-8000-5c1f3a2e5c1f"] as [String?], [0, 2])
    func damageUnderAnotherIdentity(identity: String?, record: Int) throws {
        try withLog { path, log, starts in
            let folder = String(path.dropLast("/000004.log".count))
            let identityPath = folder + "/IDENTITY"
            try FileManager.default.removeItem(atPath: identityPath)
            try identity?.write(toFile: identityPath, atomically: false, encoding: .utf8)
            var changed = log
            changed[starts[record] + 9] ^= 1
            try Data(changed).write(to: URL(filePath: path))
            #expect(throws: StorageError.self) { try LogTail.all(inDatabase: folder) }
        }
    }

    /// Damage to the first record that a process has written, behind the log of another.
    @Test func damageToTheFirstRecordOfAProcess() throws {
        try withFolder { databasePath, stagingPath in
            func write(_ numbers: ClosedRange<UInt64>) throws -> URL {
                let database = try Database(
                    path: databasePath, stagingPath: stagingPath, mayCreate: true)
                for number in numbers { try commit(database, number, 1_000) }
                return try #require(try logs(in: databasePath).last)
            }
            let former = try write(1...3)
            let records = try Data(contentsOf: former)
            let newest = try write(4...6)
            try #require(newest != former)
            // It may be there yet.
            try records.write(to: former)
            #expect(try LogTail.all(inDatabase: databasePath).tails.allSatisfy { !$0.isTorn })
            var changed = [UInt8](try Data(contentsOf: newest))
            changed[500] ^= 1
            try Data(changed).write(to: newest)
            #expect(throws: StorageError.self) { try LogTail.all(inDatabase: databasePath) }
        }
    }

    /// Of releases that sealed none.
    @Test func recordsWithoutASealAreWhole() throws {
        try withFolder { databasePath, stagingPath in
            let log = URL(filePath: databasePath + "/000004.log")
            var start = 0
            do {
                let database = try Database(
                    path: databasePath, stagingPath: stagingPath, mayCreate: true)
                start = try intactByteCount(of: log.path)
                try withErrorPointer("write") { error in
                    withBigEndianBytes(7) { key in
                        rocksdb_put_cf(
                            database.handle, database.options.syncedWrite,
                            database.family(.journal), key.baseAddress, key.count, "old", 3, error)
                    }
                }
                try commit(database, 8, 1_000)
            }
            // Behind a sealed one it is what is left of another.
            #expect(throws: StorageError.self) { try LogTail.all(inDatabase: databasePath) }
            let unsealed = [UInt8](try Data(contentsOf: log)).dropFirst(start)
            try Data(unsealed).write(to: log)
            let tails = try LogTail.all(inDatabase: databasePath).tails
            #expect(tails.allSatisfy { !$0.isTorn })
            #expect(try intactByteCount(of: log.path) > 1_000)
        }
    }

    // MARK: Logs in the file of a former one

    struct ReuseChange: CustomTestStringConvertible {
        let testDescription: String
        /// Changes the newest log, whose last records begin and end at these offsets.
        let apply: @Sendable (inout [UInt8], _ bounds: [Int]) -> Void
        /// How many of its last records are cut off, and whether they were torn; nil if the log is refused.
        let cut: (recordCount: Int, isTorn: Bool)?
    }

    static let reuseChanges = [
        ReuseChange(testDescription: "nothing", apply: { _, _ in }, cut: (0, false)),
        ReuseChange(
            testDescription: "a bit of the last record",
            apply: { log, bounds in log[bounds[3] - 9] ^= 1 }, cut: (1, true)),
        ReuseChange(
            testDescription: "what the file held before instead of the last record's end",
            apply: { log, bounds in
                for index in (bounds[3] - 3_000)..<(bounds[3] + 20) {
                    log[index] = log[index + 100_000]
                }
            }, cut: (1, true)),
        ReuseChange(
            testDescription: "what the file held before from the end of a block on",
            apply: { log, bounds in
                // The second record goes on with fragments of another one.
                let block = 32_768
                for index in ((bounds[1] / block + 1) * block)..<(bounds[3] + block) {
                    log[index] = log[index + 4 * block]
                }
            }, cut: (2, true)),
        ReuseChange(
            testDescription: "the mark before the last record again",
            apply: { log, bounds in log.replaceSubrange(bounds[2]..<(bounds[2] + 8), with: endMark)
            },
            cut: (1, false)),
        ReuseChange(
            testDescription: "no mark",
            apply: { log, bounds in log.replaceSubrange(bounds[3]..<(bounds[3] + 8), with: [1, 2])
            },
            cut: (0, true)),
        ReuseChange(
            testDescription: "the mark before the last but one again",
            apply: { log, bounds in log.replaceSubrange(bounds[1]..<(bounds[1] + 8), with: endMark)
            },
            cut: nil),
        ReuseChange(
            testDescription: "a bit of the last but one",
            apply: { log, bounds in log[bounds[2] - 9] ^= 1 }, cut: nil),
        ReuseChange(
            testDescription: "zeros for the last but one",
            apply: { log, bounds in for index in bounds[1]..<bounds[2] { log[index] = 0 } },
            cut: nil),
        ReuseChange(
            testDescription: "a bit of the first record", apply: { log, _ in log[50] ^= 1 },
            cut: nil),
        ReuseChange(
            testDescription: "the mark of a log that is empty",
            apply: { log, _ in log.replaceSubrange(..<8, with: endMark) }, cut: nil),
    ]

    /// What the file held before is never taken for records of the log, nor for a sign of damage.
    @Test(arguments: reuseChanges) func endOfAReusedLogIsFound(_ change: ReuseChange) throws {
        try withReusedLog { folder, log, bounds in
            var changed = [UInt8](try Data(contentsOf: log))
            change.apply(&changed, bounds)
            try Data(changed).write(to: log)
            guard let cut = change.cut else {
                #expect(throws: StorageError.self) { try LogTail.all(inDatabase: folder) }
                return
            }
            let tails = try LogTail.all(inDatabase: folder).tails
            let tail = try #require(tails.first { $0.path == log.path })
            #expect(tail.offset == bounds[3 - cut.recordCount])
            #expect(tail.isTorn == cut.isTorn)
            for tail in tails { try tail.remove() }
            #expect(try LogTail.all(inDatabase: folder).tails.isEmpty)
        }
    }

    /// A log to which nothing was written, with none before it.
    @Test func emptyReusedLogHasNothing() throws {
        try withReusedLog { folder, log, _ in
            for former in try logs(in: folder).dropLast() {
                try FileManager.default.removeItem(at: former)
            }
            try empty(log, remains: try Data(contentsOf: log))
            let tails = try LogTail.all(inDatabase: folder).tails.filter { $0.path == log.path }
            #expect(tails.map(\.offset) == [0])
            #expect(tails.map(\.isTorn) == [false])
        }
    }

    /// A log is durable before the next one begins.
    @Test func tornLogWithRecordsInTheNextOneIsDamaged() throws {
        try withReusedLog { folder, newest, bounds in
            let former = try #require(try logs(in: folder).dropLast().last)
            var torn = [UInt8](try Data(contentsOf: former))
            torn[try intactByteCount(of: former.path) - 9] ^= 1
            // Of its first record, which is older than the torn one.
            let remains = try Data(contentsOf: former).prefix(90_000)
            try Data(torn).write(to: former)
            #expect(throws: StorageError.self) { try LogTail.all(inDatabase: folder) }
            try empty(newest, remains: remains)
            let tail = try LogTail.all(inDatabase: folder).tails.first { $0.path == former.path }
            #expect(tail?.isTorn == true)
        }
    }

    /// Room for what was to come is no sign of anything lost, whichever log it is in, and be it without a mark, as former
    /// releases left it.
    @Test func unusedRoomIsNotTorn() throws {
        try withReusedLog { folder, newest, bounds in
            let room = Data(count: 1_000_000)
            let former = try #require(try logs(in: folder).dropLast().last)
            let written = try Data(contentsOf: former).prefix(intactByteCount(of: former.path))
            try (written + room).write(to: former)
            try (try Data(contentsOf: newest).prefix(bounds[3]) + room).write(to: newest)
            let tails = try LogTail.all(inDatabase: folder).tails.filter {
                [former.path, newest.path].contains($0.path)
            }
            #expect(tails.map(\.isTorn) == [false, false])
            #expect(tails.map(\.offset) == [written.count, bounds[3]])
            // Where a record has begun, it is.
            try (written.dropLast(20) + room).write(to: former)
            #expect(throws: StorageError.self) { try LogTail.all(inDatabase: folder) }
            try FileManager.default.removeItem(at: newest)
            let tail = try LogTail.all(inDatabase: folder).tails.first { $0.path == former.path }
            #expect(tail?.isTorn == true)
        }
    }

    /// Until something of a reused log is durable, the one before it stays: without its sequences, what the file held before
    /// would be taken for records behind a first one that is torn.
    @Test func logBeforeAnEmptyReusedOneStays() throws {
        try withReusedLog(whileOpen: { database, newest in
            // The log in use becomes of no more use before the next one has anything.
            let options = rocksdb_flushoptions_create()
            defer { rocksdb_flushoptions_destroy(options) }
            for family in ColumnFamily.allCases {
                try withErrorPointer("flush") { error in
                    rocksdb_flush_cf(database.handle, options, database.family(family), error)
                }
            }
            let logs = try logs(in: newest.deletingLastPathComponent().path)
            #expect(logs.contains(newest))
            let last = try #require(logs.last)
            #expect(last != newest)
            var torn = try Data(contentsOf: last)
            try #require(torn.count > 200_000 && torn[100_000...].contains { $0 != 0 })
            torn.replaceSubrange(..<512, with: Data(repeating: 7, count: 512))
            try torn.write(to: last)
            let tails = try LogTail.all(inDatabase: newest.deletingLastPathComponent().path).tails
            #expect(tails.first { $0.path == last.path }?.offset == 0)
        }) { _, _, _ in }
    }

    /// Makes a log what it is before anything is written to it, in the file of a former one.
    private func empty(_ log: URL, remains: Data) throws {
        try (Data(Self.endMark) + remains.dropFirst(Self.endMark.count)).write(to: log)
    }

    /// The oldest first.
    private func logs(in folder: String) throws -> [URL] {
        try FileManager.default.contentsOfDirectory(atPath: folder)
            .filter { $0.hasSuffix(".log") }.sorted().map { URL(filePath: "\(folder)/\($0)") }
    }

    private static let endMark = Array(ROCKSDB_LOG_END_MARK.utf8)

    /// The body gets RocksDB's folder, its newest log, which was written over a former one, and the bounds of the last three
    /// records in it.
    private func withReusedLog(
        whileOpen: (Database, URL) throws -> Void = { _, _ in },
        _ body: (String, URL, [Int]) throws -> Void
    ) throws {
        try withFolder { databasePath, stagingPath in
            var newest = URL(filePath: "/")
            var bounds: [Int] = []
            do {
                let database = try Database(
                    path: databasePath, stagingPath: stagingPath, mayCreate: true,
                    memtableByteCount: 1 << 20)
                var number: UInt64 = 0
                func commit(_ byteCount: Int) throws {
                    number += 1
                    // A family that is seldom flushed has a part, so that the log before is still there.
                    try self.commit(database, number, byteCount, forgottenUntil: number)
                }
                // Until such a log is not the only one, and stays the newest one for some records.
                while try newest != logs(in: databasePath).last || logs(in: databasePath).count < 2
                {
                    try #require(number < 2_000, "no log is reused")
                    try commit(100_000)
                    newest = try #require(try logs(in: databasePath).last)
                    guard try hasRemains(newest) else {
                        newest = URL(filePath: "/")
                        continue
                    }
                    bounds = []
                    for byteCount in [40_000, 70_000, 5_000, 0] {
                        // One that is not the newest any more may be gone.
                        bounds.append((try? intactByteCount(of: newest.path)) ?? 0)
                        if byteCount > 0 { try commit(byteCount) }
                    }
                }
                try whileOpen(database, newest)
            }
            try body(databasePath, newest, bounds)
        }
    }

    private func hasRemains(_ log: URL) throws -> Bool {
        let end = try intactByteCount(of: log.path)
        return try Data(contentsOf: log).dropFirst(end + 200_000).contains { $0 != 0 }
    }

    /// The body gets the log that RocksDB wrote for records of these sizes, without the mark of its end, and where
    /// each record begins.
    private func withLog(
        whileOpen: (String, _ used: Int) throws -> Void = { _, _ in },
        _ body: (String, [UInt8], [Int]) throws -> Void
    ) throws {
        try withFolder { databasePath, stagingPath in
            var starts: [Int] = []
            let log = databasePath + "/000004.log"
            do {
                let database = try Database(
                    path: databasePath, stagingPath: stagingPath, mayCreate: true)
                for (index, byteCount) in Self.recordByteCounts.enumerated() {
                    starts.append(try intactByteCount(of: log))
                    try commit(database, UInt64(index + 1), byteCount)
                }
                try whileOpen(log, intactByteCount(of: log))
            }
            let used = try Data(contentsOf: URL(filePath: log)).prefix(intactByteCount(of: log))
            try body(log, [UInt8](used), starts)
        }
    }

    private func withFolder(
        _ body: (_ databasePath: String, _ stagingPath: String) throws -> Void
    ) throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "atomic-state-\(UUID())")
            .path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = try DataFolder(opening: path, schemaName: "ab")
        try folder.clearStaging()
        try body(folder.databasePath, folder.stagingPath)
    }

    private func commit(
        _ database: Database, _ number: UInt64, _ byteCount: Int, forgottenUntil: UInt64? = nil
    ) throws {
        try record(number, byteCount).withUnsafeBytes {
            try database.commit(
                journal: .init(number: number, bytes: $0), outcomes: nil,
                forgottenUntil: forgottenUntil)
        }
    }

    private func record(_ number: UInt64, _ byteCount: Int) -> [UInt8] {
        (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ Int(number)) }
    }

    private func intactByteCount(of log: String) throws -> Int {
        try LogScan(path: log, .writeAhead(following: .init())).intactByteCount
    }
}
