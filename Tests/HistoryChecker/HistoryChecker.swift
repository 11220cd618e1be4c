package import AtomicStateSchema

/// Decides whether a history is strictly serializable under a schema: whether there is one order of
/// everything that was done, which respects real time, in which every transaction has the outcome and every
/// read has the answer that was told, and after each of which every invariant holds.
///
/// The sequences tell the order of what was accepted. Reads and rejections have none; that there is a place
/// for each of them is decided by `Replay`.
package struct HistoryChecker {
    private let schema: Schema

    /// - Parameter schema: no operation of it reads `now`, which a history does not tell.
    package init(schema: Schema) {
        self.schema = schema
    }

    /// What contradicts; nothing if the history is right. After some violations nothing more can be said
    /// of what follows, so these are not always all.
    package func violations(in history: History) -> [Violation] {
        let violations = OutcomeChecks.violations(in: history)
        guard violations.isEmpty else { return violations }
        var replay = Replay(schema: schema, history: history)
        return replay.run()
    }
}
