package import AtomicStateEngine
package import AtomicStateSchema
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
    package init(_ database: Database, _ compiled: CompiledSchema) throws(RecoveryError) {
        var engine = Engine(program: compiled.program, schemaVersion: 1)
        let complete = try Self.rowsCompleteSequence(database)
        try describingFailures("rows") { () throws(IterationError<CorruptionError>) in
            try database.forEach(in: .rows) { (key, image) throws(CorruptionError) in
                try engine.load(key: key, image: image)
            }
        }
        engine.resume(after: complete)
        var byteCount = 0
        try describingFailures("journal") { () throws(IterationError<CorruptionError>) in
            try database.forEachJournalRecord(holding: complete + 1) {
                (firstSequence, bytes) throws(CorruptionError) in
                let record = try JournalRecord(bytes, forms: engine.forms)
                try record.check(firstSequence: firstSequence)
                guard record.lastSequence > complete else { return }
                try engine.replay(record)
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

    private static func rowsCompleteSequence(
        _ database: Database
    ) throws(RecoveryError) -> UInt64 {
        let bytes: [UInt8]?
        do throws(StorageError) {
            bytes = try database.get(.rowsCompleteSequence)
        } catch {
            throw RecoveryError(error.description)
        }
        guard let bytes else { return 0 }
        guard bytes.count == 8 else {
            throw RecoveryError(
                "meta: \(MetaKey.rowsCompleteSequence.rawValue) has \(bytes.count) bytes: expected 8"
            )
        }
        return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}

extension JournalRecord {
    var lastSequence: UInt64 { firstSequence + transactionCount - 1 }

    /// The key in the journal says the same as the record.
    func check(firstSequence key: UInt64) throws(CorruptionError) {
        guard firstSequence == key, transactionCount > 0 else {
            throw CorruptionError(
                "record under key \(key) of \(transactionCount) transactions from \(firstSequence)")
        }
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
