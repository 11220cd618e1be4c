internal import CRocksDB

// The rows family holds blocks of rows, numbered without gaps. Later blocks have later images, of all entities or
// of some. A key:
//
//     0   8   the block's number, big-endian
//     8   8   a sequence, big-endian: no row of this block or one before shows a transaction behind it
//
// The value is what the engine makes of the rows, see its `RowBlocks.swift`.
//
// Which blocks stand for the state is a fact in the meta family, `RowsInForce`; others are there only for a
// while: those of a round that is not over, and those before a round that wrote all entities. Each file of the
// family has blocks that came and will go together, and none overlaps another. So they all lie in the last
// level, there is nothing to compact, and files are dropped whole.
//
// The sequences tell when the journal has lost its end, because what rows show was durable there first.

/// The blocks of rows that stand for the state: in order, each entity's last image.
package struct RowsInForce: Equatable, Sendable {
    package let blocks: Range<UInt64>
    /// Their images are of this sequence or of later ones: the journal behind it leads all to the same state.
    package let completeSequence: UInt64

    /// No rows, and all of the journal.
    package static let none = RowsInForce(blocks: 0..<0, completeSequence: 0)

    package init(blocks: Range<UInt64>, completeSequence: UInt64) {
        self.blocks = blocks
        self.completeSequence = completeSequence
    }

    /// The first block's number, the one behind the last block's, and the sequence: eight little-endian bytes each.
    init(_ bytes: [UInt8]) throws(StorageError) {
        let numbers = bytes.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count & ~7, by: 8).map {
                UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt64.self))
            }
        }
        guard bytes.count == 24, numbers[0] <= numbers[1] else {
            throw StorageError(
                "meta: \(MetaKey.rows.rawValue) is \(bytes): expected a range of blocks and a sequence"
            )
        }
        self.init(blocks: numbers[0]..<numbers[1], completeSequence: numbers[2])
    }

    var bytes: [UInt8] {
        [blocks.lowerBound, blocks.upperBound, completeSequence].flatMap(littleEndianBytes)
    }
}

// MARK: Reading

extension Database {
    package func rowsInForce() throws(StorageError) -> RowsInForce {
        guard let bytes = try get(.rows) else { return .none }
        return try RowsInForce(bytes)
    }

    /// Calls the body with each of the blocks, in order.
    package func forEachRowBlock<Failure: Error>(
        in blocks: Range<UInt64>, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(IterationError<Failure>) {
        var expected = blocks.lowerBound
        try forEach(
            in: .rows, from: RowKey(block: blocks.lowerBound).bytes,
            until: RowKey(block: blocks.upperBound).bytes
        ) { (key, block) throws(Failure) in
            // Behind a gap none is.
            guard RowKey(key)?.block == expected else { return }
            try body(block)
            expected += 1
        }
        guard expected == blocks.upperBound else {
            throw .storage(
                StorageError(
                    "block \(expected) is missing: expected \(blocks), the last one left out"))
        }
    }

    /// The sequence that the journal reaches at least, as rows may show what came until then; nil if there are
    /// none.
    package func rowsReachSequence() throws(StorageError) -> UInt64? {
        try lastRowKey()?.reachedSequence
    }

    private func lastRowKey() throws(StorageError) -> RowKey? {
        try rowKey { rocksdb_iter_seek_to_last($0) }
    }

    /// Of the block with this number, or the next one that is there.
    private func rowKey(from block: UInt64) throws(StorageError) -> RowKey? {
        try rowKey { iterator in
            RowKey(block: block).bytes.withUnsafeBytes { key in
                rocksdb_iter_seek(
                    iterator, key.baseAddress?.assumingMemoryBound(to: CChar.self), key.count)
            }
        }
    }

    private func rowKey(_ seek: (OpaquePointer?) -> Void) throws(StorageError) -> RowKey? {
        try key(in: .rows, seek) { (bytes) throws(StorageError) in
            guard let key = RowKey(bytes) else {
                throw StorageError(
                    "rows: a key of \(bytes.count) bytes: expected \(RowKey.byteCount)")
            }
            return key
        }
    }
}

private struct RowKey: Equatable {
    static let byteCount = 16

    let block: UInt64
    let reachedSequence: UInt64

    init(block: UInt64, reachedSequence: UInt64 = 0) {
        self.block = block
        self.reachedSequence = reachedSequence
    }

    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.byteCount else { return nil }
        block = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
        reachedSequence = UInt64(
            bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    var bytes: [UInt8] {
        withUnsafeBytes(of: (block.bigEndian, reachedSequence.bigEndian)) { Array($0) }
    }
}

// MARK: Writing

extension Database {
    /// The blocks become a file beside the database first, which is then taken in as a whole.
    package func storeRows(
        from first: UInt64, reaching sequence: UInt64,
        _ addAll: (_ add: AddBlock) throws(StorageError) -> Void
    ) throws(StorageError) -> UInt64 {
        var next = first
        let file = try RowFile(in: self)
        try addAll { (block) throws(StorageError) in
            try file.add(RowKey(block: next, reachedSequence: sequence), block)
            next += 1
        }
        try file.ingest()
        // RocksDB takes a file whose first block it could not read for one without keys, and says
        // nothing; its rows would then not be found.
        for block in [first, next - 1] {
            guard try rowKey(from: block) == RowKey(block: block, reachedSequence: sequence) else {
                throw StorageError(
                    "ingest \(file.path): block \(block) can't be read in the database")
            }
        }
        return next
    }

    package func enforce(_ rows: RowsInForce) throws(StorageError) {
        try put(.rows, rows.bytes)
    }

    package func discardRows(outside blocks: Range<UInt64>) throws(StorageError) {
        // The files up to a key that no row has, before the first one. A file that RocksDB took for one without
        // keys is there, too.
        try discardRowFiles(from: nil, to: RowKey(block: blocks.lowerBound).bytes.dropLast())
        try discardRowFiles(from: RowKey(block: blocks.upperBound).bytes, to: nil)
        // Their numbers come again.
        if let last = try lastRowKey(), last.block >= blocks.upperBound {
            throw StorageError(
                "rows: block \(last.block), which is not in force, can't be removed without those before"
            )
        }
    }

    /// Removes the files that have only keys from one to another.
    ///
    /// - Parameter first: nil for the beginning.
    /// - Parameter last: nil for the end.
    private func discardRowFiles(from first: [UInt8]?, to last: [UInt8]?) throws(StorageError) {
        try withErrorPointer("discard rows") { error in
            withKey(first) { first, firstByteCount in
                withKey(last) { last, lastByteCount in
                    rocksdb_delete_file_in_range_cf(
                        handle, family(.rows), first, firstByteCount, last, lastByteCount, error)
                }
            }
        }
    }

    private func withKey(_ key: [UInt8]?, _ body: (UnsafePointer<CChar>?, Int) -> Void) {
        guard let key else { return body(nil, 0) }
        key.withUnsafeBytes {
            body($0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count)
        }
    }
}

/// A file of blocks of rows, written and then taken into the database as a whole.
private final class RowFile {
    private let database: Database
    private let writer: OpaquePointer
    let path: String

    init(in database: Database) throws(StorageError) {
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

    /// Keys ascend strictly.
    func add(_ key: RowKey, _ block: UnsafeRawBufferPointer) throws(StorageError) {
        try withErrorPointer("write \(path)") { error in
            key.bytes.withUnsafeBytes { key in
                rocksdb_sstfilewriter_put(
                    writer, key.baseAddress?.assumingMemoryBound(to: CChar.self), key.count,
                    block.baseAddress?.assumingMemoryBound(to: CChar.self), block.count, error)
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
