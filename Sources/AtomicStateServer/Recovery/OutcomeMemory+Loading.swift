package import AtomicStateEngine
internal import AtomicStateProtocol
package import AtomicStateStorage
internal import AtomicStateValues

extension OutcomeMemory {
    /// What storage remembers.
    ///
    /// - Parameter capacity: the outcomes to remember.
    /// - Throws: what is damaged, and where.
    package init(_ storage: any Storage, capacity: Int) throws(RecoveryError) {
        let forgottenUntil = try describingFailures { () throws(StorageError) in
            try storage.number(.forgottenUntil)
        }
        var memory = OutcomeMemory(
            capacity: capacity, forgottenUntil: forgottenUntil, firstGroup: 1)
        try describingFailures("outcomes") { () throws(IterationError<CorruptionError>) in
            try storage.forEachOutcomeRecord { (number, bytes) throws(CorruptionError) in
                try memory.load(bytes, group: number) { (reply) throws(CorruptionError) in
                    do throws(Status) {
                        let reply = try SubmitReply(decoding: reply)
                        return OutcomeMemory.weight(
                            ofReplyWithRejections: reply.rejections.count,
                            duplicates: reply.duplicates.count)
                    } catch {
                        throw CorruptionError("outcome record \(number): \(error.message)")
                    }
                }
            }
        }
        self = memory
    }
}
