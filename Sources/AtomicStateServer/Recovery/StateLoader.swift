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
    package let rows: RowsInForce
    package let rowVolume: RowVolume
    package let replayedTransactionCount: UInt64
    package let replayedByteCount: Int

    /// - Throws: what is damaged, and where. The folder is not changed.
    package init(_ storage: any Storage, _ schema: SchemaVersion) throws(RecoveryError) {
        var engine = Engine(program: schema.compiled.program, schemaVersion: schema.number)
        let rows = try describingFailures { () throws(StorageError) in
            try storage.rowsInForce()
        }
        let complete = rows.completeSequence
        var rowVolume = RowVolume()
        try describingFailures("rows") { () throws(IterationError<CorruptionError>) in
            try RowReader.forEachBlock(in: storage, rows.blocks) {
                (block) throws(CorruptionError) in
                rowVolume.add(block: block, imageCount: try engine.load(block))
            }
        }
        engine.resume(after: complete)
        var byteCount = 0
        var journalEnd: UInt64 = 0
        try describingFailures("journal") { () throws(IterationError<CorruptionError>) in
            try storage.forEachJournalRecord(holding: complete + 1) {
                (firstSequence, bytes) throws(CorruptionError) in
                let header = try JournalRecordHeader(bytes, key: firstSequence)
                journalEnd = header.lastSequence
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
        guard journalEnd >= complete else {
            throw RecoveryError(
                "journal: it ends at sequence \(journalEnd), and rows are complete up to "
                    + "\(complete): its end is gone")
        }
        try Self.checkEnd(of: engine, storage)
        do throws(CorruptionError) {
            try engine.finishLoading()
        } catch {
            throw RecoveryError("state: \(error)")
        }
        self.rows = rows
        self.rowVolume = rowVolume
        replayedTransactionCount = engine.lastSequence - complete
        replayedByteCount = byteCount
        self.engine = engine
    }

    /// The journal may not lack its end: rows may show transactions that would then be made anew.
    private static func checkEnd(
        of engine: borrowing Engine, _ storage: any Storage
    ) throws(RecoveryError) {
        let reached: UInt64?
        do throws(StorageError) {
            reached = try storage.rowsReachSequence()
        } catch {
            throw RecoveryError("rows: \(error)")
        }
        guard let reached, reached > engine.lastSequence else { return }
        throw RecoveryError(
            "journal: it ends at sequence \(engine.lastSequence), and rows show transactions up "
                + "to \(reached): its end is gone")
    }
}

/// Reads, and turns what that throws into words.
func describingFailures<Value>(
    _ read: () throws(StorageError) -> Value
) throws(RecoveryError) -> Value {
    do throws(StorageError) {
        return try read()
    } catch {
        throw RecoveryError(error.description)
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
