import SeededRandom

@testable import AtomicStateStorage

/// Storage in memory, which fails as it is told to. What a call changes is durable when it returns; one
/// that fails took effect or did not, and nothing may be written after it until the next start.
final class SimulatedStorage: Storage, @unchecked Sendable {  // One thread at a time uses it.
    private var generator: SeededGenerator
    /// One write in so many fails; 0 for none.
    var failureOneIn = 0
    var reportedHealth = StorageHealth()
    private var hasFailed = false
    private var journal: [(number: UInt64, bytes: [UInt8])] = []
    private var outcomes: [(number: UInt64, bytes: [UInt8])] = []
    private var rowBlocks: [UInt64: (bytes: [UInt8], reachedSequence: UInt64)] = [:]
    private var rows = RowsInForce.none
    private var facts: [String: [UInt8]] = [:]
    /// After how many blocks of rows reading them fails.
    var readableBlockCount = Int.max
    private(set) var readBlockCount = 0
    private(set) var failureCount = 0
    private(set) var writeCount = 0

    init(seed: UInt64) {
        generator = SeededGenerator(state: seed)
    }

    /// The process that wrote is gone.
    func restart() {
        hasFailed = false
    }

    private func write(_ change: () -> Void) throws(StorageError) {
        precondition(!hasFailed, "nothing is written after a write that failed")
        writeCount += 1
        guard failureOneIn > 0, Int.random(in: 0..<failureOneIn, using: &generator) == 0 else {
            change()
            return
        }
        hasFailed = true
        failureCount += 1
        if Bool.random(using: &generator) { change() }
        throw StorageError("simulated: the device failed")
    }

    // MARK: Writing

    func commit(
        journal record: NumberedRecord?, outcomes outcomeRecord: NumberedRecord?,
        forgottenUntil: UInt64?
    ) throws(StorageError) {
        try write {
            if let record { journal.append((record.number, Array(record.bytes))) }
            if let outcomeRecord {
                outcomes.append((outcomeRecord.number, Array(outcomeRecord.bytes)))
            }
            if let forgottenUntil {
                facts[MetaKey.forgottenUntil.rawValue] = withUnsafeBytes(
                    of: forgottenUntil.littleEndian
                ) { Array($0) }
            }
        }
    }

    func storeRows(
        from first: UInt64, reaching sequence: UInt64,
        _ addAll: (_ add: AddBlock) throws(StorageError) -> Void
    ) throws(StorageError) -> UInt64 {
        var next = first
        var added: [UInt64: (bytes: [UInt8], reachedSequence: UInt64)] = [:]
        try addAll { block in
            added[next] = (Array(block), sequence)
            next += 1
        }
        precondition(next > first, "a file has a block at least")
        precondition(
            rowBlocks.keys.allSatisfy { $0 < first }, "blocks come behind those that are there")
        try write { rowBlocks.merge(added) { $1 } }
        return next
    }

    func enforce(_ rows: RowsInForce) throws(StorageError) {
        try write { self.rows = rows }
    }

    func discardRows(outside blocks: Range<UInt64>) throws(StorageError) {
        guard rowBlocks.keys.contains(where: { !blocks.contains($0) }) else { return }
        try write { rowBlocks = rowBlocks.filter { blocks.contains($0.key) } }
    }

    /// Drops less than it may, as files are dropped whole.
    func trimJournal(to byteCount: UInt64, keeping needed: UInt64) throws(StorageError) {
        let countUpToNeeded = journal.count { $0.number <= needed }
        let count = Int.random(in: 0...max(countUpToNeeded - 1, 0), using: &generator)
        try write { journal.removeFirst(count) }
    }

    func dropOutcomes(before number: UInt64) throws(StorageError) {
        let droppable = outcomes.prefix { $0.number < number }.count
        let count = Int.random(in: 0...droppable, using: &generator)
        try write { outcomes.removeFirst(count) }
    }

    // MARK: Reading

    func get(_ key: MetaKey) throws(StorageError) -> [UInt8]? {
        facts[key.rawValue]
    }

    func rowsInForce() throws(StorageError) -> RowsInForce { rows }

    func rowsReachSequence() throws(StorageError) -> UInt64? {
        rowBlocks.max { $0.key < $1.key }?.value.reachedSequence
    }

    func forEachRowBlock<Failure: Error>(
        in blocks: Range<UInt64>, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(IterationError<Failure>) {
        for number in blocks {
            guard readBlockCount < readableBlockCount, let block = rowBlocks[number] else {
                throw .storage(StorageError("simulated: the device failed"))
            }
            readBlockCount += 1
            try Self.call({ (_, bytes) throws(Failure) in try body(bytes) }, number, block.bytes)
        }
    }

    func forEachJournalRecord<Failure: Error>(
        holding sequence: UInt64,
        _ body: (UInt64, UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(IterationError<Failure>) {
        let first = journal.lastIndex { $0.number <= sequence } ?? journal.startIndex
        for record in journal[first...] { try Self.call(body, record.number, record.bytes) }
    }

    func forEachOutcomeRecord<Failure: Error>(
        _ body: (UInt64, UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(IterationError<Failure>) {
        for record in outcomes { try Self.call(body, record.number, record.bytes) }
    }

    private static func call<Failure: Error>(
        _ body: (UInt64, UnsafeRawBufferPointer) throws(Failure) -> Void, _ number: UInt64,
        _ bytes: [UInt8]
    ) throws(IterationError<Failure>) {
        // Memory of exactly the record's size, as a checker of addresses would want it.
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        defer { copy.deallocate() }
        copy.copyBytes(from: bytes)
        do throws(Failure) {
            try body(number, UnsafeRawBufferPointer(copy))
        } catch {
            throw .body(error)
        }
    }

    func health() throws(StorageError) -> StorageHealth { reportedHealth }
}
