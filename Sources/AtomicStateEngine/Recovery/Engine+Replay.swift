internal import AtomicStateSchema
internal import AtomicStateValues

extension Engine {
    /// Applies the after-images of a record to the rows, where they are not there yet.
    package mutating func replay(_ record: JournalRecord) throws(CorruptionError) {
        guard record.header.schemaVersion == schemaVersion else {
            throw CorruptionError(
                "journal record of schema version \(record.header.schemaVersion): expected \(schemaVersion)"
            )
        }
        guard record.header.firstSequence == lastSequence + 1 else {
            throw CorruptionError(
                "journal record of sequence \(record.header.firstSequence): expected \(lastSequence + 1)"
            )
        }
        prepareForms()
        for run in record.runs {
            try run.withArguments { (arguments) throws(CorruptionError) in
                try replay(run, arguments)
            }
        }
        commitMicroseconds = max(commitMicroseconds, record.header.microseconds)
        limitForms()
    }

    private mutating func replay(
        _ run: JournalRecord.Run, _ arguments: [ArgumentColumn]
    ) throws(CorruptionError) {
        let parameters = routines[run.form].parameters
        var lookahead = RowLookahead(
            arguments, transactionCount: run.transactionCount,
            in: routines[run.form].lookaheadMemory)
        let plan = ReplayPlan(run, parameters, program)
        defer { withExtendedLifetime(run) {} }
        var columns = run.columns.map(ReplayColumn.init)
        for transaction in 0..<run.transactionCount {
            if Lookahead.rows.begins(at: transaction) { lookahead.advance(to: transaction, stores) }
            lastSequence += 1
            let likelyRows = lookahead.likelyRows(of: transaction)
            for target in plan.targets {
                let key = columns[target.keyColumn].key
                let likely = target.reference.flatMap { rowAt(ifAny: likelyRows, reference: $0) }
                let row: Row
                // While loading, a row stays where it is, and keeps its key.
                if let likely, key.isKey(of: likely) {
                    row = likely
                } else {
                    row = try expectRow(key, type: target.type)
                }
                try apply(target, plan.fields, columns, to: row)
            }
            for index in columns.indices { columns[index].advance() }
        }
    }

    private func rowAt(ifAny likelyRows: UnsafePointer<UInt64>, reference: Int) -> Row? {
        Row(bitPattern: UInt(likelyRows[reference &* Lookahead.rows.placeCount]))
    }

    /// A transaction may change a row under several names, and may delete and create a key: all of its
    /// targets are applied. To a row that shows them already they change nothing.
    private mutating func apply(
        _ target: ReplayPlan.Target, _ fields: [ReplayPlan.Field], _ columns: [ReplayColumn],
        to row: Row
    ) throws(CorruptionError) {
        guard row[RowLayout.versionOffset] <= lastSequence else { return }
        row[RowLayout.versionOffset] = lastSequence
        stores[target.type].markDirty(row)
        switch target.kind {
        case .delete:
            row[RowLayout.flagsOffset] &= ~(RowFlags.exists | RowFlags.awaited)
            return
        case .create:
            row[RowLayout.flagsOffset] &= ~RowFlags.awaited
            row[RowLayout.flagsOffset] |= RowFlags.exists
        case .update:
            if row[RowLayout.flagsOffset] & RowFlags.exists == 0 {
                row[RowLayout.flagsOffset] |= RowFlags.awaited
            }
        }
        for index in target.fields {
            try apply(fields[index], columns, to: row)
        }
    }

    private mutating func apply(
        _ field: ReplayPlan.Field, _ columns: [ReplayColumn], to row: Row
    ) throws(CorruptionError) {
        let stored = field.stored
        var isPresent = true
        if let presence = stored.presence {
            let bit = columns[field.presenceColumn].word
            guard bit <= 1 else {
                throw CorruptionError("the presence of \(stored.name(in: program)) is no bit")
            }
            isPresent = bit == 1
            row[presence.offset] &= ~presence.mask
            if isPresent { row[presence.offset] |= presence.mask }
        }
        let column = columns[field.column]
        switch stored.form {
        case .word(let greatest): try store(column.word, in: row, stored, greatest: greatest)
        case .text(let kind): try store(column.text, in: row, stored, kind)
        case .time(let kind):
            let time = TimeValue(
                seconds: Int64(bitPattern: column.word),
                nanoseconds: Int64(bitPattern: columns[field.column + 1].word))
            try store(time, in: row, stored, kind)
        case .reference(let referred):
            row[stored.offset] = try reference(
                to: column.key, type: referred, isPresent: isPresent)
        }
    }
}

/// What replaying a run's transactions needs of the schema, looked up once: a transaction takes less time than
/// asking the schema for it.
private struct ReplayPlan {
    struct Target {
        let type: Int
        let kind: WriteTarget.Kind
        let keyColumn: Int
        /// The reference of the look-ahead that names the row, if one does.
        let reference: Int?
        /// Of the plan.
        let fields: Range<Int>
    }

    struct Field: BitwiseCopyable {
        let stored: StoredField
        /// The value's first one, which the presence's one is before.
        let column: Int

        var presenceColumn: Int { column - 1 }
    }

    private(set) var targets: [Target] = []
    private(set) var fields: [Field] = []

    init(
        _ run: JournalRecord.Run, _ parameters: UnsafeBufferPointer<ParameterSlot>,
        _ program: Program
    ) {
        var column = run.firstTargetColumn
        for target in run.targets {
            let keyColumn: Int
            if let parameter = target.keyParameter {
                keyColumn = run.argumentColumns[parameter].lowerBound
            } else {
                keyColumn = column
                column += 1
            }
            let start = fields.count
            for field in target.fields {
                append(StoredField(field, ofType: target.type, in: program), &column)
            }
            targets.append(
                Target(
                    type: target.type, kind: target.kind, keyColumn: keyColumn,
                    reference: target.keyParameter.flatMap {
                        Self.reference(of: $0, to: target.type, parameters)
                    }, fields: start..<fields.count))
        }
    }

    /// - Parameter column: the next one; moved behind the field's.
    private mutating func append(_ field: StoredField, _ column: inout Int) {
        if field.presence != nil { column += 1 }
        fields.append(Field(stored: field, column: column))
        if case .time = field.form { column += 2 } else { column += 1 }
    }

    /// How many of the parameters before it the look-ahead looks up, if it looks up this one.
    private static func reference(
        of parameter: Int, to type: Int, _ parameters: UnsafeBufferPointer<ParameterSlot>
    ) -> Int? {
        func isReference(_ slot: ParameterSlot) -> Bool {
            if case .reference = slot.kind { true } else { false }
        }
        guard case .reference(type) = parameters[parameter].kind else { return nil }
        return parameters[..<parameter].count(where: isReference)
    }
}

/// A column of a run during replay, and where the current transaction's value is. Its memory is the run's.
private struct ReplayColumn: BitwiseCopyable {
    private let words: UnsafeBufferPointer<UInt64>
    /// Nil for a column of words.
    private let texts: UnsafeRawBufferPointer?
    private var transaction = 0
    private var textOffset = 0

    init(_ column: JournalRecord.Column) {
        words = column.words.withUnsafeBufferPointer { $0 }
        texts = column.text
    }

    var word: UInt64 { words[transaction] }

    var text: UnsafeRawBufferPointer {
        guard let texts else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(rebasing: texts[textOffset..<(textOffset + Int(word))])
    }

    var key: Key { texts == nil ? .number(word) : .text(text) }

    mutating func advance() {
        if texts != nil { textOffset += Int(word) }
        transaction += 1
    }
}
