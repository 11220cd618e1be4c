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
    /// A connection that has sent this many requests one at a time, and no other any, is taken for the only
    /// one that sends.
    package static let loneRequestCountMin = 16
    /// As many requests later it has to show that once more, with fewer.
    package static let loneRequestCountMax = 512
    package static let loneProofCount = 2
    /// The connections that may be open, unless a setting says otherwise.
    package static let connectionCountDefault = 4_096
    /// The connections beyond those that may be open at the same time to be told so; any more are closed
    /// without a word.
    package static let refusedConnectionCountMax = 64
    /// What one connection may hold before its next request is left on the socket: requests that are
    /// being carried out, the most that their answers can take, and answers that were not taken. A
    /// request is taken whole, so that it can hold one more than this.
    package static let connectionByteCountMax = 16 << 20
    /// The same in transactions, so that a few connections can't fill the queue.
    package static let connectionTransactionCountMax = 32_768
    /// What one turn of a connection in the queue is worth: a millisecond or two of the writer's time.
    package static let turnTransactionCount = 4_096
    /// The memory of a run once it is checked, besides its columns' values.
    package static let runByteCount = 512
    /// The most that a described rejection is reckoned to take in a reply.
    package static let rejectionByteCount = 1_024
    /// What all connections together may hold, in MiB, unless a setting says otherwise. When it is
    /// exceeded, the connection that holds most is ended.
    package static let connectionMemoryDefault = 1_024
    /// Room for a whole request and the connections beside it.
    package static let connectionMemoryMin = 64
    /// A request of at most as many bytes does not wait for room in the queue if its connection has none
    /// there: a client that sends one at a time is not kept out by those that fill it.
    package static let lightRequestByteCountMax = 64 << 10
    /// The time for which one connection's requests are looked at before others have their turn.
    package static let turnNanosecondsMax: UInt64 = 1_000_000
    /// The time that others have for theirs.
    package static let turnPauseMicroseconds: Int64 = 20
    /// The seconds that a client has for its greeting, for a frame that it has begun, and for taking some
    /// of its answers, unless a setting says otherwise.
    package static let peerTimeoutDefault = 30
    /// The seconds that a connection stays open after its last answer, so that a client that is still
    /// sending gets to read why it ended.
    package static let lingerSeconds: Int64 = 1
    /// A look at a connection's times that comes later than this is not taken.
    package static let lateNanosecondsMax: UInt64 = 1_000_000_000
    /// A silent connection's peer is asked after this many seconds whether it is there; it is given up
    /// after as many questions without an answer, so many seconds apart.
    package static let keepAliveIdleSeconds = 60
    package static let keepAliveIntervalSeconds = 10
    package static let keepAliveProbeCount = 3
    /// The refused connections that are logged in a second; the rest are counted.
    package static let loggedRefusalCountPerSecond = 10
    /// The bytes of a client's text that a message repeats.
    package static let repeatedTextByteCountMax = 128
    /// File descriptors that are kept for storage (RocksDB's max_open_files, its logs and what it writes),
    /// the admin port and the listeners: no number of connections may take them.
    package static let reservedDescriptorCount = 768
    /// The time for which no connection is accepted after one could not be.
    package static let acceptPauseMilliseconds: Int64 = 500
    /// The connections to the admin port that may be open: probes, scrapes, and a person.
    package static let adminConnectionCountMax = 64
    /// The seconds that a request to the admin port has, from its connection to its answer's last byte.
    package static let adminSeconds: Int64 = 10
    /// The bytes of a request to the admin port, headers and body.
    package static let adminRequestByteCountMax = 16 << 10
    /// The different sequences of steps in a batch: each may have to be compiled.
    package static let composedFormCountPerBatchMax = 64
    /// What a look-up may find, in bytes of its reply, which has to fit a frame.
    package static let readByteCountMax = ProtocolLimits.frameByteCountMax - (4 << 10)
    /// The bytes of the rejections that are described in full; also those of the rules' names of the rest.
    package static let describedRejectionByteCountMax = 1 << 20
    /// The entities whose images the writer takes between two commit groups; more if the round would take
    /// too long.
    package static let drainedEntityCountPerGroup = 2_048
    /// The most, however much has to be made up for.
    package static let drainedEntityCountPerGroupMax = 1 << 18
    /// The images that wait to be stored before no more are taken.
    package static let waitingRowByteCountMax = 4 * rowFileByteCount
    /// The journal in which a round of the materialiser ends, as a multiple of that after which one begins.
    package static let roundLength = 1.5
    /// The images that go to the rows family as one file.
    package static let rowFileByteCount = 32 << 20
    /// The files of rows beyond those that their bytes fill.
    package static let smallRowFileCountMax = 256
    /// The blocks of rows that wait at a start, between the thread that reads them and the one that loads them.
    package static let readRowBlockCount = 4
    /// The reasons against a change of the schema that are described.
    package static let describedViolationCountMax = 20
    /// The time that a drain waits for answers to be read by their clients.
    package static let drainSeconds = 10

    /// What must hold between the bounds. Checked at start and by a test.
    package static func check() {
        precondition(queuedTransactionCountMax >= ProtocolLimits.batchTransactionCountMax)
        precondition(queuedByteCountMax >= 2 * ProtocolLimits.frameByteCountMax)
        // The largest request and the largest reply fit beside what makes a connection wait, and a few
        // connections that hold as much fit the memory of all.
        precondition(connectionByteCountMax >= 2 * ProtocolLimits.frameByteCountMax)
        precondition(connectionMemoryMin << 20 >= 2 * connectionByteCountMax)
        // One connection leaves room in the queue for others, whatever it sends.
        precondition(
            connectionTransactionCountMax + ProtocolLimits.batchTransactionCountMax
                <= queuedTransactionCountMax / 2)
        precondition(groupTransactionCountLarge <= groupTransactionCountMax)
        // A reply to a batch whose every transaction is rejected has to fit a frame.
        precondition(
            2 * describedRejectionByteCountMax + ProtocolLimits.batchTransactionCountMax * 24
                <= ProtocolLimits.frameByteCountMax)
    }
}
