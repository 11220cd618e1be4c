internal import AtomicStateEngine
internal import AtomicStateProtocol
internal import AtomicStateSchema

/// The one thread that changes the state. It evaluates batches in the order of the queue, collects
/// them in a commit group, and runs ahead of the disk: while one group is synced, it evaluates the
/// next against memory. It never waits for I/O while there is work to do.
final class Writer: @unchecked Sendable {  // Used by the writer's thread alone, once it runs.
    private var engine: Engine
    private let sequencer: Sequencer
    private let committer: Committer
    private let statistics: Statistics
    private var group: CommitGroup
    private var materialisation: Materialisation
    /// The groups that storage is done with, for their memory.
    private let usedGroups: UsedGroups

    init(
        engine: consuming Engine, sequencer: Sequencer, committer: Committer,
        statistics: Statistics,
        materialiseAfterByteCount: Int, replayByteCount: Int, usedGroups: UsedGroups
    ) {
        group = usedGroups.take()
        group.begin(firstSequence: engine.lastSequence + 1)
        materialisation = Materialisation(
            afterByteCount: materialiseAfterByteCount, journalByteCount: replayByteCount)
        self.engine = engine
        self.sequencer = sequencer
        self.committer = committer
        self.statistics = statistics
        self.usedGroups = usedGroups
    }

    func run() {
        while true {
            switch sequencer.nextStep(openGroup) {
            case .work(let item): carryOut(item)
            case .handOver: handOver()
            case .stop:
                sequencer.writerDidStop()
                return
            }
        }
    }

    private var openGroup: Sequencer.OpenGroup {
        let transactionCount = group.transactionCount
        return Sequencer.OpenGroup(
            isEmpty: group.replies.isEmpty,
            isLarge: transactionCount >= ServerLimits.groupTransactionCountLarge,
            isFull: transactionCount >= ServerLimits.groupTransactionCountMax
                || engine.groupByteCount >= ServerLimits.groupByteCountMax || engine.formsAreFull)
    }

    private func carryOut(_ item: WorkItem) {
        if group.replies.isEmpty { engine.beginGroup(microseconds: wallClockMicroseconds()) }
        group.replies.append(
            PendingReply(
                connection: item.connection, requestID: item.request.id, body: perform(item)))
        group.transactionCount += item.transactionCount
    }

    private func perform(_ item: WorkItem) -> PendingReply.Body {
        if let deadline = item.deadline, monotonicNanoseconds() > deadline {
            return .failure(
                Status(
                    .deadlineExceeded, "the batch waited longer than its timeout; nothing was done")
            )
        }
        switch item.kind {
        case .submit(let runs, isAtomic: let isAtomic):
            do throws(StepError) {
                let outcome = try engine.execute(runs, isAtomic: isAtomic)
                statistics.noteBatch(
                    accepted: outcome.acceptedCount, rejected: outcome.rejections.count)
                return .outcome(outcome)
            } catch {
                return .failure(Status(.invalidArgument, error.description))
            }
        case .get(type: let type, keys: let keys, count: let count):
            return .read(engine.read(type: type, keys: keys, count: count))
        }
    }

    private func handOver() {
        let finished = group
        finished.lastSequence = engine.lastSequence
        if !engine.groupIsEmpty {
            engine.finishGroup(
                firstSequence: finished.firstSequence, record: &finished.record)
            materialisation.noteJournal(byteCount: finished.record.count)
        }
        engine.limitForms()
        finished.rowImages = materialisation.step(&engine)
        statistics.noteState(
            entityCount: engine.entityCount, byteCount: engine.byteCount)
        if !sequencer.handOver(finished) { committer.commit(finished) }
        group = usedGroups.take()
        group.begin(firstSequence: engine.lastSequence + 1)
    }
}
