internal import CRocksDBAdditions

// A log is written over a former one, so that the beginning of a record that was torn may be followed by remains whose
// fragments are intact. And what clients store stands in a log byte for byte, and may look like a record of it. So each
// WriteBatch begins and ends with a blob (`PutLogData`), which RocksDB keeps in the log alone:
//
//     secret      16 bytes, of the database's IDENTITY, which RocksDB draws at random
//     number       8 bytes, greater than that of every batch before it; little-endian
//     ...          the puts
//     checksum     4 bytes, CRC-32C of the number, and of each put's key and value; little-endian
//
// A record of RocksDB's may be several batches, one behind the other. Records of releases that sealed nothing begin with a
// put.
//
// A batch is 12 bytes, its sequence and the number of its puts, and then its entries, a tag each and (all lengths
// are varints)
//
//     1   put     key's length, key, value's length, value
//     3   blob    length, bytes
//     5   put     family, key's length, key, value's length, value
//
// (RocksDB's db/write_batch.cc.)

/// By what a record of a write-ahead log is known as one, and as whole.
struct BatchSeal {
    typealias Secret = [UInt8]

    static let secretByteCount = 16
    private static let openingByteCount = secretByteCount + 8
    private static let checksumByteCount = 4
    private static let headByteCount = 12
    /// Behind the tag and the length.
    private static let secretStart = headByteCount + 2

    private enum Tag {
        static let put: UInt8 = 1
        static let blob: UInt8 = 3
        static let putInFamily: UInt8 = 5
    }

    /// What a record's batches say of themselves.
    enum Finding: Equatable {
        /// It was written as it is, by a release that sealed nothing, or whatever it is.
        case unsealed
        /// - Parameter lastNumber: of its last batch.
        case intact(lastNumber: UInt64)
        case damaged
    }

    /// What the database seals records with, in this process and the next ones.
    ///
    /// - Parameter path: RocksDB's folder.
    /// - Returns: nil if IDENTITY is gone or damaged. Records are then sealed with any other secret: no start
    ///   depends on that file.
    static func secret(ofDatabase path: String) throws(StorageError) -> Secret? {
        guard let bytes = try beginning(ofFile: path + "/IDENTITY") else { return nil }
        let digits = bytes.filter { $0 != UInt8(ascii: "-") }
        return digits.count < secretByteCount ? nil : Array(digits.prefix(secretByteCount))
    }

    static func randomSecret() -> Secret {
        (0..<secretByteCount).map { _ in .random(in: 0...UInt8.max) }
    }

    /// The secret that a record begins with; nil if it is not sealed, or not read so far.
    static func secret(of record: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard record.count >= secretStart + secretByteCount,
            record[headByteCount] == Tag.blob,
            record[headByteCount + 1] == UInt8(openingByteCount)
        else { return nil }
        return UnsafeRawBufferPointer(
            rebasing: record[secretStart..<(secretStart + secretByteCount)])
    }

    /// - Parameter lastNumber: of the batches before the record; nil if there are none, or none is sealed.
    static func examine(
        _ record: UnsafeRawBufferPointer, after lastNumber: UInt64?
    ) -> Finding {
        guard secret(of: record) != nil else { return .unsealed }
        var reader = EntryReader(record, from: headByteCount)
        var isOpen = false
        var number = lastNumber ?? 0
        var checksum: UInt32 = 0
        while let tag = reader.byte() {
            switch tag {
            case Tag.put, Tag.putInFamily:
                if tag == Tag.putInFamily, reader.varint() == nil { return .damaged }
                guard isOpen, let key = reader.text(), let value = reader.text() else {
                    return .damaged
                }
                checksum = extended(checksum, by: key, value)
            case Tag.blob:
                guard let blob = reader.text() else { return .damaged }
                switch blob.count {
                case openingByteCount:
                    let next = UInt64(
                        littleEndian: blob.loadUnaligned(
                            fromByteOffset: secretByteCount, as: UInt64.self))
                    guard !isOpen, next > number else { return .damaged }
                    number = next
                    checksum = checksumOf(number)
                case checksumByteCount:
                    let stored = UInt32(littleEndian: blob.loadUnaligned(as: UInt32.self))
                    guard isOpen, stored == checksum else { return .damaged }
                default: return .damaged
                }
                isOpen.toggle()
            default: return .damaged
            }
        }
        return isOpen ? .damaged : .intact(lastNumber: number)
    }

    static func checksumOf(_ number: UInt64) -> UInt32 {
        withUnsafeBytes(of: number.littleEndian) { rocksdb_crc32c($0.baseAddress, $0.count) }
    }

    static func extended(
        _ checksum: UInt32, by key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
    ) -> UInt32 {
        let ofKey = rocksdb_crc32c_extend(checksum, key.baseAddress, key.count)
        return rocksdb_crc32c_extend(ofKey, value.baseAddress, value.count)
    }
}

/// Reads a batch's entries, as far as they lie within it.
private struct EntryReader {
    private let bytes: UnsafeRawBufferPointer
    private var position: Int

    init(_ bytes: UnsafeRawBufferPointer, from position: Int) {
        self.bytes = bytes
        self.position = position
    }

    mutating func byte() -> UInt8? {
        guard position < bytes.count else { return nil }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 35, by: 7) {
            guard let byte = byte() else { return nil }
            value |= UInt64(byte & 0x7F) << UInt64(shift)
            if byte < 0x80 { return value }
        }
        return nil
    }

    mutating func text() -> UnsafeRawBufferPointer? {
        guard let length = varint(), length <= bytes.count - position else { return nil }
        defer { position += Int(length) }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<(position + Int(length))])
    }
}
