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
// (RocksDB's wiki, "Write Ahead Log File Format". Logs that are recycled have other types; these are
// not.) Every record is synced before the next one begins. So of a power cut only the last record can
// be the victim, of which nobody was told; damage with a record behind it is damage to what was
// durable. Where the last record itself is damaged later, nothing tells the two apart.
//
// Behind the last record there may be room, which reads as zeros (`LogRoom`).

/// How far a log is intact, and whether anything follows damage.
struct LogScan {
    private static let blockByteCount = 32_768
    private static let headerByteCount = 7
    private static let typeOffset = 6

    private enum Fragment: UInt8 {
        case whole = 1
        case first, middle, last

        var beginsRecord: Bool { self == .whole || self == .first }
        var endsRecord: Bool { self == .whole || self == .last }
    }

    private var byteCount = 0
    /// Where the zeros begin that the file ends in.
    private(set) var writtenByteCount = 0
    /// Where the last record ends that is intact like all before it.
    private(set) var intactByteCount = 0
    /// Where the first fragment is that can't be read or is in the wrong place; nil if none is.
    private(set) var damageOffset: Int?
    private(set) var hasRecords = false
    private(set) var hasRecordsBehindDamage = false
    private var isInsideRecord = false

    /// Reads the whole file.
    init(path: String) throws(StorageError) {
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
        if isInsideRecord, damageOffset == nil { damageOffset = byteCount }
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
                // From here on a record may begin at any byte, but for those whose type would be 0.
                if damageOffset == nil { damageOffset = offset + position }
                let next = position + 1 + Self.typeOffset
                guard next < block.count,
                    let type = block[next...].firstIndex(where: { $0 != 0 })
                else { break }
                position = type - Self.typeOffset
                continue
            }
            if damageOffset == nil && fragment.beginsRecord == isInsideRecord {
                damageOffset = offset + position
            }
            position = end
            if fragment.beginsRecord { hasRecords = true }
            guard damageOffset == nil else {
                if fragment.beginsRecord { hasRecordsBehindDamage = true }
                continue
            }
            isInsideRecord = !fragment.endsRecord
            if fragment.endsRecord { intactByteCount = offset + position }
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
