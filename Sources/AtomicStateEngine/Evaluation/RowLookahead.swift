internal import AtomicStateSchema

/// Runs ahead of the evaluation, and brings the rows that a run's references name near the processor.
///
/// A look-up in a large table waits for memory three times in a row: for the index, for the row, and
/// for a text key. One after the other these waits are most of a transaction's time; asked for in
/// turn for many transactions at once, they overlap. This only makes the later look-up fast: what it
/// finds does not depend on it.
struct RowLookahead: ~Copyable {
    /// The transactions whose rows are asked for together: enough for the waits to overlap, few enough
    /// for the rows to be still near when they are used.
    static let transactionCount = 32
    /// A type's table below this size stays near by itself.
    private static let tableByteCountMin = 4 << 20

    private struct Reference: BitwiseCopyable {
        let parameter: Int
        let type: Int
        let hasTextKey: Bool
    }

    private var cursor: ArgumentCursor
    private let references: UnsafeBufferPointer<Reference>
    private let hashes: UnsafeMutablePointer<UInt64>

    init(
        _ arguments: [ArgumentColumn], _ parameters: UnsafeBufferPointer<ParameterSlot>,
        _ stores: UnsafeMutableBufferPointer<RowStore>
    ) {
        cursor = ArgumentCursor(arguments)
        let references = parameters.enumerated().compactMap { index, slot -> Reference? in
            guard case .reference(type: let type) = slot.kind,
                stores[type].byteCount >= Self.tableByteCountMin
            else { return nil }
            return Reference(
                parameter: index, type: type, hasTextKey: stores[type].shape.keyType.isText)
        }
        self.references = UnsafeBufferPointer(copying: references)
        hashes = .allocate(capacity: max(references.count, 1) * Self.transactionCount)
    }

    deinit {
        references.deallocate()
        hashes.deallocate()
    }

    /// Asks for the rows of the next transactions, at most `transactionCount`.
    mutating func fetch(_ count: Int, _ stores: UnsafeMutableBufferPointer<RowStore>) {
        guard references.count > 0 else { return }
        var place = 0
        for _ in 0..<count {
            for index in 0..<references.count {
                let reference = references[index]
                let key: Key =
                    reference.hasTextKey
                    ? .text(cursor.text(of: reference.parameter))
                    : .number(cursor.word(of: reference.parameter))
                hashes[place] = key.hash
                stores[reference.type].prefetchSlot(of: hashes[place])
                place &+= 1
            }
            cursor.advance()
        }
        forEachHash(count) { reference, hash in stores[reference.type].prefetchRow(of: hash) }
        forEachHash(count) { reference, hash in
            if reference.hasTextKey { stores[reference.type].prefetchText(of: hash) }
        }
    }

    @inline(__always)
    private func forEachHash(_ count: Int, _ body: (Reference, UInt64) -> Void) {
        var place = 0
        for _ in 0..<count {
            for index in 0..<references.count {
                body(references[index], hashes[place])
                place &+= 1
            }
        }
    }
}
