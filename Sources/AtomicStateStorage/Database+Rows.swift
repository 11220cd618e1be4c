internal import CRocksDB

/// A file of row images, written in key order and then taken into the database as a whole.
package struct RowFile: ~Copyable {
    private let database: Database
    private let writer: OpaquePointer
    private let path: String
    package private(set) var entryCount = 0

    /// - Parameter number: tells apart the files of one process.
    package init(in database: Database, number: UInt64) throws(StorageError) {
        let path = database.stagingFile(number)
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

    /// Adds an image, or the removal of one. Keys ascend strictly.
    package mutating func add(
        key: UnsafeRawBufferPointer, image: UnsafeRawBufferPointer?
    ) throws(StorageError) {
        let keyBytes = key.baseAddress?.assumingMemoryBound(to: CChar.self)
        try withErrorPointer("write \(path)") { error in
            guard let image else {
                rocksdb_sstfilewriter_delete(writer, keyBytes, key.count, error)
                return
            }
            rocksdb_sstfilewriter_put(
                writer, keyBytes, key.count,
                image.baseAddress?.assumingMemoryBound(to: CChar.self), image.count, error)
        }
        entryCount += 1
    }

    /// Makes the file part of the rows family, durably.
    package consuming func ingest() throws(StorageError) {
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
