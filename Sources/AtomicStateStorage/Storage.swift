/// What a server needs of its storage while it runs, and to recover. `Database` is the real one; a simulation
/// has another.
///
/// Whatever changes is durable when the call returns. When one throws, it is unknown whether it took effect,
/// and nothing may be written any more.
package protocol Storage: AnyObject, Sendable {
    /// Makes a commit group durable, as a whole. One at a time.
    ///
    /// - Parameters:
    ///   - journal: the group's journal record, by its first sequence; nil if it changed nothing.
    ///   - outcomes: the group's outcome record, by its number; nil if there is nothing to remember.
    ///   - forgottenUntil: the time to be noted as `MetaKey.forgottenUntil`, if it is another one.
    func commit(
        journal: NumberedRecord?, outcomes: NumberedRecord?, forgottenUntil: UInt64?
    ) throws(StorageError)

    /// Stores blocks of rows, all or none of them, which are not in force by that.
    ///
    /// - Parameter first: the first one's number, the next one behind those that there are.
    /// - Parameter sequence: of the last transaction that any of the rows may show.
    /// - Parameter addAll: calls `add` for each block, of which there is one at least.
    /// - Returns: the next block's number.
    func storeRows(
        from first: UInt64, reaching sequence: UInt64,
        _ addAll: (_ add: AddBlock) throws(StorageError) -> Void
    ) throws(StorageError) -> UInt64

    /// Makes these the rows that stand for the state.
    func enforce(_ rows: RowsInForce) throws(StorageError)

    /// Drops all blocks but these. Does nothing if there are no others.
    func discardRows(outside blocks: Range<UInt64>) throws(StorageError)

    func rowsInForce() throws(StorageError) -> RowsInForce

    /// The sequence that came last with stored rows, in force or not; nil if there are none.
    func rowsReachSequence() throws(StorageError) -> UInt64?

    func get(_ key: MetaKey) throws(StorageError) -> [UInt8]?

    /// Drops old journal records, so that about as many bytes of journal stay.
    ///
    /// - Parameter needed: the record that holds this sequence, and all after it, stay in any case.
    func trimJournal(to byteCount: UInt64, keeping needed: UInt64) throws(StorageError)

    /// Drops outcome records with lesser numbers, as far as that is cheap.
    func dropOutcomes(before number: UInt64) throws(StorageError)

    /// Calls the body with each of the blocks of rows, in order.
    ///
    /// - Throws: that one is missing, too.
    func forEachRowBlock<Failure: Error>(
        in blocks: Range<UInt64>, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(IterationError<Failure>)

    /// Calls the body with each journal record from the one that holds a sequence on: its first
    /// sequence and its bytes.
    func forEachJournalRecord<Failure: Error>(
        holding sequence: UInt64,
        _ body: (_ firstSequence: UInt64, _ record: UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(IterationError<Failure>)

    /// Calls the body with each outcome record, in order: its number and its bytes.
    func forEachOutcomeRecord<Failure: Error>(
        _ body: (_ number: UInt64, _ record: UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(IterationError<Failure>)

    func health() throws(StorageError) -> StorageHealth
}

package typealias AddBlock = (UnsafeRawBufferPointer) throws(StorageError) -> Void

/// A record, and the number that it is kept under.
package struct NumberedRecord {
    package let number: UInt64
    package let bytes: UnsafeRawBufferPointer

    package init(number: UInt64, bytes: UnsafeRawBufferPointer) {
        self.number = number
        self.bytes = bytes
    }
}

extension Database: Storage {}

extension Storage {
    /// A fact that is a number in eight little-endian bytes; 0 if it was never noted.
    package func number(_ key: MetaKey) throws(StorageError) -> UInt64 {
        guard let bytes = try get(key) else { return 0 }
        guard bytes.count == 8 else {
            throw StorageError("meta: \(key.rawValue) has \(bytes.count) bytes: expected 8")
        }
        return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
