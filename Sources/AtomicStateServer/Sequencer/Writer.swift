internal import AtomicStateEngine
internal import AtomicStateProtocol
internal import AtomicStateSchema
internal import AtomicStateStorage
internal import Logging

/// The one that changes the state. It has a thread of its own, evaluates batches in the order of the
/// queue, collects them in a commit group, and runs ahead of the disk: while one group is synced, it
/// evaluates the next against memory. It never waits for I/O while there is work to do.
///
/// Where one connection alone sends small requests, the event loop takes its steps: there is nothing to run
/// ahead with, and threads take longer to wake each other than to carry such a request out.
final class Writer: @unchecked Sendable {  // Used by whose turn the sequencer says it is.
    private var engine: Engine
    private let sequencer: Sequencer
    private let committer: Committer
    private let statistics: Statistics
    private let clock: Clock
    private let logger: Logger
    private var group: CommitGroup
    private var materialisation: Materialisation
    /// What the last group noted.
    private var forgottenUntil: UInt64
    /// The groups that storage is done with, for their memory.
    private let usedGroups: UsedGroups

    init(
        engine: consuming Engine, sequencer: Sequencer, committer: Committer,
        materialisation: Materialisation, statistics: Statistics, usedGroups: UsedGroups,
        clock: Clock, logger: Logger
    ) {
        group = usedGroups.take()
        forgottenUntil = engine.outcomes.forgottenUntil
        self.materialisation = materialisation
        self.engine = engine
        self.sequencer = sequencer
        self.committer = committer
        self.statistics = statistics
        self.usedGroups = usedGroups
        self.clock = clock
        self.logger = logger
        beginGroup()
    }

    func run() {
        do throws(StorageError) {
            while try take(sequencer.waitForStep(openGroup)) {}
        } catch {
            stopWithoutAnswer(error, logger)
        }
    }

    /// Carries out the request that waits and commits it, on an event loop that the sequencer leaves that
    /// to.
    func runInPlace() {
        guard sequencer.beginTurn() else { return }
        do throws(StorageError) {
            while let step = sequencer.nextStep(openGroup), try take(step), !openGroup.isEmpty {}
        } catch {
            stopWithoutAnswer(error, logger)
        }
        sequencer.endTurn()
    }

    /// Carries a step out. False if it was the last.
    func take(_ step: Sequencer.WriterStep) throws(StorageError) -> Bool {
        switch step {
        case .work(let item):
            if compilesForm(of: item) {
                sequencer.putBack(item)
            } else {
                carryOut(item)
            }
        case .handOver: try handOver()
        case .stop:
            sequencer.writerDidStop()
            return false
        }
        return true
    }

    /// The state of the group that is being filled.
    var openGroup: Sequencer.OpenGroup {
        let transactionCount = group.transactionCount
        return Sequencer.OpenGroup(
            isEmpty: group.items.isEmpty,
            isLarge: transactionCount >= ServerLimits.groupTransactionCountLarge,
            isFull: transactionCount >= ServerLimits.groupTransactionCountMax
                || engine.groupByteCount >= ServerLimits.groupByteCountMax || engine.formsAreFull)
    }

    /// Compiles at most one new sequence of steps of the item, which takes as long as thousands of
    /// transactions: others come between two of them.
    private func compilesForm(of item: WorkItem) -> Bool {
        while let steps = item.forms.popFirst() {
            guard engine.prepareForm(of: steps) else { continue }
            // A group that holds something is closed when there are too many forms; an empty one can't be,
            // and would stay full.
            if group.items.isEmpty { engine.limitForms() }
            return true
        }
        return false
    }

    private func carryOut(_ item: WorkItem) {
        if group.items.isEmpty { engine.beginGroup(microseconds: clock.wallMicroseconds) }
        item.answer = perform(item)
        group.items.append(item)
        group.transactionCount += item.transactionCount
    }

    private func perform(_ item: WorkItem) -> WorkItem.Answer {
        let isLate = item.deadline.map { clock.monotonicNanoseconds > $0 } ?? false
        let lateness = Status(
            .deadlineExceeded, "the request waited longer than its timeout; nothing was done")
        switch item.kind {
        case .submit(let runs, isAtomic: let isAtomic, name: let name):
            engine.noteTime(microseconds: clock.wallMicroseconds)
            do throws(StepError) {
                if isLate {
                    // An outcome that is there already does not come too late.
                    guard let name,
                        let known = try engine.recall(runs, isAtomic: isAtomic, name: name)
                    else { return .failure(lateness) }
                    return answer(to: item, known)
                }
                let submission = try engine.submit(runs, isAtomic: isAtomic, name: name)
                return answer(to: item, submission)
            } catch {
                return .failure(Status(.invalidArgument, error.description))
            }
        case .get(type: let type, keys: let keys, count: let count):
            guard !isLate else { return .failure(lateness) }
            let found = engine.read(
                type: type, keys: keys, count: count,
                byteCountMax: ServerLimits.readByteCountMax)
            return found.map { .read($0) } ?? .failure(.tooMuchToRead)
        }
    }

    private func answer(to item: WorkItem, _ submission: Submission) -> WorkItem.Answer {
        switch submission {
        case .carriedOut(let outcome):
            statistics.noteBatch(outcome)
            return .outcome(outcome)
        case .acceptedBefore(firstSequence: let sequence):
            statistics.repeatedBatchCount.add(1, ordering: .relaxed)
            return .told(
                SubmitReply(
                    firstSequence: sequence, acceptedCount: item.transactionCount, rejections: []))
        case .toldBefore(let reply):
            statistics.repeatedBatchCount.add(1, ordering: .relaxed)
            return .remembered(reply)
        case .refused(let refusal):
            statistics.refusedRequestCount.add(1, ordering: .relaxed)
            return .failure(Status(refusal, timeMilliseconds: engine.nameMilliseconds))
        }
    }

    private func beginGroup() {
        group.begin(
            number: engine.outcomes.group + 1, firstSequence: engine.lastSequence + 1)
        engine.outcomes.group = group.number
    }

    private func handOver() throws(StorageError) {
        let finished = group
        finished.lastSequence = engine.lastSequence
        if !engine.groupIsEmpty {
            engine.finishGroup(
                firstSequence: finished.firstSequence, record: &finished.record)
            materialisation.noteJournal(byteCount: finished.record.count)
        }
        engine.limitForms()
        // No more images than storage gets done with: the round takes longer then.
        if statistics.waitingRowByteCount.load(ordering: .relaxed)
            < ServerLimits.waitingRowByteCountMax
        {
            finished.rowImages = materialisation.step(&engine)
        }
        if let images = finished.rowImages {
            statistics.waitingRowByteCount.add(images.rows.byteCount, ordering: .relaxed)
        }
        if engine.outcomes.forgottenUntil != forgottenUntil {
            forgottenUntil = engine.outcomes.forgottenUntil
            finished.forgotten = ForgottenOutcomes(
                until: forgottenUntil, beforeGroup: engine.outcomes.firstGroup)
        }
        statistics.noteState(&engine)
        if !sequencer.handOver(finished) { try committer.commit(finished) }
        group = usedGroups.take()
        beginGroup()
    }
}

extension Status {
    fileprivate static let tooMuchToRead = Status(
        .resourceExhausted,
        "a reply of more than \(ServerLimits.readByteCountMax) bytes; ask for fewer keys at a time")

    /// Why a batch was not carried out for the sake of its name.
    ///
    /// - Parameter timeMilliseconds: for names that are not to be refused.
    fileprivate init(_ refusal: Submission.Refusal, timeMilliseconds: UInt64) {
        switch refusal {
        case .otherContent:
            self.init(
                .alreadyExists,
                "a batch of other content has the same producer and number; nothing was done")
        case .forgotten:
            self.init(
                .outOfRange,
                "the batch was sent first before the earliest time that all outcomes are remembered "
                    + "from; it may have been carried out then, and was not now",
                timeMilliseconds: timeMilliseconds)
        case .early:
            self.init(
                .outOfRange,
                "the batch's sent_milliseconds is more than "
                    + "\(OutcomeMemory.earlinessMaxMilliseconds) ms ahead of the server's clock; "
                    + "nothing was done",
                timeMilliseconds: timeMilliseconds)
        }
    }
}
