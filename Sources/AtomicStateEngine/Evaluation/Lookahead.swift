/// Which transactions of a run are prepared while others are evaluated.
///
/// A look-up in a large table waits for memory several times in a row. Its stages are done for one step of
/// transactions after the other, each some steps ahead of the evaluation: a stage reads what the one before
/// it asked for a step ago, and nobody waits.
enum Lookahead {
    /// The transactions that go through a stage together: enough for the waits to overlap, few enough for
    /// what they asked for to be still near when it is used.
    static let step = 16
    /// More than there are between the first stage and the evaluation; a power of two.
    static let placeCount = 4 * step

    /// The transactions whose turn in a stage it is.
    ///
    /// - Parameters:
    ///   - offset: of the next transaction to be evaluated, a multiple of `step`.
    ///   - stepsAhead: the stage's distance from the evaluation, at most 3.
    ///   - count: the run's transactions.
    static func range(from offset: Int, stepsAhead: Int, of count: Int) -> Range<Int> {
        let start = offset == 0 ? 0 : offset + stepsAhead * step
        let end = offset + (stepsAhead + 1) * step
        return min(start, count)..<min(end, count)
    }

    /// Where a stage leaves something for a later one.
    @inline(__always)
    static func place(of transaction: Int) -> Int { transaction & (placeCount - 1) }
}
