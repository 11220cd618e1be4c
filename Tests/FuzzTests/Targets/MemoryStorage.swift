import Synchronization

@testable import AtomicStateStorage

/// Keeps journal and outcome records, and nothing else.
final class MemoryStorage: Storage {
    private struct Records {
        var journal: [(number: UInt64, bytes: [UInt8])] = []
        var outcomes: [(number: UInt64, bytes: [UInt8])] = []
    }

    private let records: Mutex<Records>

    /// - Parameter journal: the first record begins with sequence 1.
    init(journal: [(number: UInt64, bytes: [UInt8])]) {
        records = Mutex(Records(journal: journal))
    }

    var journal: [(number: UInt64, bytes: [UInt8])] { records.withLock { $0.journal } }
    var outcomes: [(number: UInt64, bytes: [UInt8])] { records.withLock { $0.outcomes } }

    func commit(
        journal: NumberedRecord?, outcomes: NumberedRecord?, forgottenUntil: UInt64?
    ) throws(StorageError) {
        records.withLock { records in
            if let journal { records.journal.append((journal.number, Array(journal.bytes))) }
            if let outcomes { records.outcomes.append((outcomes.number, Array(outcomes.bytes))) }
        }
    }

    func forEachJournalRecord<Failure: Error>(
        holding sequence: UInt64,
        _ body: (_ firstSequence: UInt64, _ record: UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(IterationError<Failure>) {
        for (number, bytes) in journal {
            do throws(Failure) {
                try bytes.withBytes { (bytes) throws(Failure) in try body(number, bytes) }
            } catch {
                throw .body(error)
            }
        }
    }

    func forEachOutcomeRecord<Failure: Error>(
        _ body: (_ number: UInt64, _ record: UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(IterationError<Failure>) {}

    func forEachRowBlock<Failure: Error>(
        in blocks: Range<UInt64>, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(IterationError<Failure>) {}

    func storeRows(
        from first: UInt64, reaching sequence: UInt64,
        _ addAll: (_ add: AddBlock) throws(StorageError) -> Void
    ) throws(StorageError) -> UInt64 { first }

    func enforce(_ rows: RowsInForce) throws(StorageError) {}

    func discardRows(outside blocks: Range<UInt64>) throws(StorageError) {}

    func rowsInForce() throws(StorageError) -> RowsInForce { .none }

    func rowsReachSequence() throws(StorageError) -> UInt64? { nil }

    func get(_ key: MetaKey) throws(StorageError) -> [UInt8]? { nil }

    func trimJournal(to byteCount: UInt64, keeping needed: UInt64) throws(StorageError) {}

    func dropOutcomes(before number: UInt64) throws(StorageError) {}

    func health() throws(StorageError) -> StorageHealth { StorageHealth() }
}
