internal import AtomicStateEngine
internal import AtomicStateStorage
internal import Logging
internal import Synchronization

/// What is behind the sockets: writer, committer and materialiser, each on a thread of its own once they
/// are started. A simulation does not start them, and takes their steps itself.
final class CommitPipeline: Sendable {
    let sequencer = Sequencer()
    let statistics: Statistics
    let health: HealthReporter
    let writer: Writer
    let committer: Committer
    let materialiser: Materialiser
    private let diskProcessor: DiskProcessor?
    private let threads = Mutex<[WorkerThread]>([])

    init(
        state loadedState: consuming LoadedState, schema: SchemaVersion, storage: any Storage,
        configuration: Configuration, statistics: Statistics = Statistics(),
        diskProcessor: DiskProcessor? = nil, clock: Clock, logger: Logger
    ) {
        self.statistics = statistics
        self.diskProcessor = diskProcessor
        var state = loadedState
        statistics.durableSequence.store(state.engine.lastSequence, ordering: .releasing)
        statistics.noteRowsComplete(sequence: state.rows.completeSequence)
        statistics.noteState(&state.engine)
        health = HealthReporter(
            storage: storage, sequencer: sequencer, statistics: statistics, clock: clock)
        let usedGroups = UsedGroups()
        materialiser = Materialiser(
            storage: storage, rows: state.rows, statistics: statistics,
            journalRetentionByteCount: configuration.journalRetentionByteCount, logger: logger)
        committer = Committer(
            storage: storage, schema: schema.compiled.schema, sequencer: sequencer,
            materialiser: materialiser, statistics: statistics, usedGroups: usedGroups,
            replies: ReplySender(), clock: clock, logger: logger)
        let materialisation = Materialisation(
            afterByteCount: configuration.materialiseAfterByteCount,
            journalByteCount: state.replayedByteCount, stored: state.rowVolume,
            schemaVersion: schema.number)
        writer = Writer(
            engine: state.engine, sequencer: sequencer, committer: committer,
            materialisation: materialisation, statistics: statistics, usedGroups: usedGroups,
            clock: clock, logger: logger)
    }

    func start() {
        threads.withLock { threads in
            threads = [
                WorkerThread(name: "writer") { [writer] in
                    TimeSlice.shorten()
                    writer.run()
                },
                WorkerThread(name: "committer") { [committer] in
                    TimeSlice.shorten()
                    committer.run()
                },
                WorkerThread(name: "materialiser") { [materialiser] in materialiser.run() },
            ]
        }
    }

    /// Queues a request. On its connection's event loop. False if there is nobody any more to carry it out.
    func enqueue(_ item: WorkItem) -> Bool {
        switch sequencer.enqueue(item) {
        case .queued: diskProcessor?.letGo()
        case .promisedTurn:
            item.connection.hasWritersTurn = true
            diskProcessor?.keepThread()
        case .refused: return false
        }
        return true
    }

    /// Returns when everything queued is durable, answered and, as far as it was due, materialised.
    func finish() async {
        sequencer.stop()
        let threads = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        await withCheckedContinuation { continuation in
            _ = WorkerThread(name: "finish") {
                for thread in threads { thread.join() }
                continuation.resume()
            }
        }
    }
}
