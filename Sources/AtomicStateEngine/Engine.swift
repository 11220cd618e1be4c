package import AtomicStateSchema
internal import AtomicStateValues

/// The state of one schema's entities in memory, and the only code that changes it.
///
/// Deterministic: the same calls in the same order lead to the same rows, outcomes and journal
/// records. Performs no I/O, and is used by one thread at a time.
package struct Engine: ~Copyable {
    package let program: Program
    /// By entity type.
    let stores: UnsafeMutableBufferPointer<RowStore>
    /// By operation.
    let routines: UnsafeMutableBufferPointer<PreparedRoutine>
    /// As `Program.derived`.
    let totals: UnsafeBufferPointer<TotalShape>
    var textHeap = TextHeap()
    var temporaryTexts = AddressList()
    var changes: ChangeSet
    var journal: JournalEncoder
    /// The version of the schema among those that the data has had.
    package let schemaVersion: UInt16
    /// The sequence of the last accepted transaction; 0 before the first.
    package internal(set) var lastSequence: UInt64 = 0

    package init(program: Program, schemaVersion: UInt16) {
        self.program = program
        self.schemaVersion = schemaVersion
        stores = .allocate(capacity: program.layouts.count)
        for (index, layout) in program.layouts.enumerated() {
            stores.initializeElement(at: index, to: RowStore(layout: layout))
        }
        routines = .allocate(capacity: program.operations.count)
        for (index, routine) in program.operations.enumerated() {
            routines.initializeElement(at: index, to: PreparedRoutine(routine))
        }
        totals = UnsafeBufferPointer(copying: program.derived.map(TotalShape.init))
        changes = ChangeSet(rowWordCountMax: program.layouts.map(\.wordCount).max() ?? 0)
        journal = JournalEncoder(program: program, schemaVersion: schemaVersion)
        journal.begin()
    }

    deinit {
        stores.deinitialize().deallocate()
        routines.deinitialize().deallocate()
        totals.deallocate()
    }

    /// The entities of all types.
    package var entityCount: Int {
        stores.indices.reduce(0) { $0 + stores[$1].entityCount }
    }

    /// What rows, indices and texts have taken from the system.
    package var byteCount: Int {
        stores.indices.reduce(textHeap.byteCount) { $0 + stores[$1].byteCount }
    }
}

// MARK: Transactions

extension Engine {
    /// Judges a run's transactions in order, each on the state that the ones before it left, and adds
    /// the accepted ones to the group's journal record.
    ///
    /// - Parameter operation: an index into `Schema.operations`.
    /// - Parameter arguments: one column for each parameter, of the parameter's kind.
    /// - Parameter firstIndex: the place of the run's first transaction in its batch.
    /// - Parameter outcome: the batch's; receives what became of the run.
    package mutating func execute(
        operation: Int, arguments: [ArgumentColumn], transactionCount: Int, firstIndex: Int,
        outcome: inout BatchOutcome
    ) {
        // SAFETY: the routine's memory lives and stays in place as long as the engine.
        let code = routines[operation].code
        let frame = routines[operation].frame
        let parameters = routines[operation].parameters
        var lookahead = RowLookahead(arguments, parameters, stores)
        var cursor = ArgumentCursor(arguments)
        for offset in 0..<transactionCount {
            if offset % RowLookahead.transactionCount == 0 {
                lookahead.fetch(
                    min(RowLookahead.transactionCount, transactionCount - offset), stores)
            }
            let observationCount = outcome.observations.count
            changes.begin()
            let verdict =
                bind(cursor, to: parameters, frame)
                ?? evaluate(code, frame, outcome: &outcome)
            switch verdict {
            case .accepted:
                lastSequence += 1
                if outcome.acceptedCount == 0 { outcome.firstSequence = lastSequence }
                outcome.acceptedCount += 1
                journal.append(operation: operation, arguments: cursor, frame: frame)
                keepChanges(sequence: lastSequence)
            case .rejected(let code, rule: let rule, entity: let entity):
                let observations = observationCount..<outcome.observations.count
                reject(
                    firstIndex + offset, code, rule: rule, entity: entity,
                    observations: observations, cursor: cursor, parameters: parameters, &outcome)
                undoChanges()
            }
            cursor.advance()
        }
    }

    /// Puts a transaction's arguments into its frame; a rejection if one is not a value of its
    /// parameter's type, or refers to an entity that does not exist.
    @inline(__always)
    func bind(
        _ arguments: borrowing ArgumentCursor, to parameters: UnsafeBufferPointer<ParameterSlot>,
        _ frame: UnsafeMutablePointer<UInt64>
    ) -> Verdict? {
        for index in 0..<parameters.count {
            let slot = parameters[index]
            let register = Int(slot.register)
            switch slot.kind {
            case .word:
                frame[register] = arguments.word(of: index)
            case .bounded(let greatest):
                frame[register] = arguments.word(of: index)
                guard frame[register] <= greatest else {
                    return .rejected(.argumentOutOfRange, rule: slot.rule, entity: nil)
                }
            case .text(byteCountMax: let byteCountMax):
                let text = arguments.text(of: index)
                if let code = Self.check(text, byteCountMax: byteCountMax) {
                    return .rejected(code, rule: slot.rule, entity: nil)
                }
                frame[register] = UInt64(UInt(bitPattern: text.baseAddress))
                frame[register + 1] = UInt64(text.count)
            case .bytes(byteCountMax: let byteCountMax):
                let bytes = arguments.text(of: index)
                guard bytes.count <= byteCountMax else {
                    return .rejected(.textTooLong, rule: slot.rule, entity: nil)
                }
                frame[register] = UInt64(UInt(bitPattern: bytes.baseAddress))
                frame[register + 1] = UInt64(bytes.count)
            case .uuid:
                let bytes = arguments.text(of: index)
                guard bytes.count == UUIDValue.byteCount else {
                    return .rejected(.argumentOutOfRange, rule: slot.rule, entity: nil)
                }
                frame[register] = UInt64(UInt(bitPattern: bytes.baseAddress))
                frame[register + 1] = UInt64(bytes.count)
            case .time(let kind):
                frame[register] = arguments.word(of: index)
                frame[register + 1] = arguments.nanoseconds(of: index)
                guard kind.contains((frame + register).time) else {
                    return .rejected(.argumentOutOfRange, rule: slot.rule, entity: nil)
                }
            case .reference(type: let type):
                let key: Key
                switch stores[type].shape.keyType {
                case .uint64:
                    key = .number(arguments.word(of: index))
                case .string:
                    let text = arguments.text(of: index)
                    if let code = Self.check(text, byteCountMax: EngineLimits.keyByteCountMax) {
                        return .rejected(code, rule: slot.rule, entity: nil)
                    }
                    key = .text(text)
                case .uuid:
                    let bytes = arguments.text(of: index)
                    guard bytes.count == UUIDValue.byteCount else {
                        return .rejected(.argumentOutOfRange, rule: slot.rule, entity: nil)
                    }
                    key = .text(bytes)
                }
                guard let row = stores[type].find(key) else {
                    return .rejected(.entityMissing, rule: slot.rule, entity: nil)
                }
                frame[register] = UInt64(UInt(bitPattern: row))
            }
        }
        return nil
    }

    private static func check(
        _ text: UnsafeRawBufferPointer, byteCountMax: Int
    ) -> RejectionCode? {
        guard text.count <= byteCountMax else { return .textTooLong }
        return isUTF8(text) ? nil : .textMalformed
    }

    private func reject(
        _ index: Int, _ code: RejectionCode, rule: Int, entity: Row?, observations: Range<Int>,
        cursor: borrowing ArgumentCursor, parameters: UnsafeBufferPointer<ParameterSlot>,
        _ outcome: inout BatchOutcome
    ) {
        let description = program.rules[rule]
        var key: RecordedValue?
        var type = description.entity
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
    package var groupByteCount: Int { journal.byteCountEstimate }

    /// Completes the group's journal record and starts the next group.
    ///
    /// - Parameter buffer: receives the record in exchange for its memory.
    package mutating func finishGroup(
        firstSequence: UInt64, microseconds: UInt64, record buffer: inout ByteBuffer
    ) {
        journal.finish(firstSequence: firstSequence, microseconds: microseconds)
        journal.exchangeRecord(&buffer)
        journal.begin()
    }
}
