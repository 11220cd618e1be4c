internal import AtomicStateProtocol

/// The bounds of the server's queues and groups.
package enum ServerLimits {
    /// The transactions that may wait for the writer before the server stops reading sockets.
    package static let queuedTransactionCountMax = 4 * ProtocolLimits.batchTransactionCountMax
    /// The same in bytes of requests.
    package static let queuedByteCountMax = 64 << 20
    /// The transactions after which a commit group closes even while the committer is busy.
    package static let groupTransactionCountMax = ProtocolLimits.batchTransactionCountMax
    /// The same in bytes of the journal record.
    package static let groupByteCountMax = 8 << 20
    /// A group of this many transactions need not grow: syncing it costs little more than writing it,
    /// so it may wait in line behind the group that is being synced.
    package static let groupTransactionCountLarge = 4_096
    /// A group of at most this many transactions takes less time to evaluate than threads take to wake
    /// each other.
    package static let groupTransactionCountSmall = 64
    /// The connections that may be open.
    package static let connectionCountMax = 4_096
    /// The different sequences of steps in a batch: each may have to be compiled.
    package static let composedFormCountPerBatchMax = 64
    /// The rejections of a batch that are described in full; the rest carry place, code and rule.
    package static let describedRejectionCountMax = 1_000
    /// The same in bytes; also the bytes of the rules' names of the rest.
    package static let describedRejectionByteCountMax = 1 << 20
    /// The entities whose images the writer takes between two commit groups.
    package static let drainedEntityCountPerGroup = 2_048
    /// The images that go to the rows family as one file.
    package static let rowFileByteCount = 64 << 20
    /// The reasons against a change of the schema that are described.
    package static let describedViolationCountMax = 20
    /// The time that a drain waits for answers to be read by their clients.
    package static let drainSeconds = 10

    /// What must hold between the bounds. Checked at start and by a test.
    package static func check() {
        precondition(queuedTransactionCountMax >= ProtocolLimits.batchTransactionCountMax)
        precondition(queuedByteCountMax >= 2 * ProtocolLimits.frameByteCountMax)
        precondition(groupTransactionCountLarge <= groupTransactionCountMax)
        // A reply to a batch whose every transaction is rejected has to fit a frame.
        precondition(
            2 * describedRejectionByteCountMax + ProtocolLimits.batchTransactionCountMax * 24
                <= ProtocolLimits.frameByteCountMax)
    }
}
