internal import CRocksDB
internal import CRocksDBAdditions

/// RocksDB's own state, as its properties tell it.
package struct StorageHealth: Sendable {
    package struct Family: Sendable {
        package let name: String
        /// Files of level 0. Reads and compactions slow down as they grow.
        package let level0FileCount: UInt64
        /// An estimate of what compactions have to rewrite to bring all levels to their size.
        package let pendingCompactionByteCount: UInt64
        /// The active and the immutable memtables that are not flushed yet.
        package let memtableByteCount: UInt64
        /// So many slow writers down.
        let memtableByteCountMax: Int
        /// The files of all levels.
        package let fileByteCount: UInt64

        package init(
            name: String, level0FileCount: UInt64 = 0, pendingCompactionByteCount: UInt64 = 0,
            memtableByteCount: UInt64 = 0, fileByteCount: UInt64 = 0,
            memtableByteCountMax: Int = SlowdownLimits.memtableByteCountMax(
                memtableByteCount: Database.memtableByteCountDefault)
        ) {
            self.name = name
            self.level0FileCount = level0FileCount
            self.pendingCompactionByteCount = pendingCompactionByteCount
            self.memtableByteCount = memtableByteCount
            self.fileByteCount = fileByteCount
            self.memtableByteCountMax = memtableByteCountMax
        }
    }

    package var families: [Family] = []
    package var runningCompactionCount: UInt64 = 0
    package var runningFlushCount: UInt64 = 0
    /// Bytes a second that RocksDB slows its writers down to; 0 if it does not.
    package var delayedWriteRate: UInt64 = 0
    package var writesStopped = false
    /// The times since the start that RocksDB began to slow its writers down, or stopped them.
    package var writeStallCount: UInt64 = 0
    package var backgroundErrorCount: UInt64 = 0

    /// Of storage that has nothing to do.
    package init() {}
}

extension StorageHealth {
    /// What background work is behind with.
    package struct Backlog: Sendable {
        /// The part of what makes RocksDB slow its writers down: 1 where it does.
        package let share: Double
        /// What there is too much of.
        package let description: String
    }

    /// The backlog that is nearest to slowing writers down.
    package var backlog: Backlog {
        if writesStopped { return Backlog(share: 1, description: "writes stopped") }
        if delayedWriteRate > 0 {
            return Backlog(share: 1, description: "writes slowed to \(delayedWriteRate) bytes/s")
        }
        return families.flatMap(\.backlogs).max { $0.share < $1.share }
            ?? Backlog(share: 0, description: "nothing")
    }
}

extension StorageHealth.Family {
    fileprivate var backlogs: [StorageHealth.Backlog] {
        [
            backlog(level0FileCount, of: Int(SlowdownLimits.level0FileCount), "level-0 files"),
            backlog(
                pendingCompactionByteCount, of: SlowdownLimits.pendingCompactionByteCount,
                "bytes to compact"),
            backlog(memtableByteCount, of: memtableByteCountMax, "bytes in memtables"),
        ]
    }

    private func backlog(_ value: UInt64, of limit: Int, _ what: String) -> StorageHealth.Backlog {
        StorageHealth.Backlog(
            share: Double(value) / Double(limit), description: "\(name) has \(value) \(what)")
    }
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
                    fileByteCount: try number("rocksdb.total-sst-files-size", of: family),
                    memtableByteCountMax: SlowdownLimits.memtableByteCountMax(
                        memtableByteCount: options.memtableByteCount)))
        }
        var health = StorageHealth()
        health.writeStallCount = rocksdb_stall_counter_count(options.stallCounter)
        health.families = families
        health.runningCompactionCount = try number("rocksdb.num-running-compactions")
        health.runningFlushCount = try number("rocksdb.num-running-flushes")
        health.delayedWriteRate = try number("rocksdb.actual-delayed-write-rate")
        health.writesStopped = try number("rocksdb.is-write-stopped") != 0
        health.backgroundErrorCount = try number("rocksdb.background-errors")
        return health
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
