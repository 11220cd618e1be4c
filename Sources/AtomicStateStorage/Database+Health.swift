internal import CRocksDB

/// RocksDB's own state, as its properties tell it.
package struct StorageHealth: Sendable {
    package struct Family: Sendable {
        package let name: String
        /// Files of level 0. Reads and compactions slow down as they grow; RocksDB slows writers down
        /// at 20 and stops them at 36.
        package let level0FileCount: UInt64
        /// An estimate of what compactions have to rewrite to bring all levels to their size.
        package let pendingCompactionByteCount: UInt64
        /// The active and the immutable memtables that are not flushed yet.
        package let memtableByteCount: UInt64
        /// The files of all levels.
        package let fileByteCount: UInt64
    }

    package let families: [Family]
    package let runningCompactionCount: UInt64
    package let runningFlushCount: UInt64
    /// Bytes a second that RocksDB slows its writers down to; 0 if it does not.
    package let delayedWriteRate: UInt64
    package let writesStopped: Bool
    package let backgroundErrorCount: UInt64

    /// The most level-0 files of a family.
    package var level0FileCountMax: UInt64 { families.map(\.level0FileCount).max() ?? 0 }
}

extension Database {
    package func health() throws(StorageError) -> StorageHealth {
        var families: [StorageHealth.Family] = []
        for family in ColumnFamily.allCases where family != .default {
            families.append(
                StorageHealth.Family(
                    name: family.name,
                    level0FileCount: try level0FileCount(of: family),
                    pendingCompactionByteCount: try number(
                        "rocksdb.estimate-pending-compaction-bytes", of: family),
                    memtableByteCount: try number("rocksdb.cur-size-all-mem-tables", of: family),
                    fileByteCount: try number("rocksdb.total-sst-files-size", of: family)))
        }
        return StorageHealth(
            families: families,
            runningCompactionCount: try number("rocksdb.num-running-compactions"),
            runningFlushCount: try number("rocksdb.num-running-flushes"),
            delayedWriteRate: try number("rocksdb.actual-delayed-write-rate"),
            writesStopped: try number("rocksdb.is-write-stopped") != 0,
            backgroundErrorCount: try number("rocksdb.background-errors"))
    }

    private func number(
        _ property: String, of family: ColumnFamily = .default
    ) throws(StorageError) -> UInt64 {
        var value: UInt64 = 0
        guard rocksdb_property_int_cf(handle, self.family(family), property, &value) == 0 else {
            throw StorageError("RocksDB has no property \(property)")
        }
        return value
    }

    private func level0FileCount(of family: ColumnFamily) throws(StorageError) -> UInt64 {
        let property = "rocksdb.num-files-at-level0"
        guard let value = rocksdb_property_value_cf(handle, self.family(family), property) else {
            throw StorageError("RocksDB has no property \(property)")
        }
        defer { rocksdb_free(value) }
        guard let count = UInt64(String(cString: value)) else {
            throw StorageError("\(property): expected a number, found \(String(cString: value))")
        }
        return count
    }
}
