internal import AtomicStateValues

// The outcome record: what is remembered of the keyed transactions and named batches of one commit group,
// as one value of RocksDB's outcomes family, whose key is the group's number as eight big-endian bytes.
// All numbers are little-endian.
//
// Record:
//
//     0   1   format, `OutcomeFormat.version`
//     1   3   0
//     4   4   how many batches follow
//     8       the batches
//
// Batch:
//
//     0   1   1 if the batch has a name, 2 if a reply is kept, 3 if both
//     1   4   how many keys of accepted transactions follow
//     5   4   how many keys of rejected transactions follow
//     9       the name: the producer, the number and the time in eight bytes each, the content in four,
//             and in eight the first sequence if every transaction was accepted, 0 otherwise
//             the reply: its length in four bytes, and a SubmitReply of Protos/atomic_state.proto
//             the accepted keys' columns: their first eight bytes, their last eight bytes, the contents,
//             and the sequences
//             the rejected keys' columns: as above, with the places in the batch for the sequences
//
// Columns are those of `PackedColumn.swift`; where there are no values, there are none. A key's last eight
// bytes and a sequence are written less the value's place in the column: mostly they ascend one by one,
// and then take no room. A content is a hash, see `ContentHash`.

enum OutcomeFormat {
    static let version: UInt8 = 1
    static let hasName: UInt8 = 1
    static let hasReply: UInt8 = 2
    static let headerByteCount = 8
}

/// Builds the outcome record of a commit group.
package struct OutcomeEncoder: ~Copyable {
    private var record = ByteBuffer()
    private var batchCount: UInt32 = 0
    private var accepted = Columns()
    private var rejected = Columns()

    /// Not private: modules that have the encoder's end inlined refer to it.
    struct Columns: ~Copyable {
        private var highs = WordList()
        private var lows = WordList()
        private var contents = WordList()
        /// Sequences or places.
        private var outcomes = WordList()

        var count: Int { outcomes.count }

        mutating func removeAll() {
            highs.removeAll()
            lows.removeAll()
            contents.removeAll()
            outcomes.removeAll()
        }

        /// - Parameter firstOutcome: of the range's first transaction; those of the others ascend.
        mutating func append(
            _ keyed: KeyedTransactions, _ range: Range<Int>, firstOutcome: UInt64
        ) {
            let place = count
            let first = range.lowerBound
            highs.append(count: range.count) { keyed.high(first + $0) }
            lows.append(count: range.count) { keyed.low(first + $0) &- UInt64(place + $0) }
            contents.append(count: range.count) { UInt64(keyed.content(first + $0)) }
            outcomes.append(count: range.count) { _ in firstOutcome &- UInt64(place) }
        }

        func append(to record: inout ByteBuffer) {
            guard count > 0 else { return }
            highs.withWords { record.appendPacked($0) }
            lows.withWords { record.appendPacked($0) }
            contents.withWords { record.appendPacked($0) }
            outcomes.withWords { record.appendPacked($0) }
        }
    }

    package init() { removeAll() }

    /// Whether nothing was added.
    package var isEmpty: Bool { batchCount == 0 }

    package mutating func removeAll() {
        batchCount = 0
        record.removeAll()
        record.appendZeros(OutcomeFormat.headerByteCount)
    }

    /// Adds a batch, whose reply is complete and whose request is still in memory.
    package mutating func append(_ outcome: BatchOutcome) {
        guard let identity = outcome.identity else { return }
        batchCount += 1
        collectKeys(of: outcome, identity)
        record.append(
            (identity.name == nil ? 0 : OutcomeFormat.hasName)
                | (identity.reply == nil ? 0 : OutcomeFormat.hasReply))
        record.append(UInt32(accepted.count))
        record.append(UInt32(rejected.count))
        if let name = identity.name {
            record.append(name.producer)
            record.append(name.number)
            record.append(name.sentMilliseconds)
            record.append(identity.content)
            record.append(identity.reply == nil ? outcome.firstSequence : 0)
        }
        if let reply = identity.reply {
            record.append(UInt32(reply.bytes.count))
            reply.bytes.withUnsafeBytes { record.append($0) }
        }
        accepted.append(to: &record)
        rejected.append(to: &record)
    }

    /// The finished record.
    package mutating func withRecord<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let batchCount = batchCount
        record.withMutableBytes { bytes in
            bytes.storeBytes(of: OutcomeFormat.version, toByteOffset: 0, as: UInt8.self)
            bytes.storeBytes(of: batchCount.littleEndian, toByteOffset: 4, as: UInt32.self)
        }
        return try record.withBytes(body)
    }

    /// The keys whose outcome was decided in the batch.
    private mutating func collectKeys(of outcome: BatchOutcome, _ identity: BatchIdentity) {
        accepted.removeAll()
        rejected.removeAll()
        collectRejected(outcome.rejections, identity.runs)
        if !identity.isAtomic || outcome.acceptedCount > 0 {
            collectAccepted(outcome, identity.runs)
        }
    }

    private mutating func collectRejected(_ rejections: [RejectionRecord], _ runs: [PreparedRun]) {
        var indices = rejections.filter(\.isDecided).map(\.index)[...]
        for run in runs {
            while let start = indices.first, start < run.indices.upperBound {
                // Those that follow one another in the run are added together.
                var end = start
                while indices.first == end, end < run.indices.upperBound {
                    end += 1
                    indices.removeFirst()
                }
                guard let keyed = run.keyed else { continue }
                let first = run.indices.lowerBound
                rejected.append(
                    keyed, (start - first)..<(end - first), firstOutcome: UInt64(start))
            }
        }
    }

    private mutating func collectAccepted(_ outcome: BatchOutcome, _ runs: [PreparedRun]) {
        // All others were accepted, with ascending sequences.
        let exceptions =
            (outcome.rejections.map(\.index) + outcome.duplicates.map(\.index)
            + outcome.repeatedRejections.map(\.index)).sorted()
        var exceptionCount = 0
        for run in runs {
            guard let keyed = run.keyed else { continue }
            var next = run.indices.lowerBound
            while next < run.indices.upperBound {
                while exceptionCount < exceptions.count, exceptions[exceptionCount] < next {
                    exceptionCount += 1
                }
                let exception =
                    exceptionCount < exceptions.count ? exceptions[exceptionCount] : Int.max
                let end = min(exception, run.indices.upperBound)
                let first = run.indices.lowerBound
                accepted.append(
                    keyed, (next - first)..<(end - first),
                    firstOutcome: outcome.firstSequence + UInt64(next - exceptionCount))
                next = end + 1
            }
        }
    }
}

extension OutcomeMemory {
    /// Remembers what a record of an earlier time holds. The records have to come in order.
    ///
    /// - Parameters:
    ///   - group: the number that the record is kept under.
    ///   - replyWeight: see `weight(ofReplyWithRejections:duplicates:)`; throws for a reply that can't be read.
    package mutating func load(
        _ bytes: UnsafeRawBufferPointer, group: UInt64,
        replyWeight: (UnsafeRawBufferPointer) throws(CorruptionError) -> Int
    ) throws(CorruptionError) {
        self.group = group
        var reader = ByteReader(bytes)
        let version: UInt8 = try reader.read("an outcome record's format")
        guard version == OutcomeFormat.version else {
            throw CorruptionError(
                "outcome record of format \(version): expected \(OutcomeFormat.version)")
        }
        _ = try reader.readBytes(3, "an outcome record's header")
        let batchCount: UInt32 = try reader.read("an outcome record's batch count")
        for _ in 0..<batchCount { try loadBatch(&reader, replyWeight) }
        guard reader.isAtEnd else {
            throw CorruptionError("bytes after the last batch of an outcome record")
        }
    }

    private mutating func loadBatch(
        _ reader: inout ByteReader,
        _ replyWeight: (UnsafeRawBufferPointer) throws(CorruptionError) -> Int
    ) throws(CorruptionError) {
        let flags: UInt8 = try reader.read("a batch's flags")
        guard flags & ~(OutcomeFormat.hasName | OutcomeFormat.hasReply) == 0 else {
            throw CorruptionError("batch with flags \(flags): expected 0 to 3")
        }
        let acceptedCount = Int(
            try reader.read("how many keys of accepted ones there are") as UInt32)
        let rejectedCount = Int(
            try reader.read("how many keys of rejected ones there are") as UInt32)
        let count = acceptedCount + rejectedCount + 1
        guard count <= capacity / 8 else {
            throw CorruptionError(
                "\(count - 1) keys of one batch: expected at most \(capacity / 8)")
        }
        makeRoom(for: count)
        let number = nextReplyNumber
        if flags & OutcomeFormat.hasName != 0 {
            let producer: UInt64 = try reader.read("a batch's producer")
            let batch: UInt64 = try reader.read("a batch's number")
            let milliseconds: UInt64 = try reader.read("a batch's time")
            let content: UInt32 = try reader.read("a batch's content")
            let sequence: UInt64 = try reader.read("a batch's first sequence")
            guard sequence <= KnownOutcome.sequenceMax else {
                throw CorruptionError("a batch's first sequence is \(sequence)")
            }
            loadedSequenceMax = max(loadedSequenceMax, sequence)
            remember(
                loaded: BatchName(
                    producer: producer, number: batch, sentMilliseconds: milliseconds),
                content: content,
                flags & OutcomeFormat.hasReply == 0
                    ? .accepted(sequence) : .told(inReply: number, index: 0))
        }
        if flags & OutcomeFormat.hasReply != 0 {
            let byteCount: UInt32 = try reader.read("a reply's length")
            let bytes = try reader.readBytes(Int(byteCount), "a reply")
            remember(RememberedReply(bytes: Array(bytes)), weight: try replyWeight(bytes))
        }
        guard rejectedCount == 0 || flags & OutcomeFormat.hasReply != 0 else {
            throw CorruptionError("keys of rejected transactions without the reply that tells why")
        }
        var sequenceMax = loadedSequenceMax
        try loadKeys(acceptedCount, &reader, atMost: KnownOutcome.sequenceMax) {
            sequenceMax = max(sequenceMax, $0)
            return .accepted($0)
        }
        loadedSequenceMax = sequenceMax
        try loadKeys(rejectedCount, &reader, atMost: KnownOutcome.indexMax) {
            .told(inReply: number, index: Int($0))
        }
    }

    private mutating func loadKeys(
        _ count: Int, _ reader: inout ByteReader, atMost greatest: UInt64,
        _ outcome: (UInt64) -> KnownOutcome
    ) throws(CorruptionError) {
        guard count > 0 else { return }
        let highs = try reader.readPacked(count: count)
        let lows = try reader.readPacked(count: count)
        let contents = try reader.readPacked(count: count)
        let values = try reader.readPacked(count: count)
        for index in 0..<count {
            let place = UInt64(index)
            let value = values[index] &+ place
            guard value <= greatest else {
                throw CorruptionError("sequence or place \(value): expected at most \(greatest)")
            }
            try add(
                high: highs[index], low: lows[index] &+ place,
                milliseconds: IdempotencyKey.milliseconds(high: highs[index]),
                content: UInt32(truncatingIfNeeded: contents[index]),
                outcome(value))
        }
    }

    private mutating func add(
        high: UInt64, low: UInt64, milliseconds: UInt64, content: UInt32, _ outcome: KnownOutcome
    ) throws(CorruptionError) {
        guard
            remember(
                high: high, low: low, milliseconds: milliseconds, content: content, outcome)
        else { throw CorruptionError("outcome record with a key that was there before") }
    }
}
