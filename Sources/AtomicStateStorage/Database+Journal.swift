internal import CRocksDB

extension Database {
    /// The first sequence that the journal still holds; nil for an empty journal.
    private func firstSequence() throws(StorageError) -> UInt64? {
        try sequence { rocksdb_iter_seek_to_first($0) }
    }

    /// Calls the body with each journal record from the one that holds a sequence on: its first
    /// sequence and its bytes.
    package func forEachJournalRecord<Failure: Error>(
        holding sequence: UInt64,
        _ body: (_ firstSequence: UInt64, _ record: UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(IterationError<Failure>) {
        let start: UInt64
        do throws(StorageError) {
            start = try firstSequence(ofRecordHolding: sequence) ?? sequence
        } catch {
            throw .storage(error)
        }
        try forEach(
            in: .journal, from: withBigEndianBytes(start) { Array(UnsafeRawBufferPointer($0)) }
        ) { (key, value) throws(Failure) in
            try body(Self.number(of: key), value)
        }
    }

    /// Drops old journal files, so that about as many bytes of journal stay. Files are dropped whole,
    /// and only behind level 0; what is not flushed yet does not count.
    package func trimJournal(to byteCount: UInt64, keeping needed: UInt64) throws(StorageError) {
        guard let first = try firstSequence(),
            let kept = try firstSequence(ofRecordHolding: needed), kept > first
        else { return }
        // The least sequence from which on there are no more than the bytes to be kept.
        var low = first
        var high = kept
        while low < high {
            let middle = low + (high - low) / 2
            if try journalByteCount(from: middle) > byteCount {
                low = middle + 1
            } else {
                high = middle
            }
        }
        guard low > first else { return }
        // Files that are being compacted stay, whatever lies behind them.
        let rest = try firstSequence(from: low) ?? low
        try put(.journalTrimmedUntil, littleEndianBytes(rest))
        try dropFiles(of: .journal, before: low)
    }

    /// Drops the files behind level 0 whose keys, which are numbers, are all less.
    func dropFiles(of family: ColumnFamily, before number: UInt64) throws(StorageError) {
        try withErrorPointer("drop \(family.name) before \(number)") { error in
            withBigEndianBytes(0) { start in
                withBigEndianBytes(number - 1) { limit in
                    rocksdb_delete_file_in_range_cf(
                        handle, self.family(family), start.baseAddress, start.count,
                        limit.baseAddress, limit.count, error)
                }
            }
        }
    }

    /// The bytes of the files that hold the journal from a sequence on, as far as RocksDB can tell
    /// without reading them.
    private func journalByteCount(from sequence: UInt64) throws(StorageError) -> UInt64 {
        var byteCount: UInt64 = 0
        try withErrorPointer("measure the journal") { error in
            withBigEndianBytes(sequence) { start in
                withBigEndianBytes(.max) { limit in
                    var starts: UnsafePointer<CChar>? = start.baseAddress
                    var limits: UnsafePointer<CChar>? = limit.baseAddress
                    var startLength = start.count
                    var limitLength = limit.count
                    rocksdb_approximate_sizes_cf(
                        handle, family(.journal), 1, &starts, &startLength, &limits, &limitLength,
                        &byteCount, error)
                }
            }
        }
        return byteCount
    }

    /// The key of the first record that begins with the sequence or behind it.
    private func firstSequence(from sequence: UInt64) throws(StorageError) -> UInt64? {
        try self.sequence { iterator in
            withBigEndianBytes(sequence) { rocksdb_iter_seek(iterator, $0.baseAddress, $0.count) }
        }
    }

    /// The key of the last record that begins with the sequence or before it.
    private func firstSequence(ofRecordHolding sequence: UInt64) throws(StorageError) -> UInt64? {
        try self.sequence { iterator in
            withBigEndianBytes(sequence) {
                rocksdb_iter_seek_for_prev(iterator, $0.baseAddress, $0.count)
            }
        }
    }

    private func sequence(_ seek: (OpaquePointer?) -> Void) throws(StorageError) -> UInt64? {
        try key(in: .journal, seek) { Self.number(of: $0) }
    }

    static func number(of key: UnsafeRawBufferPointer) -> UInt64 {
        key.reduce(0) { $0 << 8 | UInt64($1) }
    }
}
