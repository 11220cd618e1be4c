package import AtomicStateSchema
internal import AtomicStateValues

/// The state of one schema's entities in memory, and the only code that changes it.
///
/// Deterministic: the same calls in the same order lead to the same rows, outcomes and journal
/// records. Performs no I/O, and is used by one thread at a time.
///
/// What is called for each request, transaction or entity is mutating even where it changes nothing: the compiler
/// copies the whole engine, 900 bytes, to lend it to a method that is not.
package struct Engine: ~Copyable {
    package let program: Program
    package let forms: TransactionForms
    // Set once. Variables nevertheless: where an element of a constant is changed, ThreadSanitizer's
    // instrumentation takes the whole engine for an address, which the compiler then refuses.
    /// By entity type.
    var stores: UnsafeMutableBufferPointer<RowStore>
    /// As `Program.uniqueKeys`.
    var uniqueIndices: UnsafeMutableBufferPointer<UniqueIndex>
    /// As `Program.derived`.
    let derived: UnsafeBufferPointer<DerivedShape>
    /// By form.
    var routines: RoutineList
    var trees = ValueTree()
    var textHeap = TextHeap()
    var temporaryTexts = WordList()
    var changes: ChangeSet
    var isInAtomicBatch = false
    /// What an atomic batch will free if it is accepted.
    var remainders: [Remainder] = []
    var journal: JournalEncoder
    /// Of keyed transactions and named batches.
    package var outcomes: OutcomeMemory
    /// By form: what its transactions' hashes begin with.
    var formHashes: [UInt64] = []
    /// Where the outcomes of an atomic batch are, in case that it is turned back.
    var rememberedSlots: [Int] = []
    /// The version of the schema among those that the data has had.
    package let schemaVersion: UInt16
    /// The sequence of the last accepted transaction; 0 before the first.
    package internal(set) var lastSequence: UInt64 = 0
    /// Of the group under way, in microseconds since 1970-01-01T00:00:00Z. Never goes back.
    var commitMicroseconds: UInt64 = 0

    var commitMilliseconds: UInt64 { commitMicroseconds / 1_000 }

    /// What is tried under another schema was accepted once, and what follows refers to versions of then.
    var rejectionsTakeSequences = false
    /// What is carried out again has fitted its record before.
    var journalByteCountMax = EngineLimits.journalRecordByteCountMax

    /// The time by which names and keys are judged: milliseconds since 1970-01-01T00:00:00Z.
    var latestMilliseconds: UInt64 { max(commitMilliseconds, wallMilliseconds) }

    /// The time for new names and keys: the latest, unless what was forgotten was from later.
    package var nameMilliseconds: UInt64 {
        mutating get { max(latestMilliseconds, outcomes.forgottenUntil + 1) }
    }

    private var wallMilliseconds: UInt64 = 0

    /// A group may be open for long, while the disk stands still, and clients' clocks go on.
    package mutating func noteTime(microseconds: UInt64) {
        wallMilliseconds = max(wallMilliseconds, microseconds / 1_000)
    }

    package init(program: Program, schemaVersion: UInt16) {
        self.program = program
        self.schemaVersion = schemaVersion
        forms = TransactionForms(program: program)
        stores = .allocate(capacity: program.layouts.count)
        for (index, layout) in program.layouts.enumerated() {
            stores.initializeElement(at: index, to: RowStore(layout: layout))
        }
        derived = UnsafeBufferPointer(copying: program.derived.map(DerivedShape.init))
        uniqueIndices = .allocate(capacity: program.uniqueKeys.count)
        for (index, layout) in program.uniqueKeys.enumerated() {
            uniqueIndices.initializeElement(at: index, to: UniqueIndex(layout))
        }
        routines = RoutineList(capacity: program.operations.count)
        changes = ChangeSet(
            imageWordCountMax: program.layouts.map { RowLines.wordCount(of: $0.wordCount) }.max()
                ?? 0)
        journal = JournalEncoder(schemaVersion: schemaVersion)
        outcomes = OutcomeMemory()
        prepareForms()
        journal.begin()
    }

    deinit {
        stores.deinitialize().deallocate()
        derived.deallocate()
        uniqueIndices.deinitialize().deallocate()
    }

    /// The entities of all types.
    package var entityCount: Int {
        stores.indices.reduce(0) { $0 + stores[$1].entityCount }
    }

    /// What rows, indices and texts have taken from the system.
    package var byteCount: Int {
        let uniqueByteCount = uniqueIndices.indices.reduce(0) { $0 + uniqueIndices[$1].byteCount }
        return stores.indices.reduce(textHeap.byteCount + trees.byteCount + uniqueByteCount) {
            $0 + stores[$1].byteCount
        }
    }
}

// MARK: Transactions

extension Engine {
    /// Judges a batch's transactions in order, each on the state that the ones before it left, and adds
    /// the accepted ones to the group's journal record.
    ///
    /// - Parameter isAtomic: nothing is changed unless every transaction is accepted; the outcome then
    ///   holds the one rejection.
    /// - Throws: what the schema does not allow of a run's steps. Nothing was done then.
    package mutating func execute(
        _ runs: [TransactionRun], isAtomic: Bool = false
    ) throws(StepError) -> BatchOutcome {
        let prepared = try prepare(runs) { _ in false }
        var outcome = BatchOutcome()
        outcome.rules = forms.rules
        carryOut(prepared, isAtomic: isAtomic, &outcome)
        return outcome
    }

    mutating func carryOut(
        _ runs: [PreparedRun], isAtomic: Bool, _ outcome: inout BatchOutcome
    ) {
        let lastSequence = self.lastSequence
        if isAtomic { beginAtomicBatch() }
        for run in runs {
            carryOut(run, &outcome)
            if isAtomic, !outcome.rejections.isEmpty { break }
        }
        if isAtomic, outcome.rejections.isEmpty {
            keepAtomicBatch()
        } else if isAtomic {
            undoAtomicBatch(lastSequence: lastSequence)
            rememberRejection(runs, outcome)
            outcome.firstSequence = 0
            outcome.acceptedCount = 0
            outcome.duplicates = []
        }
        // Nobody needs them, and a form that comes up would have to copy what an outcome still holds.
        if outcome.rejections.isEmpty { outcome.rules = [] }
    }

    mutating func carryOut(_ run: PreparedRun, _ outcome: inout BatchOutcome) {
        let form = run.form
        let keyed = run.keyed
        let firstIndex = run.indices.lowerBound
        let transactionCount = run.indices.count
        let replyNumber = outcomes.nextReplyNumber
        // SAFETY: the routine's memory lives and stays in place as long as its form.
        let code = routines[form].code
        let frames = routines[form].frames
        let frameStride = routines[form].frameStride
        let parameters = routines[form].parameters
        var lookahead = RowLookahead(
            run.arguments, transactionCount: transactionCount, in: routines[form].lookaheadMemory)
        var cursor = ArgumentCursor(run.arguments, in: routines[form].cursorMemory)
        defer { journal.copyArguments() }
        for start in stride(from: 0, to: transactionCount, by: Lookahead.rows.step) {
            if let keyed, Lookahead.keys.begins(at: start) { reserveSlots(keyed, from: start) }
            lookahead.advance(to: start, stores)
            let journalRoom = journalByteCountMax - journal.byteCountEstimate
            let textByteCount = journal.storedTextByteCount
            let count = min(Lookahead.rows.step, transactionCount &- start)
            let bound = bindAhead(
                cursor, count: count, form: form, likelyRows: lookahead.likelyRows(of: start))
            for place in 0..<count {
                let offset = start &+ place
                let index = firstIndex &+ offset
                var slot = 0
                if let keyed {
                    guard let reserved = self.slot(for: keyed, at: offset, index: index, &outcome)
                    else {
                        if isInAtomicBatch, !outcome.rejections.isEmpty { return }
                        cursor.advance()
                        continue
                    }
                    slot = reserved
                }
                let observationCount = outcome.observations.count
                changes.begin(keepingEarlier: isInAtomicBatch)
                let isFull =
                    journal.storedTextByteCount &- textByteCount >= journalRoom
                    || isInAtomicBatch && changes.imageByteCount > EngineLimits.imageByteCountMax
                let frame = frames + place &* frameStride
                let fault: Verdict? =
                    isFull
                    ? .rejected(.batchTooLarge, rule: program.batchSizeRule, entity: nil)
                    : bound >> UInt64(place) & 1 == 1
                        ? nil
                        : bind(
                            cursor, to: parameters, frame,
                            likelyRows: lookahead.likelyRows(of: offset))
                switch fault ?? evaluate(code, frame, outcome: &outcome) {
                case .accepted:
                    lastSequence += 1
                    if outcome.acceptedCount == 0 { outcome.firstSequence = lastSequence }
                    outcome.acceptedCount += 1
                    if !journal.isReady(for: form, at: offset) {
                        journal.makeReady(for: form, cursor)
                    }
                    journal.append(frame)
                    keepChanges(sequence: lastSequence)
                    if keyed != nil { outcomes.decide(.accepted(lastSequence), in: slot) }
                case .rejected(let code, rule: let rule, entity: let entity):
                    let observations = observationCount..<outcome.observations.count
                    reject(
                        index, code, rule: rule, entity: entity, observations: observations,
                        cursor: cursor, parameters: parameters, &outcome)
                    outcome.limitDescriptions()
                    undoChanges()
                    if rejectionsTakeSequences { lastSequence += 1 }
                    if isInAtomicBatch { return }
                    if keyed != nil {
                        outcomes.decide(.told(inReply: replyNumber, index: index), in: slot)
                    }
                }
                cursor.advance()
            }
        }
    }

    private mutating func reject(
        _ index: Int, _ code: RejectionCode, rule: Int, entity: Row?, observations: Range<Int>,
        cursor: borrowing ArgumentCursor, parameters: UnsafeBufferPointer<ParameterSlot>,
        _ outcome: inout BatchOutcome
    ) {
        var key: RecordedValue?
        var type = outcome.rules[rule].entity
        if let entity, let entityType = type {
            switch stores[entityType].key(of: entity) {
            case .number(let number): key = .word(number)
            case .text(let text): key = outcome.record(text)
            }
        } else if type != nil, let parameter = parameters.firstIndex(where: { $0.rule == rule }) {
            key = cursor.recordedValue(of: parameter, in: &outcome)
        } else {
            type = nil
        }
        outcome.rejections.append(
            RejectionRecord(
                index: index, code: code, rule: rule, key: key, entityType: type,
                observations: observations))
    }
}

// MARK: Commit groups

extension Engine {
    /// Whether no transaction was accepted since the last `finishGroup`.
    package var groupIsEmpty: Bool { journal.isEmpty }

    /// About how long the group's journal record would be by now.
    package var groupByteCount: Int { mutating get { journal.byteCountEstimate } }

    /// Starts a commit group, at a time that `now` stands for in all its transactions.
    ///
    /// - Parameter microseconds: since 1970-01-01T00:00:00Z. A time before that of an earlier group is
    ///   taken for that one.
    package mutating func beginGroup(microseconds: UInt64) {
        commitMicroseconds = max(commitMicroseconds, microseconds)
    }

    /// Completes the group's journal record. Another group may begin then.
    ///
    /// - Parameter buffer: receives the record in exchange for its memory.
    package mutating func finishGroup(firstSequence: UInt64, record buffer: inout ByteBuffer) {
        journal.finish(firstSequence: firstSequence, microseconds: commitMicroseconds)
        journal.exchangeRecord(&buffer)
        journal.begin()
        limitForms()
    }
}

// MARK: Forms

extension Engine {
    /// Whether no more forms should come up before the group is finished.
    package var formsAreFull: Bool {
        mutating get { forms.composedCount >= EngineLimits.composedFormCountMax }
    }

    /// Forgets the forms of several steps if there are too many. Only between groups.
    package mutating func limitForms() {
        guard formsAreFull else { return }
        routines.removeLast(forms.composedCount)
        formHashes.removeLast(forms.composedCount)
        journal.removeForms(forms.composedCount)
        forms.removeComposed()
    }

    /// Compiles a sequence of steps ahead of the transactions that need it.
    ///
    /// - Returns: false if there was nothing to do: it is known already, or the schema does not allow it,
    ///   which those transactions are told.
    package mutating func prepareForm(of steps: [TransactionStep]) -> Bool {
        guard !forms.isKnown(steps) else { return false }
        do throws(StepError) {
            _ = try forms.index(of: steps)
        } catch {
            return false
        }
        prepareForms()
        return true
    }

    /// The runs, with their forms executable.
    ///
    /// - Parameter isRemembered: whether outcomes of the run's transactions, or of its batch, are kept.
    mutating func prepare(
        _ runs: [TransactionRun], _ isRemembered: (TransactionRun) -> Bool
    ) throws(StepError) -> [PreparedRun] {
        var prepared: [PreparedRun] = []
        prepared.reserveCapacity(runs.count)
        var firstIndex = 0
        for run in runs {
            let form: Int
            switch run.form {
            case .operation(let index): form = index
            case .steps(let steps): form = try forms.index(of: steps)
            }
            prepareForms()
            let indices = firstIndex..<(firstIndex + run.transactionCount)
            let contents =
                isRemembered(run)
                ? ContentHashes(run, form: formHashes[form], firstIndex: firstIndex) : nil
            prepared.append(
                PreparedRun(
                    form: form, arguments: run.arguments, indices: indices, keys: run.keys,
                    contents: contents))
            firstIndex = indices.upperBound
        }
        return prepared
    }

    /// Makes the forms that have come up executable.
    mutating func prepareForms() {
        while routines.count < forms.forms.count {
            let form = forms.forms[routines.count]
            formHashes.append(
                ContentHash.ofForm(form, index: routines.count, schema: program.schema))
            routines.append(PreparedRoutine(form.routine))
            journal.append(form, of: program)
        }
    }
}
