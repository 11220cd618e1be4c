/// The front of a journal record: what can be read without knowing the schema it was written with.
package struct JournalRecordHeader: Sendable {
    package let schemaVersion: UInt16
    package let firstSequence: UInt64
    package let transactionCount: UInt64
    /// Microseconds since 1970-01-01T00:00:00Z.
    package let microseconds: UInt64
    let runCount: UInt32

    package var lastSequence: UInt64 { firstSequence + transactionCount - 1 }

    /// - Parameter bytes: the whole record.
    /// - Parameter key: the sequence that the record is kept under.
    package init(_ bytes: UnsafeRawBufferPointer, key: UInt64) throws(CorruptionError) {
        var reader = ByteReader(bytes)
        try self.init(&reader)
        guard firstSequence == key, transactionCount > 0,
            transactionCount - 1 <= UInt64.max - firstSequence
        else {
            throw CorruptionError(
                "record under key \(key) of \(transactionCount) transactions from \(firstSequence)")
        }
    }

    /// Leaves the reader at the first run.
    init(_ reader: inout ByteReader) throws(CorruptionError) {
        let version: UInt8 = try reader.read("a journal record's format")
        guard version == JournalFormat.version else {
            throw CorruptionError(
                "journal record of format \(version): expected \(JournalFormat.version)")
        }
        let _: UInt8 = try reader.read("a journal record's header")
        schemaVersion = try reader.read("a journal record's schema version")
        runCount = try reader.read("a journal record's run count")
        firstSequence = try reader.read("a journal record's first sequence")
        transactionCount = try reader.read("a journal record's transaction count")
        microseconds = try reader.read("a journal record's commit time")
    }
}
