internal import CRocksDB
internal import CRocksDBAdditions

/// What RocksDB is to write at once, all or none of it, sealed as `BatchSeal` says.
final class WriteBatch {
    let handle = rocksdb_writebatch_create()
    private let seal: BatchSeal
    private var checksum: UInt32 = 0

    init(_ seal: BatchSeal) {
        self.seal = seal
        begin()
    }

    deinit { rocksdb_writebatch_destroy(handle) }

    /// Leaves it empty; its memory stays.
    func begin() {
        rocksdb_writebatch_clear(handle)
        checksum = 0
        seal.secret.withUnsafeBytes { putLogData($0) }
    }

    /// Nothing is put behind that.
    func close() {
        withUnsafeBytes(of: checksum.littleEndian) { putLogData($0) }
    }

    private func putLogData(_ bytes: UnsafeRawBufferPointer) {
        rocksdb_writebatch_put_log_data(
            handle, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
    }

    var byteCount: Int {
        var byteCount = 0
        rocksdb_writebatch_data(handle, &byteCount)
        return byteCount
    }

    /// - Throws: for a value that is longer than RocksDB takes.
    func put(_ record: NumberedRecord, in family: OpaquePointer) throws(StorageError) {
        try requireFitting(record.bytes)
        withBigEndianBytes(record.number) { put($0, record.bytes, in: family) }
    }

    /// - Throws: as for a record.
    func put(
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

    private func put(
        _ key: UnsafeBufferPointer<CChar>, _ value: UnsafeRawBufferPointer,
        in family: OpaquePointer
    ) {
        checksum = rocksdb_crc32c_extend(checksum, value.baseAddress, value.count)
        rocksdb_writebatch_put_cf(
            handle, family, key.baseAddress, key.count,
            value.baseAddress?.assumingMemoryBound(to: CChar.self), value.count)
    }
}
