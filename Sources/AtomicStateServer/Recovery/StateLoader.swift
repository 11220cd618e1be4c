package import AtomicStateEngine
package import AtomicStateStorage

/// Why a data folder can't be served.
package struct RecoveryError: Error, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}

/// The state that a data folder stands for: its rows, and the journal from where they are complete.
package struct LoadedState: ~Copyable {
    package var engine: Engine
    package let rowsCompleteSequence: UInt64
    package let replayedTransactionCount: UInt64
    package let replayedByteCount: Int

    /// - Throws: what is damaged, and where. The folder is not changed.
    package init(_ storage: any Storage, _ schema: SchemaVersion) throws(RecoveryError) {
        var engine = Engine(program: schema.compiled.program, schemaVersion: schema.number)
        let complete = try storage.number(.rowsCompleteSequence)
        try describingFailures("rows") { () throws(IterationError<CorruptionError>) in
            try storage.forEachRow(schemaVersion: schema.number) {
                (key, image) throws(CorruptionError) in
                try engine.load(key: key, image: image)
            }
        }
        engine.resume(after: complete)
        var byteCount = 0
        try describingFailures("journal") { () throws(IterationError<CorruptionError>) in
            try storage.forEachJournalRecord(holding: complete + 1) {
                (firstSequence, bytes) throws(CorruptionError) in
                let header = try JournalRecordHeader(bytes, key: firstSequence)
                guard header.lastSequence > complete else {
                    // The last one that the rows show; it may be of another version of the schema.
                    engine.beginGroup(microseconds: header.microseconds)
                    return
                }
                guard header.schemaVersion == schema.number else {
                    throw CorruptionError(
                        "journal record of schema version \(header.schemaVersion): expected "
                            + "\(schema.number)")
                }
                try engine.replay(try JournalRecord(bytes, forms: engine.forms))
                byteCount += bytes.count
            }
        }
        do throws(CorruptionError) {
            try engine.finishLoading()
        } catch {
            throw RecoveryError("state: \(error)")
        }
        rowsCompleteSequence = complete
        replayedTransactionCount = engine.lastSequence - complete
        replayedByteCount = byteCount
        self.engine = engine
    }
}

extension Storage {
    /// A fact that is a number in eight little-endian bytes; 0 if it was never noted.
    func number(_ key: MetaKey) throws(RecoveryError) -> UInt64 {
        let bytes: [UInt8]?
        do throws(StorageError) {
            bytes = try get(key)
        } catch {
            throw RecoveryError(error.description)
        }
        guard let bytes else { return 0 }
        guard bytes.count == 8 else {
            throw RecoveryError("meta: \(key.rawValue) has \(bytes.count) bytes: expected 8")
        }
        return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// Runs a scan, and turns what it throws into words.
func describingFailures(
    _ what: String, _ scan: () throws(IterationError<CorruptionError>) -> Void
) throws(RecoveryError) {
    do throws(IterationError<CorruptionError>) {
        try scan()
    } catch {
        switch error {
        case .storage(let error): throw RecoveryError("\(what): \(error)")
        case .body(let error): throw RecoveryError("\(what): \(error)")
        }
    }
}
