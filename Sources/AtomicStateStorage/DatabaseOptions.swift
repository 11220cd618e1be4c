internal import CPlatform
internal import CRocksDB
internal import CRocksDBAdditions
internal import Glibc

/// Where RocksDB slows its writers down, of any one family.
///
/// https://github.com/facebook/rocksdb/wiki/Write-Stalls
enum SlowdownLimits {
    static let level0FileCount: Int32 = 20
    static let pendingCompactionByteCount = 64 << 30
    /// With so many of journal or outcomes, the last but one that waits for its flush slows writers down.
    static let memtableCountMax: Int32 = 4

    static func memtableByteCountMax(memtableByteCount: Int) -> Int {
        memtableByteCount * Int(memtableCountMax - 1)
    }
}

/// RocksDB's write-ahead logs, in multiples of a memtable.
enum LogLimits {
    /// With more in use, families that are seldom written are flushed: they keep old logs in use.
    static let memtableCountMax = 2
    /// Spares are all the logs that were in use at once, each with some room.
    static let spareMemtableCountMax = 8
}

/// How files that are of no more use, of logs and tables, are given back to the file system.
///
/// Where it hands freed blocks on to the disk (the mount option `discard`), that takes a millisecond or so for each
/// MiB, in which nothing else is written: a file as a whole would hold every commit up for as long as it is large.
enum SlowDeletion {
    /// What waits goes in about this time, at a steady rate that leaves the disk to commits.
    static let seconds: Int64 = 8
    static let bytesPerSecondMin: Int64 = 32 << 20
    /// Smaller pieces take the disk longer for each MiB, larger ones hold a commit up longer.
    static let pieceByteCount: UInt64 = 512 << 10
    /// What waits is at most this multiple of what tables hold, because files then go at once.
    static let waitingShareMax = 4.0
}

/// RocksDB's options, with the reason for each that is not its default.
final class DatabaseOptions {
    let database: OpaquePointer
    private let families: [OpaquePointer]
    let syncedWrite: OpaquePointer
    let read: OpaquePointer
    let scan: OpaquePointer
    let flushLimiter: OpaquePointer
    let stallCounter: OpaquePointer
    let logFiles: OpaquePointer
    let memtableByteCount: Int
    private let blockCache: OpaquePointer
    private var tableOptions: [OpaquePointer] = []

    /// - Parameter memtableByteCount: of the journal, and of outcomes.
    /// - Parameter writesDirectly: whether RocksDB's background writes pass the page cache by.
    init(mayCreate: Bool, isReadOnly: Bool, memtableByteCount: Int, writesDirectly: Bool) {
        self.memtableByteCount = memtableByteCount
        database = rocksdb_options_create()
        rocksdb_options_set_create_if_missing(database, mayCreate ? 1 : 0)
        rocksdb_options_set_create_missing_column_families(database, isReadOnly ? 0 : 1)
        rocksdb_options_set_paranoid_checks(database, 1)
        // Commits come one after the other, and memtables that are vectors take no others.
        rocksdb_options_set_allow_concurrent_memtable_write(database, 0)
        // The ends of logs were found before, see `LogTail`: there may be nothing that can't be read.
        rocksdb_options_set_wal_recovery_mode(
            database, CInt(rocksdb_absolute_consistency_recovery))
        // One flush and one compaction beside the commit path; the machines have few cores.
        rocksdb_options_set_max_background_jobs(database, 2)
        rocksdb_options_set_max_total_wal_size(
            database, UInt64(memtableByteCount * LogLimits.memtableCountMax))
        logFiles = rocksdb_log_files_create(
            UInt64(memtableByteCount * LogLimits.spareMemtableCountMax))
        rocksdb_options_set_log_files(database, logFiles)
        // Background writes reach the disk steadily, so that no sync of a commit waits behind a burst:
        // past the page cache one small piece after the other, or else out of it by the megabyte.
        if writesDirectly {
            rocksdb_options_set_use_direct_io_for_flush_and_compaction(database, 1)
            rocksdb_options_set_writable_file_max_buffer_size(database, 256 << 10)
        }
        rocksdb_options_set_bytes_per_sync(database, 1 << 20)
        // See `FlushPace`.
        flushLimiter = rocksdb_flush_limiter_create(Int64(FlushPace.bytesPerSecondMin))
        rocksdb_options_set_flush_limiter(database, flushLimiter)
        stallCounter = rocksdb_stall_counter_create()
        rocksdb_options_add_stall_counter(database, stallCounter)
        if !isReadOnly {
            rocksdb_options_set_slow_deletion(
                database, logFiles, SlowDeletion.bytesPerSecondMin, SlowDeletion.seconds,
                SlowDeletion.pieceByteCount, SlowDeletion.waitingShareMax)
        }
        rocksdb_options_set_keep_log_file_num(database, 5)
        rocksdb_options_set_max_open_files(database, 512)

        blockCache = rocksdb_cache_create_lru(32 << 20)
        syncedWrite = rocksdb_writeoptions_create()
        rocksdb_writeoptions_set_sync(syncedWrite, 1)
        read = rocksdb_readoptions_create()
        rocksdb_readoptions_set_verify_checksums(read, 1)
        scan = rocksdb_readoptions_create()
        rocksdb_readoptions_set_verify_checksums(scan, 1)
        rocksdb_readoptions_set_fill_cache(scan, 0)
        rocksdb_readoptions_set_readahead_size(scan, 2 << 20)

        var tableOptions: [OpaquePointer] = []
        let blockCache = blockCache
        families = ColumnFamily.allCases.map { family in
            // Never nil: RocksDB's create functions only allocate.
            let options = rocksdb_options_create()!
            let table = rocksdb_block_based_options_create()!
            rocksdb_block_based_options_set_block_cache(table, blockCache)
            tableOptions.append(table)
            switch family {
            case .default, .meta:
                rocksdb_options_set_write_buffer_size(options, 1 << 20)
            case .journal, .outcomes:
                // A few large values in ascending order: big memtables, so that files are few and
                // move down the levels without being rewritten. The records are packed already. A vector
                // compares no keys when it grows, and is sorted when it is flushed or, seldom, read.
                rocksdb_options_set_memtable_vector_rep(options)
                rocksdb_options_set_write_buffer_size(options, memtableByteCount)
                rocksdb_options_set_max_write_buffer_number(
                    options, SlowdownLimits.memtableCountMax)
                rocksdb_options_set_target_file_size_base(options, 64 << 20)
                rocksdb_options_set_compression(options, CInt(rocksdb_no_compression))
                rocksdb_block_based_options_set_block_size(table, 64 << 10)
            case .rows:
                // Files arrive whole from outside, and the memtable stays empty.
                rocksdb_options_set_write_buffer_size(options, 1 << 20)
                rocksdb_options_set_compression(options, CInt(rocksdb_lz4_compression))
            }
            // See `Database.startCompactions`. Of rows there is never anything to compact.
            rocksdb_options_set_disable_auto_compactions(options, 1)
            rocksdb_options_set_level0_slowdown_writes_trigger(
                options, SlowdownLimits.level0FileCount)
            rocksdb_options_set_soft_pending_compaction_bytes_limit(
                options, SlowdownLimits.pendingCompactionByteCount)
            rocksdb_options_set_block_based_table_factory(options, table)
            return options
        }
        self.tableOptions = tableOptions
    }

    deinit {
        rocksdb_options_destroy(database)
        for family in families { rocksdb_options_destroy(family) }
        for table in tableOptions { rocksdb_block_based_options_destroy(table) }
        rocksdb_cache_destroy(blockCache)
        rocksdb_flush_limiter_destroy(flushLimiter)
        rocksdb_stall_counter_destroy(stallCounter)
        rocksdb_log_files_destroy(logFiles)
        rocksdb_writeoptions_destroy(syncedWrite)
        rocksdb_readoptions_destroy(read)
        rocksdb_readoptions_destroy(scan)
    }

    func options(of family: ColumnFamily) -> OpaquePointer { families[family.rawValue] }

    /// Has a log read without its tail.
    func leaveOut(_ tail: LogTail) throws(StorageError) {
        guard tail.path.hasSuffix(".log") else {
            throw StorageError(
                "\(tail.path) ends in a record that is not whole, as after a power cut: the next "
                    + "start of the server cuts it off")
        }
        let name = tail.path.split(separator: "/").last.map(String.init) ?? tail.path
        rocksdb_log_files_set_end(logFiles, name, UInt64(tail.offset))
    }

    /// Calls the body with the families' options in the order of `ColumnFamily`.
    func withFamilyOptions<Result>(
        _ body: (UnsafePointer<OpaquePointer?>) -> Result
    ) -> Result {
        body(families.map { $0 })
    }
}

/// What writing and ingesting a file of rows takes.
final class BulkWriteOptions {
    let environment: OpaquePointer
    let file: OpaquePointer
    let ingest: OpaquePointer

    init(_ options: DatabaseOptions) {
        environment = rocksdb_envoptions_create()
        file = options.options(of: .rows)
        ingest = rocksdb_ingestexternalfileoptions_create()
        // The file is on the same file system, and nobody else needs it.
        rocksdb_ingestexternalfileoptions_set_move_files(ingest, 1)
    }

    deinit {
        rocksdb_envoptions_destroy(environment)
        rocksdb_ingestexternalfileoptions_destroy(ingest)
    }
}

/// Whether files of the folder can be written past the page cache; some file systems refuse it.
func canWriteDirectly(in folder: String) -> Bool {
    let descriptor = open_unnamed_direct(folder)
    guard descriptor >= 0 else { return false }
    close(descriptor)
    return true
}
