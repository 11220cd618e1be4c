/// Which transactions of a run are prepared while others are evaluated.
///
/// A look-up in a large table waits for memory several times in a row. Its stages are done for one step of
/// transactions after the other, each some steps ahead of the evaluation: a stage asks for memory, the next
/// one reads it a step later, and nobody waits.
struct Lookahead {
    /// Of the rows that references name. Fewer than of keys: a transfer has two references, and a processor
    /// drops what it is asked for beyond a couple of dozen cache lines.
    static let rows = Lookahead(step: 8)
    /// Of the places of idempotency keys.
    static let keys = Lookahead(step: 16)

    /// The transactions that go through a stage together, a power of two: enough for the waits to overlap,
    /// few enough for what they asked for to be still near when it is used.
    let step: Int

    /// More than there are between the first stage and the evaluation; a power of two.
    @inline(__always)
    var placeCount: Int { 4 &* step }

    /// The transactions whose turn in a stage it is.
    ///
    /// - Parameters:
    ///   - offset: of the next transaction to be evaluated, a multiple of `step`.
    ///   - stepsAhead: the stage's distance from the evaluation, at most 3.
    ///   - count: the run's transactions.
    @inline(__always)
    func range(from offset: Int, stepsAhead: Int, of count: Int) -> Range<Int> {
        let start = offset == 0 ? 0 : offset + stepsAhead * step
        let end = offset + (stepsAhead + 1) * step
        return min(start, count)..<min(end, count)
    }

    /// Where a stage leaves something for a later one.
    @inline(__always)
    func place(of transaction: Int) -> Int { transaction & (placeCount &- 1) }

    /// Whether a step begins with a transaction.
    @inline(__always)
    func begins(at offset: Int) -> Bool { offset & (step &- 1) == 0 }
}
