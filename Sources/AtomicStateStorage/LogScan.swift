internal import CRocksDBAdditions
internal import Glibc

// A log of RocksDB, be it one of its write-ahead logs or a MANIFEST, is a sequence of blocks of
// 32,768 bytes. A record is one fragment, or several that begin a block each, all but the first. A
// fragment does not cross the end of a block; fewer than 7 bytes at a block's end stay unused.
//
//     0   4   CRC-32C of what follows from the type on, rotated right by 15 and 0xA282EAD8 added
//     4   2   n, the number of payload bytes
//     6   1   the type: 1 whole, 2 first, 3 middle, 4 last
//     7   n   payload
//
// (RocksDB's wiki, "Write Ahead Log File Format". RocksDB's own way of reusing logs has other types; it is
// not used.) Every record is synced before the next one begins. So of a power cut only the last record can
// be the victim, of which nobody was told; damage with a record behind it is damage to what was
// durable. Where the last record itself is damaged later, nothing tells the two apart.
//
// A record of a write-ahead log begins with the sequence of its first entry, 8 bytes, and their number, 4.
// Sequences ascend from log to log. What is written of such a log is followed by a mark
// (`ROCKSDB_LOG_END_MARK`), and that by room, which reads as zeros, or by remains of the log that the
// file held before: records of lower sequences, the first of which may have lost its beginning. Logs of
// releases that wrote no mark end in room alone. `BatchSeal` tells whether a record is whole, and behind damage, where a
// record may begin anywhere, whether it is one at all.

/// How far a log is intact, and whether anything follows damage.
struct LogScan {
    enum Kind {
        /// With what the logs before it have come to.
        case writeAhead(following: Position)
        case manifest
    }

    /// What the intact records so far say of those that follow.
    struct Position {
        /// The last sequence; nil before the first record.
        var lastSequence: UInt64?
        /// The last batch's number; nil before the first that is sealed.
        var lastNumber: UInt64?
        /// Those that records are sealed with.
        var secrets: [BatchSeal.Secret] = []
        /// The one that IDENTITY tells, if it does.
        var identitySecret: BatchSeal.Secret?
    }

    private static let blockByteCount = 32_768
    private static let headerByteCount = 7
    private static let typeOffset = 6
    private static let recordHeadByteCount = 12
    private static let endMark = Array(ROCKSDB_LOG_END_MARK.utf8)

    private enum Fragment: UInt8 {
        case whole = 1
        case first, middle, last

        var beginsRecord: Bool { self == .whole || self == .first }
        var endsRecord: Bool { self == .whole || self == .last }
    }

    private let isWriteAheadLog: Bool
    private var byteCount = 0
    /// Where the zeros begin that the file ends in.
    private var writtenByteCount = 0
    /// Where the last record ends that is intact like all before it.
    private(set) var intactByteCount = 0
    /// Where the first fragment is that can't be read or is in the wrong place; nil if none is.
    private(set) var damageOffset: Int?
    private(set) var hasRecords = false
    private(set) var hasRecordsBehindDamage = false
    /// Whether something follows the intact records that is neither room nor of a former log.
    private(set) var isTorn = false
    /// With those of the logs before it.
    private(set) var position = Position()

    // Of the record that is being read.
    private var isInsideRecord = false
    private var recordOffset = 0
    private var record: [UInt8] = []

    /// Reads the whole file.
    init(path: String, _ kind: Kind) throws(StorageError) {
        switch kind {
        case .writeAhead(let position):
            isWriteAheadLog = true
            self.position = position
        case .manifest: isWriteAheadLog = false
        }
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw .system("open", path) }
        defer { close(file) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: 32 * Self.blockByteCount, alignment: 8)
        defer { buffer.deallocate() }
        while true {
            let count = try Self.fill(buffer, from: file, at: byteCount, path)
            for start in stride(from: 0, to: count, by: Self.blockByteCount) {
                let end = min(start + Self.blockByteCount, count)
                // SAFETY: both lie within what was read.
                scan(UnsafeRawBufferPointer(rebasing: buffer[start..<end]), at: byteCount + start)
            }
            byteCount += count
            if count < buffer.count { break }
        }
        if isInsideRecord { noteDamage(at: byteCount) }
        guard damageOffset != nil else { return }
        let mark = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Self.endMark.count])
        let count = try Self.fill(mark, from: file, at: intactByteCount, path)
        let isMarked = isWriteAheadLog && mark[..<count].elementsEqual(Self.endMark)
        isTorn = !isMarked && writtenByteCount > intactByteCount
        if isMarked, position.lastSequence == nil {
            // Nothing was written yet, and there is no sequence to tell what is of a former log.
            hasRecords = false
            hasRecordsBehindDamage = false
        }
    }

    /// The number of bytes read: fewer than there is room for at the end of the file alone.
    private static func fill(
        _ buffer: UnsafeMutableRawBufferPointer, from file: CInt, at offset: Int, _ path: String
    ) throws(StorageError) -> Int {
        var count = 0
        while count < buffer.count {
            let part = pread(
                file, buffer.baseAddress! + count, buffer.count - count, off_t(offset + count))
            guard part >= 0 else { throw .system("read", path) }
            if part == 0 { break }
            count += part
        }
        return count
    }

    private mutating func scan(_ block: UnsafeRawBufferPointer, at offset: Int) {
        if let last = block.lastIndex(where: { $0 != 0 }) { writtenByteCount = offset + last + 1 }
        var position = 0
        while position < block.count,
            position <= Self.blockByteCount - Self.headerByteCount
        {
            guard let (fragment, end) = Self.fragment(in: block, at: position) else {
                noteDamage(at: offset + position)
                isInsideRecord = false
                // From here on a record may begin at any byte, but for those whose type would be 0.
                let next = position + 1 + Self.typeOffset
                guard next < block.count,
                    let type = block[next...].firstIndex(where: { $0 != 0 })
                else { break }
                position = type - Self.typeOffset
                continue
            }
            // SAFETY: `fragment(in:at:)` ends within the block.
            let payload = UnsafeRawBufferPointer(
                rebasing: block[(position + Self.headerByteCount)..<end])
            take(fragment, payload, at: offset + position, end: offset + end)
            position = end
        }
    }

    private mutating func take(
        _ fragment: Fragment, _ payload: UnsafeRawBufferPointer, at offset: Int, end: Int
    ) {
        if fragment.beginsRecord == isInsideRecord { noteDamage(at: offset) }
        if fragment.beginsRecord {
            recordOffset = offset
            record.removeAll(keepingCapacity: true)
        } else if !isInsideRecord {
            return
        }
        isInsideRecord = !fragment.endsRecord
        guard isWriteAheadLog else {
            takeRecord(isWhole: fragment.endsRecord, end: end)
            return
        }
        record.append(contentsOf: payload)
        guard let sequences = recordSequences else {
            if fragment.endsRecord { noteDamage(at: recordOffset) }
            return
        }
        guard position.lastSequence.map({ sequences.lowerBound > $0 }) ?? true else {
            noteDamage(at: recordOffset)
            return
        }
        // Behind damage, bytes of a value may look like a record.
        if damageOffset != nil, !position.secrets.isEmpty, !hasKnownSecret { return }
        guard fragment.endsRecord else {
            takeRecord(isWhole: false, end: end)
            return
        }
        let lastNumber: UInt64?
        switch record.withUnsafeBytes({ BatchSeal.examine($0, after: position.lastNumber) }) {
        case .intact(let number): lastNumber = number
        case .unsealed where position.lastNumber == nil: lastNumber = nil
        case .damaged, .unsealed:
            noteDamage(at: recordOffset)
            return
        }
        takeRecord(isWhole: true, end: end)
        if intactByteCount == end {
            position.lastSequence = sequences.upperBound
            position.lastNumber = lastNumber
            noteSecret()
        }
    }

    private var hasKnownSecret: Bool {
        record.withUnsafeBytes { record in
            guard let secret = BatchSeal.secret(of: record) else { return false }
            return position.secrets.contains { $0.elementsEqual(secret) }
                || position.identitySecret?.elementsEqual(secret) ?? false
        }
    }

    /// It is another one than before if IDENTITY was gone meanwhile, or damaged.
    private mutating func noteSecret() {
        guard position.secrets.isEmpty || !hasKnownSecret,
            let secret = record.withUnsafeBytes({ BatchSeal.secret(of: $0).map(Array.init) })
        else { return }
        position.secrets.append(secret)
    }

    /// A record of this log of which all is intact that was read of it.
    private mutating func takeRecord(isWhole: Bool, end: Int) {
        hasRecords = true
        if damageOffset != nil {
            hasRecordsBehindDamage = true
        } else if isWhole {
            intactByteCount = end
        }
    }

    private mutating func noteDamage(at offset: Int) {
        if damageOffset == nil { damageOffset = offset }
    }

    /// Of a write-ahead log's record; nil if their number was not read yet.
    private var recordSequences: ClosedRange<UInt64>? {
        guard record.count >= Self.recordHeadByteCount else { return nil }
        return record.withUnsafeBytes { head in
            let first = UInt64(littleEndian: head.loadUnaligned(as: UInt64.self))
            let count = UInt32(
                littleEndian: head.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
            let (last, isTooLarge) = first.addingReportingOverflow(UInt64(max(count, 1)) - 1)
            return first...(isTooLarge ? .max : last)
        }
    }

    /// The intact fragment at a position, and where it ends.
    private static func fragment(
        in block: UnsafeRawBufferPointer, at position: Int
    ) -> (Fragment, end: Int)? {
        guard position + headerByteCount <= block.count,
            let fragment = Fragment(rawValue: block[position + typeOffset])
        else { return nil }
        let length = Int(block[position + 4]) | Int(block[position + 5]) << 8
        let end = position + headerByteCount + length
        guard end <= block.count else { return nil }
        // SAFETY: `end` is within the block.
        let checked = UnsafeRawBufferPointer(rebasing: block[(position + typeOffset)..<end])
        let checksum = rocksdb_crc32c(checked.baseAddress, checked.count)
        let stored = UInt32(
            littleEndian: block.loadUnaligned(fromByteOffset: position, as: UInt32.self))
        guard stored == (checksum >> 15 | checksum << 17) &+ 0xA282_EAD8 else { return nil }
        return (fragment, end)
    }
}
