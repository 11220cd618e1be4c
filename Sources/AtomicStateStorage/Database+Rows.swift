internal import CRocksDB

// A key of the rows family:
//
//     0   2   the version of the schema that the row is of, big-endian
//     2       what the engine makes of the entity, see its `RowImage.swift`
//
// Versions begin at 1. Under version 0 stands one key without an entity:
//
//     0 0  ->  a sequence, eight little-endian bytes
//
// No row shows a transaction behind it. Written with every file of rows, it tells when the journal has
// lost its end, because what rows show was durable there first, and when rows have lost theirs, because
// they reach the sequence at least that they are complete up to.
//
// Only the rows of the version in force stand for anything. Those of the next one are written while a
// change of the schema is under way, and those of the one before stay until they are discarded.

extension Database {
    /// Calls the body with the key and the image of each row of a version, in the order of the keys.
    package func forEachRow<Failure: Error>(
        schemaVersion: UInt16,
        _ body: (_ key: UnsafeRawBufferPointer, _ image: UnsafeRawBufferPointer) throws(Failure)
            -> Void
    ) throws(IterationError<Failure>) {
        let prefix = rowKeyPrefix(schemaVersion)
        try forEach(in: .rows, from: prefix, prefix: prefix) {
            (key, image) throws(Failure) in
            try body(UnsafeRawBufferPointer(rebasing: key[prefix.count...]), image)
        }
    }

    /// The sequence that the journal reaches at least, as rows may show what came until then; nil if
    /// rows do not tell.
    package func rowsReachSequence() throws(StorageError) -> UInt64? {
        guard let bytes = try get(rowKeyPrefix(0), in: .rows) else { return nil }
        guard bytes.count == 8 else {
            throw StorageError("rows: the sequence has \(bytes.count) bytes: expected 8")
        }
        return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Removes the rows of all versions but one: what an earlier version left, and what a change of
    /// the schema did not come to use. Does nothing if there are none.
    package func discardRows(exceptOf schemaVersion: UInt16) throws(StorageError) {
        try withIterator(over: .rows) { (iterator) throws(StorageError) in
            rowKeyPrefix(1).withUnsafeBytes { start in
                rocksdb_iter_seek(
                    iterator, start.baseAddress?.assumingMemoryBound(to: CChar.self), start.count)
            }
            if let first = Self.schemaVersion(at: iterator), first < schemaVersion {
                try discardRows(from: rowKeyPrefix(first), to: rowKeyPrefix(schemaVersion))
            }
            rocksdb_iter_seek_to_last(iterator)
            if let last = Self.schemaVersion(at: iterator), last > schemaVersion {
                try discardRows(from: rowKeyPrefix(schemaVersion + 1), to: rowKeyPrefix(.max))
            }
            try withErrorPointer("read family rows") { rocksdb_iter_get_error(iterator, $0) }
        }
    }

    private func discardRows(from start: [UInt8], to end: [UInt8]) throws(StorageError) {
        try withErrorPointer("discard rows") { error in
            withKeys(start, end) { start, end in
                rocksdb_delete_range_cf(
                    handle, options.syncedWrite, family(.rows), start.baseAddress, start.count,
                    end.baseAddress, end.count, error)
            }
        }
        // Their space is given back by and by.
        try withErrorPointer("suggest a compaction of rows") { error in
            withKeys(start, end) { start, end in
                rocksdb_suggest_compact_range_cf(
                    handle, family(.rows), start.baseAddress, start.count, end.baseAddress,
                    end.count, error)
            }
        }
    }

    private func withKeys(
        _ start: [UInt8], _ end: [UInt8],
        _ body: (UnsafeBufferPointer<CChar>, UnsafeBufferPointer<CChar>) -> Void
    ) {
        start.withUnsafeBytes { start in
            end.withUnsafeBytes { end in
                body(
                    start.assumingMemoryBound(to: CChar.self),
                    end.assumingMemoryBound(to: CChar.self))
            }
        }
    }

    private static func schemaVersion(at iterator: OpaquePointer?) -> UInt16? {
        guard rocksdb_iter_valid(iterator) != 0 else { return nil }
        var byteCount = 0
        let key = rocksdb_iter_key(iterator, &byteCount)
        return UnsafeRawBufferPointer(start: key, count: min(byteCount, 2))
            .reduce(0) { $0 << 8 | UInt16($1) }
    }
}

private func rowKeyPrefix(_ schemaVersion: UInt16) -> [UInt8] {
    withUnsafeBytes(of: schemaVersion.bigEndian) { Array($0) }
}

extension Database {
    /// The rows become a file beside the database first, which is then taken in as a whole.
    package func storeRows(
        schemaVersion: UInt16, reaching sequence: UInt64,
        _ addAll: (_ add: AddRow) throws(StorageError) -> Void
    ) throws(StorageError) {
        let file = try RowFile(in: self, schemaVersion: 0)
        try withUnsafeBytes(of: sequence.littleEndian) { (bytes) throws(StorageError) in
            try file.add(key: UnsafeRawBufferPointer(start: nil, count: 0), image: bytes)
        }
        file.continue(withSchemaVersion: schemaVersion)
        try addAll { (key, image) throws(StorageError) in try file.add(key: key, image: image) }
        try file.ingest()
        // RocksDB takes a file whose first block it could not read for one without keys, and says
        // nothing; its rows would then not be seen.
        guard try rowsReachSequence() == sequence else {
            throw StorageError("ingest \(file.path): its rows can't be read in the database")
        }
    }
}

/// A file of row images, written in key order and then taken into the database as a whole.
private final class RowFile {
    private let database: Database
    private let writer: OpaquePointer
    let path: String
    /// The version of the schema, and behind it the key that is being added.
    private var key: [UInt8]
    private let prefixByteCount: Int

    /// - Parameter schemaVersion: of the rows.
    init(in database: Database, schemaVersion: UInt16) throws(StorageError) {
        key = rowKeyPrefix(schemaVersion)
        prefixByteCount = key.count
        let path = database.newStagingFile()
        writer = try Self.openWriter(database, path)
        self.database = database
        self.path = path
    }

    private static func openWriter(
        _ database: Database, _ path: String
    ) throws(StorageError) -> OpaquePointer {
        let options = database.ingestion
        guard let writer = rocksdb_sstfilewriter_create(options.environment, options.file) else {
            throw StorageError("create \(path): RocksDB gave no writer")
        }
        do throws(StorageError) {
            try withErrorPointer("create \(path)") { rocksdb_sstfilewriter_open(writer, path, $0) }
        } catch {
            rocksdb_sstfilewriter_destroy(writer)
            throw error
        }
        return writer
    }

    deinit { rocksdb_sstfilewriter_destroy(writer) }

    /// What is added from now on are rows of this version, a greater one than before.
    func `continue`(withSchemaVersion schemaVersion: UInt16) {
        key = rowKeyPrefix(schemaVersion)
    }

    /// Adds an image, or the removal of one. Keys ascend strictly.
    func add(
        key: UnsafeRawBufferPointer, image: UnsafeRawBufferPointer?
    ) throws(StorageError) {
        self.key.removeLast(self.key.count - prefixByteCount)
        self.key.append(contentsOf: key)
        try withErrorPointer("write \(path)") { error in
            self.key.withUnsafeBytes { key in
                let keyBytes = key.baseAddress?.assumingMemoryBound(to: CChar.self)
                guard let image else {
                    rocksdb_sstfilewriter_delete(writer, keyBytes, key.count, error)
                    return
                }
                rocksdb_sstfilewriter_put(
                    writer, keyBytes, key.count,
                    image.baseAddress?.assumingMemoryBound(to: CChar.self), image.count, error)
            }
        }
    }

    /// Makes the file part of the rows family, durably.
    func ingest() throws(StorageError) {
        try withErrorPointer("finish \(path)") { rocksdb_sstfilewriter_finish(writer, $0) }
        try withErrorPointer("ingest \(path)") { error in
            path.withCString { path in
                var list: UnsafePointer<CChar>? = path
                rocksdb_ingest_external_file_cf(
                    database.handle, database.family(.rows), &list, 1, database.ingestion.ingest,
                    error)
            }
        }
    }
}
