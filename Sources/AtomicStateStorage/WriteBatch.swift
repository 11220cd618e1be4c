internal import CRocksDB

/// What RocksDB is to write at once, all or none of it.
final class WriteBatch {
    let handle = rocksdb_writebatch_create()

    deinit { rocksdb_writebatch_destroy(handle) }

    /// Leaves it empty; its memory stays.
    func clear() { rocksdb_writebatch_clear(handle) }

    var byteCount: Int {
        var byteCount = 0
        rocksdb_writebatch_data(handle, &byteCount)
        return byteCount
    }

    func put(_ record: NumberedRecord, in family: OpaquePointer) {
        withBigEndianBytes(record.number) { put($0, record.bytes, in: family) }
    }

    func put(_ name: String, _ value: UnsafeRawBufferPointer, in family: OpaquePointer) {
        name.withCString { key in
            put(UnsafeBufferPointer(start: key, count: name.utf8.count), value, in: family)
        }
    }

    private func put(
        _ key: UnsafeBufferPointer<CChar>, _ value: UnsafeRawBufferPointer,
        in family: OpaquePointer
    ) {
        rocksdb_writebatch_put_cf(
            handle, family, key.baseAddress, key.count,
            value.baseAddress?.assumingMemoryBound(to: CChar.self), value.count)
    }
}
