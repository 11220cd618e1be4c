internal import AtomicStateSchema

/// Runs ahead of the evaluation, and brings the rows that a run's references name near the processor.
///
/// A look-up waits for the index, then for the row, and then for a text key. This only makes the later
/// look-up fast: what it finds does not depend on it.
struct RowLookahead: ~Copyable {
    /// A type's table below this size stays near by itself.
    private static let tableByteCountMin = 4 << 20

    private struct Reference: BitwiseCopyable {
        let parameter: Int
        let type: Int
        let hasTextKey: Bool
    }

    private var cursor: ArgumentCursor
    private let transactionCount: Int
    private let references: UnsafeBufferPointer<Reference>
    /// Of the keys in the references of the transactions under way.
    private let hashes: UnsafeMutablePointer<UInt64>

    init(
        _ arguments: [ArgumentColumn], transactionCount: Int,
        _ parameters: UnsafeBufferPointer<ParameterSlot>,
        _ stores: UnsafeMutableBufferPointer<RowStore>
    ) {
        cursor = ArgumentCursor(arguments)
        self.transactionCount = transactionCount
        let references = parameters.enumerated().compactMap { index, slot -> Reference? in
            guard case .reference(type: let type) = slot.kind,
                stores[type].byteCount >= Self.tableByteCountMin
            else { return nil }
            return Reference(
                parameter: index, type: type, hasTextKey: stores[type].shape.keyType.isText)
        }
        self.references = UnsafeBufferPointer(copying: references)
        hashes = .allocate(capacity: max(references.count, 1) * Lookahead.placeCount)
    }

    deinit {
        references.deallocate()
        hashes.deallocate()
    }

    /// Asks for what the transactions after the next ones will need.
    ///
    /// - Parameter offset: of the next transaction, a multiple of `Lookahead.step`.
    mutating func advance(to offset: Int, _ stores: UnsafeMutableBufferPointer<RowStore>) {
        guard references.count > 0 else { return }
        for transaction in range(from: offset, stepsAhead: 3) {
            let place = Lookahead.place(of: transaction) &* references.count
            for index in 0..<references.count {
                let reference = references[index]
                let key: Key =
                    reference.hasTextKey
                    ? .text(cursor.text(of: reference.parameter))
                    : .number(cursor.word(of: reference.parameter))
                let hash = stores[reference.type].hash(of: key)
                hashes[place &+ index] = hash
                stores[reference.type].prefetchSlot(of: hash)
            }
            cursor.advance()
        }
        forEachHash(range(from: offset, stepsAhead: 2)) { reference, hash in
            stores[reference.type].prefetchRow(of: hash)
        }
        forEachHash(range(from: offset, stepsAhead: 1)) { reference, hash in
            if reference.hasTextKey { stores[reference.type].prefetchText(of: hash) }
        }
    }

    private func range(from offset: Int, stepsAhead: Int) -> Range<Int> {
        Lookahead.range(from: offset, stepsAhead: stepsAhead, of: transactionCount)
    }

    @inline(__always)
    private func forEachHash(_ transactions: Range<Int>, _ body: (Reference, UInt64) -> Void) {
        for transaction in transactions {
            let place = Lookahead.place(of: transaction) &* references.count
            for index in 0..<references.count { body(references[index], hashes[place &+ index]) }
        }
    }
}
