internal import CRocksDB
internal import CRocksDBAdditions
internal import Synchronization

/// The column families, each with the options that fit its traffic.
package enum ColumnFamily: Int, CaseIterable, Sendable {
    /// RocksDB requires it; nothing is kept there.
    case `default`
    /// One record for each commit group, by ascending sequence.
    case journal
    /// What is remembered of keyed transactions and named batches: one record for each commit group that
    /// had any, by the group's number.
    case outcomes
    /// Blocks of images of entities, written in bulk behind the commit; see `Database+Rows.swift`.
    case rows
    /// A few facts about the data: see `MetaKey`.
    case meta

    package var name: String {
        switch self {
        case .default: "default"
        case .journal: "journal"
        case .outcomes: "outcomes"
        case .rows: "rows"
        case .meta: "meta"
        }
    }
}

/// The keys of the meta family.
package enum MetaKey: String, Sendable {
    /// The number of the schema's version in force; see `Database+Schema.swift`.
    case schemaVersion = "schema_version"
    /// The rows that stand for the state: see `RowsInForce`.
    case rows
    /// Outcomes from until then may be forgotten: milliseconds since 1970-01-01T00:00:00Z as eight
    /// little-endian bytes.
    case forgottenUntil = "forgotten_until"
    /// From which on the batches of a process are numbered: eight little-endian bytes.
    case batchNumber = "batch_number"
    /// Journal from before this sequence may be gone, in parts: eight little-endian bytes.
    case journalTrimmedUntil = "journal_trimmed_until"
}

/// RocksDB with the families of a data folder. RocksDB's handle may be used by any thread.
package final class Database: @unchecked Sendable {  // Guarded by RocksDB itself.
    package static let memtableByteCountDefault = 64 << 20

    let handle: OpaquePointer
    private let families: [OpaquePointer]
    let options: DatabaseOptions
    let ingestion: BulkWriteOptions
    private let stagingPath: String
    private let stagingFileCount = Atomic<UInt64>(0)
    private let flushPace: Mutex<FlushPace>
    /// Of all batches, one after the other: their numbers ascend in the log, and the memory is used again.
    private let batch: Mutex<WriteBatch>
    /// What was cut off the logs before they were opened; for a database that is only read, what is
    /// left out.
    package let logTails: [LogTail]

    /// - Parameter path: RocksDB's folder.
    /// - Parameter stagingPath: a folder on the same file system, for files to be ingested.
    /// - Parameter mayCreate: create the database if it is not there; otherwise that is an error.
    /// - Parameter isReadOnly: change no file.
    /// - Parameter memtableByteCount: of the journal, and of outcomes.
    package init(
        path: String, stagingPath: String, mayCreate: Bool, isReadOnly: Bool = false,
        memtableByteCount: Int = memtableByteCountDefault
    ) throws(StorageError) {
        let logs = try LogTail.all(inDatabase: path)
        logTails = logs.tails
        let options = DatabaseOptions(
            mayCreate: mayCreate, isReadOnly: isReadOnly, memtableByteCount: memtableByteCount,
            writesDirectly: !isReadOnly && canWriteDirectly(in: stagingPath))
        for tail in logTails {
            if isReadOnly { try options.leaveOut(tail) } else { try tail.remove() }
        }
        if !isReadOnly { rocksdb_log_files_adopt_spares(options.logFiles, path) }
        let names = ColumnFamily.allCases.map(\.name)
        var families = [OpaquePointer?](repeating: nil, count: names.count)
        let handle = try withErrorPointer("open \(path)") { error in
            withCStrings(names) { names in
                options.withFamilyOptions { familyOptions in
                    isReadOnly
                        ? rocksdb_open_for_read_only_column_families(
                            options.database, path, CInt(families.count), names, familyOptions,
                            &families, 0, error)
                        : rocksdb_open_column_families(
                            options.database, path, CInt(families.count), names, familyOptions,
                            &families, error)
                }
            }
        }
        guard let handle else { throw StorageError("open \(path): RocksDB gave no database") }
        self.handle = handle
        self.families = families.compactMap { $0 }
        self.options = options
        self.stagingPath = stagingPath
        ingestion = BulkWriteOptions(options)
        let secret: BatchSeal.Secret
        do throws(StorageError) {
            secret = try BatchSeal.secret(ofDatabase: path) ?? BatchSeal.randomSecret()
        } catch {
            // What is not whole yet has no `deinit`.
            Self.close(handle, self.families)
            throw error
        }
        batch = Mutex(WriteBatch(following: logs.lastBatchNumber, secret: secret))
        flushPace = Mutex(FlushPace(now: ContinuousClock.now))
        if !isReadOnly { try beginNumbers(after: logs.lastBatchNumber) }
    }

    /// Numbers batches from beyond those of all processes before, whose logs may be gone but for remains: they numbered
    /// fewer than 2^40 each. And the first record of a process holds nothing that a client has sent.
    private func beginNumbers(after last: UInt64) throws(StorageError) {
        let number = max(last, try self.number(.batchNumber) &+ 1 << 40)
        batch.withLock { $0.number = number }
        try put(.batchNumber, littleEndianBytes(number))
    }

    deinit { Self.close(handle, families) }

    private static func close(_ handle: OpaquePointer, _ families: [OpaquePointer]) {
        for family in families { rocksdb_column_family_handle_destroy(family) }
        rocksdb_close(handle)
    }

    func family(_ family: ColumnFamily) -> OpaquePointer { families[family.rawValue] }

    /// Has RocksDB compact from now on: not while a state is loaded, which takes longer beside.
    package func startCompactions() throws(StorageError) {
        for family in ColumnFamily.allCases where family != .rows {
            try withErrorPointer("compact family \(family.name)") { error in
                withCStrings(["disable_auto_compactions"]) { names in
                    withCStrings(["false"]) { values in
                        rocksdb_set_options_cf(
                            handle, self.family(family), 1, names, values, error)
                    }
                }
            }
        }
    }

    /// A path for a new file that is to be ingested.
    func newStagingFile() -> String {
        let number = stagingFileCount.add(1, ordering: .relaxed).newValue
        return "\(stagingPath)/rows-\(number).sst"
    }
}

// MARK: Commit

extension Database {
    /// One WriteBatch, one sync.
    package func commit(
        journal: NumberedRecord?, outcomes: NumberedRecord?, forgottenUntil: UInt64?
    ) throws(StorageError) {
        try write("a commit group") { (batch: inout WriteBatch) throws(StorageError) in
            if let journal { try batch.put(journal, in: family(.journal)) }
            if let outcomes { try batch.put(outcomes, in: family(.outcomes)) }
            if let forgottenUntil {
                try withUnsafeBytes(of: forgottenUntil.littleEndian) {
                    (value) throws(StorageError) in
                    try batch.put(MetaKey.forgottenUntil.rawValue, value, in: family(.meta))
                }
            }
        }
    }

    private func write(
        _ what: @autoclosure () -> String,
        _ fill: (inout WriteBatch) throws(StorageError) -> Void
    ) throws(StorageError) {
        let byteCount = try batch.withLock { (batch) throws(StorageError) in
            batch.begin()
            try fill(&batch)
            batch.close()
            let handle = batch.handle
            try withErrorPointer("write \(what())") { error in
                rocksdb_write(self.handle, options.syncedWrite, handle, error)
            }
            return batch.byteCount
        }
        let flushLimit = flushPace.withLock {
            $0.limit(afterWriting: byteCount, now: ContinuousClock.now)
        }
        if let flushLimit {
            rocksdb_flush_limiter_set_bytes_per_second(options.flushLimiter, flushLimit)
        }
    }

    /// Stores a fact durably.
    func put(_ key: MetaKey, _ value: [UInt8]) throws(StorageError) {
        try put([(key.rawValue, value)])
    }

    /// Stores facts durably, all or none of them.
    func put(_ facts: [(name: String, value: [UInt8])]) throws(StorageError) {
        try write(facts.map(\.name).joined(separator: ", ")) {
            (batch: inout WriteBatch) throws(StorageError) in
            for (name, value) in facts {
                try value.withUnsafeBufferPointer { (value) throws(StorageError) in
                    try batch.put(name, UnsafeRawBufferPointer(value), in: family(.meta))
                }
            }
        }
    }

    package func get(_ key: MetaKey) throws(StorageError) -> [UInt8]? {
        try get(key.rawValue)
    }

    func get(_ name: String) throws(StorageError) -> [UInt8]? {
        try get(Array(name.utf8), in: .meta)
    }

    func get(_ key: [UInt8], in family: ColumnFamily) throws(StorageError) -> [UInt8]? {
        var byteCount = 0
        let value = try withErrorPointer("read from \(family.name)") { error in
            key.withUnsafeBytes { key in
                rocksdb_get_cf(
                    handle, options.read, self.family(family),
                    key.baseAddress?.assumingMemoryBound(to: CChar.self), key.count, &byteCount,
                    error)
            }
        }
        guard let value else { return nil }
        defer { rocksdb_free(value) }
        return Array(UnsafeRawBufferPointer(start: value, count: byteCount))
    }
}

// MARK: Reading

extension Database {
    /// Calls the body with each key and value of a family, in the order of the keys, from a key on and up to
    /// another one, which is left out.
    func forEach<Failure: Error>(
        in family: ColumnFamily, from start: [UInt8], until end: [UInt8]? = nil,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(Failure)
            -> Void
    ) throws(IterationError<Failure>) {
        let iterator = rocksdb_create_iterator_cf(handle, options.scan, self.family(family))
        defer { rocksdb_iter_destroy(iterator) }
        start.withUnsafeBytes { start in
            rocksdb_iter_seek(
                iterator, start.baseAddress?.assumingMemoryBound(to: CChar.self), start.count)
        }
        while rocksdb_iter_valid(iterator) != 0 {
            var keyByteCount = 0
            var valueByteCount = 0
            let key = rocksdb_iter_key(iterator, &keyByteCount)
            let value = rocksdb_iter_value(iterator, &valueByteCount)
            let keyBytes = UnsafeRawBufferPointer(start: key, count: keyByteCount)
            if let end, !keyBytes.lexicographicallyPrecedes(end) { break }
            do {
                try body(
                    keyBytes, UnsafeRawBufferPointer(start: value, count: valueByteCount))
            } catch {
                throw .body(error)
            }
            rocksdb_iter_next(iterator)
        }
        do {
            try withErrorPointer("read family \(family.name)") { error in
                rocksdb_iter_get_error(iterator, error)
            }
        } catch {
            throw .storage(error)
        }
    }

    /// The key that an iterator is led to; nil if there is none.
    ///
    /// - Parameter read: makes of the key's bytes what they stand for.
    func key<Key>(
        in family: ColumnFamily, _ seek: (OpaquePointer?) -> Void,
        _ read: (UnsafeRawBufferPointer) throws(StorageError) -> Key
    ) throws(StorageError) -> Key? {
        try withIterator(over: family) { (iterator) throws(StorageError) -> Key? in
            seek(iterator)
            try withErrorPointer("read family \(family.name)") {
                rocksdb_iter_get_error(iterator, $0)
            }
            guard rocksdb_iter_valid(iterator) != 0 else { return nil }
            var byteCount = 0
            let bytes = rocksdb_iter_key(iterator, &byteCount)
            return try read(UnsafeRawBufferPointer(start: bytes, count: byteCount))
        }
    }

    /// For a look at a key or two: unlike a scan, it reads no more than their blocks.
    func withIterator<Result, Failure: Error>(
        over family: ColumnFamily, _ body: (OpaquePointer?) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let iterator = rocksdb_create_iterator_cf(handle, options.read, self.family(family))
        defer { rocksdb_iter_destroy(iterator) }
        return try body(iterator)
    }
}

/// Why a scan ended early.
package enum IterationError<Failure: Error>: Error {
    case storage(StorageError)
    case body(Failure)
}

func withBigEndianBytes<Result>(
    _ number: UInt64, _ body: (UnsafeBufferPointer<CChar>) -> Result
) -> Result {
    withUnsafeBytes(of: number.bigEndian) { body($0.assumingMemoryBound(to: CChar.self)) }
}

/// Calls the body with C strings that live until it returns.
private func withCStrings<Result>(
    _ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Result
) -> Result {
    let copies = strings.map { string in
        let copy = UnsafeMutableBufferPointer<CChar>.allocate(capacity: string.utf8.count + 1)
        _ = copy.initialize(from: string.utf8CString)
        return copy
    }
    defer { for copy in copies { copy.deallocate() } }
    return body(copies.map { UnsafePointer($0.baseAddress) })
}
