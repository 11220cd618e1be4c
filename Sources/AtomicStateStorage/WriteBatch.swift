internal import CRocksDB
internal import CRocksDBAdditions

/// What RocksDB is to write at once, all or none of it, sealed as `BatchSeal` says.
struct WriteBatch: ~Copyable, @unchecked Sendable {  // Its handle is its own.
    let handle = rocksdb_writebatch_create()
    private let secret: BatchSeal.Secret
    /// Of the last batch.
    var number: UInt64
    private var checksum: UInt32 = 0

    /// - Parameter number: of a batch before the first.
    init(following number: UInt64, secret: BatchSeal.Secret) {
        self.number = number
        self.secret = secret
    }

    deinit { rocksdb_writebatch_destroy(handle) }

    /// Begins the next batch; the memory of the one before stays.
    mutating func begin() {
        rocksdb_writebatch_clear(handle)
        number += 1
        checksum = BatchSeal.checksumOf(number)
        putLogData(secret + littleEndianBytes(number))
    }

    /// Nothing is put behind that.
    func close() {
        putLogData(littleEndianBytes(checksum))
    }

    private func putLogData(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes {
            rocksdb_writebatch_put_log_data(
                handle, $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count)
        }
    }

    var byteCount: Int {
        var byteCount = 0
        rocksdb_writebatch_data(handle, &byteCount)
        return byteCount
    }

    /// - Throws: for a value that is longer than RocksDB takes.
    mutating func put(_ record: NumberedRecord, in family: OpaquePointer) throws(StorageError) {
        try requireFitting(record.bytes)
        withBigEndianBytes(record.number) { put($0, record.bytes, in: family) }
    }

    /// - Throws: as for a record.
    mutating func put(
        _ name: String, _ value: UnsafeRawBufferPointer, in family: OpaquePointer
    ) throws(StorageError) {
        try requireFitting(value)
        name.withCString { key in
            put(UnsafeBufferPointer(start: key, count: name.utf8.count), value, in: family)
        }
    }

    /// RocksDB leaves a longer one out, and its function for C does not tell.
    private func requireFitting(_ value: UnsafeRawBufferPointer) throws(StorageError) {
        guard value.count <= UInt32.max else {
            throw StorageError("a value of \(value.count) bytes: expected at most \(UInt32.max)")
        }
    }

    private mutating func put(
        _ key: UnsafeBufferPointer<CChar>, _ value: UnsafeRawBufferPointer,
        in family: OpaquePointer
    ) {
        checksum = BatchSeal.extended(checksum, by: UnsafeRawBufferPointer(key), value)
        rocksdb_writebatch_put_cf(
            handle, family, key.baseAddress, key.count,
            value.baseAddress?.assumingMemoryBound(to: CChar.self), value.count)
    }
}
