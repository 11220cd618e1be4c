internal import AtomicStateSchema
internal import CPlatform

/// Runs ahead of the evaluation, looks up the rows that a run's references name, and brings them near the
/// processor.
///
/// A look-up waits for the index, then for the row, and then for a text key. What it finds may have changed
/// when its transaction's turn comes: whoever uses it has to check.
struct RowLookahead: ~Copyable {
    private let transactionCount: Int
    /// Set once; a variable for the reason that `Engine.stores` is one.
    private var references: UnsafeMutableBufferPointer<LookedUpReference>
    /// For each reference, `Lookahead.rows.placeCount` words: of each transaction under way, first the key's
    /// hash, and then the address of the row that is likely to have the key, or 0.
    private let words: UnsafeMutablePointer<UInt64>

    /// - Parameter memory: that of the run's routine, for which there is no other look-ahead under way.
    init(_ arguments: [ArgumentColumn], transactionCount: Int, in memory: RowLookaheadMemory) {
        self.transactionCount = transactionCount
        references = memory.references
        words = memory.words
        for index in references.indices {
            let column = arguments[references[index].parameter]
            references[index].keys = ArgumentColumn.Keys(ArgumentSource(column))
        }
    }

    /// Looks up what the next transactions refer to, and asks for what the ones after them will need.
    ///
    /// - Parameter offset: of the next transaction, a multiple of `Lookahead.rows.step`.
    mutating func advance(to offset: Int, _ stores: UnsafeMutableBufferPointer<RowStore>) {
        let hashed = range(from: offset, stepsAhead: 3)
        let found = range(from: offset, stepsAhead: 2)
        let compared = range(from: offset, stepsAhead: 1)
        for index in references.indices {
            let type = references[index].type
            let words = words + index &* Lookahead.rows.placeCount
            // Another thread's processor may have the column still.
            references[index].keys.prefetchNumber(of: hashed.upperBound &+ Lookahead.rows.step)
            for transaction in hashed {
                let hash = stores[type].hash(of: references[index].keys.next(transaction))
                words[Lookahead.rows.place(of: transaction)] = hash
                stores[type].prefetchSlot(of: hash)
            }
            for transaction in found {
                let place = Lookahead.rows.place(of: transaction)
                let row = stores[type].likelyRow(of: words[place])
                words[place] = UInt64(UInt(bitPattern: row))
                if let row { prefetch(row) }
            }
            guard references[index].keys.areText else { continue }
            for transaction in compared {
                prefetchText(ofRowAt: words[Lookahead.rows.place(of: transaction)])
            }
        }
    }

    /// Of each reference of one of the next transactions, `Lookahead.rows.placeCount` words apart: the
    /// address of the row that is likely to be meant, or 0. It was an entity of the reference's type a while
    /// ago.
    @inline(__always)
    func likelyRows(of transaction: Int) -> UnsafePointer<UInt64> {
        UnsafePointer(words + Lookahead.rows.place(of: transaction))
    }

    private func range(from offset: Int, stepsAhead: Int) -> Range<Int> {
        Lookahead.rows.range(from: offset, stepsAhead: stepsAhead, of: transactionCount)
    }

    @inline(__always)
    private func prefetchText(ofRowAt address: UInt64) {
        guard address != 0 else { return }
        // SAFETY: the text of a key, and what a row that is gone has in its place, stays mapped.
        let text = UnsafeRawPointer(bitPattern: UInt(rowAt(address)[RowLayout.keyOffset]))
        if let text { prefetch(text) }
    }
}

/// What the look-aheads of a routine's runs use, one after the other.
struct RowLookaheadMemory: BitwiseCopyable {
    fileprivate let references: UnsafeMutableBufferPointer<LookedUpReference>
    fileprivate let words: UnsafeMutablePointer<UInt64>

    init(_ parameters: [ParameterSlot]) {
        let references = parameters.enumerated().compactMap { index, slot in
            switch slot.kind {
            case .reference(let type): LookedUpReference(parameter: index, type: type)
            default: nil
            }
        }
        self.references = .allocate(capacity: references.count)
        _ = self.references.initialize(from: references)
        words = .allocate(capacity: max(references.count, 1) * Lookahead.rows.placeCount)
    }

    func deallocate() {
        references.deallocate()
        words.deallocate()
    }
}

/// A reference of a run on its way through the look-ahead.
private struct LookedUpReference: BitwiseCopyable {
    let parameter: Int
    let type: Int
    /// Of the run under way.
    var keys = ArgumentColumn.Keys()
}
