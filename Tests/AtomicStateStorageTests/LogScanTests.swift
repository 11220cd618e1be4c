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
            testDescription: "empty", apply: { log, _ in log = [] }, intactRecordCount: 0),
    ]

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
            let tails = try LogTail.all(inDatabase: folder)
            for tail in tails { try tail.remove() }
            #expect(try LogTail.all(inDatabase: folder).isEmpty)
            let left = [UInt8](try Data(contentsOf: URL(filePath: path)))
            #expect(left == Array(log[..<(starts + [log.count])[count]]))
            #expect(tails.map(\.offset) == (changed.count == left.count ? [] : [left.count]))
        }
    }

    /// A log is durable before the next one begins.
    @Test func tornLogWithRecordsInTheNextOneIsDamaged() throws {
        try withLog { path, log, _ in
            let folder = String(path.dropLast("/000004.log".count))
            let next = URL(filePath: folder + "/000010.log")
            try Data(log.dropLast(5)).write(to: URL(filePath: path))
            try Data(log.prefix(50)).write(to: next)
            #expect(try LogTail.all(inDatabase: folder).map(\.offset).count == 2)
            try Data(log.prefix(200)).write(to: next)
            #expect(throws: StorageError.self) { try LogTail.all(inDatabase: folder) }
        }
    }

    /// Room for what was to come is no sign of anything lost, whichever log it is in.
    @Test func unusedRoomIsNotTorn() throws {
        try withLog { path, log, starts in
            let folder = String(path.dropLast("/000004.log".count))
            let room = [UInt8](repeating: 0, count: 1_000_000)
            try Data(log + room).write(to: URL(filePath: path))
            try Data(log.prefix(starts[1]) + room).write(to: URL(filePath: folder + "/000010.log"))
            let tails = try LogTail.all(inDatabase: folder)
            #expect(tails.map(\.isTorn) == [false, false])
            #expect(tails.first?.offset == log.count)
            // Where a record has begun, it is.
            try Data(log.dropLast(5) + room).write(to: URL(filePath: path))
            #expect(throws: StorageError.self) { try LogTail.all(inDatabase: folder) }
            try FileManager.default.removeItem(atPath: folder + "/000010.log")
            #expect(try LogTail.all(inDatabase: folder).map(\.isTorn) == [true])
        }
    }

    /// The log in use is longer than what is written, and keeps to it when it is closed.
    @Test func logInUseHasRoom() throws {
        var used = 0
        try withLog(whileOpen: { path in
            let size = try Data(contentsOf: URL(filePath: path)).count
            used = try LogScan(path: path).intactByteCount
            #expect(size > used + 50_000, "\(size) bytes, of which \(used) are used")
            let folder = String(path.dropLast("/000004.log".count))
            #expect(try LogTail.all(inDatabase: folder).map(\.isTorn) == [false])
        }) { _, log, _ in
            #expect(log.count == used)
        }
    }

    /// The body gets the log that RocksDB wrote for records of these sizes, and where each begins.
    private func withLog(
        whileOpen: (String) throws -> Void = { _ in },
        _ body: (String, [UInt8], [Int]) throws -> Void
    ) throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "atomic-state-\(UUID())")
            .path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = try DataFolder(opening: path, schemaName: "ab")
        try folder.clearStaging()
        var starts: [Int] = []
        let log = folder.databasePath + "/000004.log"
        do {
            let database = try Database(
                path: folder.databasePath, stagingPath: folder.stagingPath, mayCreate: true)
            for (index, byteCount) in Self.recordByteCounts.enumerated() {
                starts.append(try LogScan(path: log).intactByteCount)
                let record = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ index) }
                try record.withUnsafeBytes {
                    try database.commit(
                        journal: .init(number: UInt64(index + 1), bytes: $0), outcomes: nil,
                        forgottenUntil: nil)
                }
            }
            try whileOpen(log)
        }
        try body(log, [UInt8](try Data(contentsOf: URL(filePath: log))), starts)
    }
}
