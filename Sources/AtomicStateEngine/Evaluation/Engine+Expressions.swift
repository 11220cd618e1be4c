package import AtomicStateSchema
package import AtomicStateValues

/// A value that left a frame.
package enum EvaluatedValue: Sendable, Equatable {
    case word(UInt64)
    case bytes([UInt8])
    case time(TimeValue)
}

extension Engine {
    /// Evaluates an expression as if it were a rule.
    ///
    /// - Parameter arguments: one column with one value for each variable.
    /// - Returns: the value, or those of a list; or why there is none.
    package mutating func evaluate(
        _ compiled: CompiledExpression, arguments: [ArgumentColumn]
    ) -> Result<[EvaluatedValue], RejectionCode> {
        let routine = PreparedRoutine(compiled.routine)
        let cursor = ArgumentCursor(arguments, in: routine.cursorMemory)
        var lookahead = RowLookahead(
            arguments, transactionCount: 1, in: routine.lookaheadMemory)
        lookahead.advance(to: 0, stores)
        var outcome = BatchOutcome()
        changes.begin()
        // There are no changes; this frees the texts that the expression put together.
        defer { undoChanges() }
        let verdict =
            bind(
                cursor, to: routine.parameters, routine.frames,
                likelyRows: lookahead.likelyRows(of: 0))
            ?? evaluate(routine.code, routine.frames, outcome: &outcome)
        if case .rejected(let code, rule: _, entity: _) = verdict { return .failure(code) }
        return .success(
            zip(compiled.results, compiled.expression.leaves).map { register, leaf in
                switch leaf.type.form {
                case .word: .word(routine.frames[Int(register)])
                case .text: .bytes(Array(text(routine.frames, Int(register))))
                case .time: .time((routine.frames + Int(register)).time)
                }
            })
    }
}
