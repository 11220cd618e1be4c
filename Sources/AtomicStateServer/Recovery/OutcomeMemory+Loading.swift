package import AtomicStateEngine
internal import AtomicStateProtocol
package import AtomicStateStorage
internal import AtomicStateValues

extension OutcomeMemory {
    /// What a data folder remembers.
    ///
    /// - Parameter capacity: the outcomes to remember.
    /// - Throws: what is damaged, and where.
    package init(_ database: Database, capacity: Int) throws(RecoveryError) {
        var generator = SystemRandomNumberGenerator()
        var memory = OutcomeMemory(
            capacity: capacity, forgottenUntil: try database.number(.forgottenUntil), firstGroup: 1,
            secret: (generator.next(), generator.next()))
        try describingFailures("outcomes") { () throws(IterationError<CorruptionError>) in
            try database.forEachOutcomeRecord { (number, bytes) throws(CorruptionError) in
                try memory.load(bytes, group: number) { (reply) throws(CorruptionError) in
                    do throws(Status) {
                        _ = try SubmitReply(decoding: reply)
                    } catch {
                        throw CorruptionError("outcome record \(number): \(error.message)")
                    }
                }
            }
        }
        self = memory
    }
}
