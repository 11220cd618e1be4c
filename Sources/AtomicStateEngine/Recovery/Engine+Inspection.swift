internal import AtomicStateSchema
internal import AtomicStateValues

extension Engine {
    /// Executes a record's transactions as if they had just been submitted.
    ///
    /// - Parameter buffer: receives the journal record that they lead to.
    package mutating func carryOutAgain(
        _ record: JournalRecord, into buffer: inout ByteBuffer
    ) -> BatchOutcome {
        prepareForms()
        var outcome = BatchOutcome()
        outcome.rules = forms.rules
        var firstIndex = 0
        beginGroup(microseconds: record.header.microseconds)
        journalByteCountMax = .max
        defer { journalByteCountMax = EngineLimits.journalRecordByteCountMax }
        for run in record.runs {
            run.withArguments { arguments in
                let indices = firstIndex..<(firstIndex + run.transactionCount)
                carryOut(
                    PreparedRun(form: run.form, arguments: arguments, indices: indices), &outcome)
            }
            // What ended the run, such as an atomic batch that was rejected, may have left no trace.
            journal.closeRun()
            firstIndex += run.transactionCount
        }
        finishGroup(firstSequence: record.header.firstSequence, record: &buffer)
        return outcome
    }

    /// What two engines of the same program hold differently, totals included.
    package func differences(from other: borrowing Engine, limit: Int) -> [String] {
        var found: [String] = []
        for type in stores.indices {
            let (count, expected) = (stores[type].entityCount, other.stores[type].entityCount)
            if count != expected {
                let name = program.schema.entities[type].name
                found.append("\(count) entities of type \(name): expected \(expected)")
            }
            for row in rows(of: type) where found.count < limit {
                let key = stores[type].key(of: row)
                guard let otherRow = other.stores[type].find(key) else {
                    found.append("\(name(of: row, type: type)): expected no such entity")
                    continue
                }
                if let member = firstDifference(row, otherRow, type: type) {
                    found.append("\(name(of: row, type: type)): \(member) differs")
                }
            }
        }
        return found
    }

    /// Every row that an invariant does not hold for, rules about transitions aside.
    package mutating func inspectInvariants(limit: Int) -> [String] {
        var found: [String] = []
        for type in stores.indices {
            let routine = PreparedRoutine(program.inspections[type])
            for row in rows(of: type) where found.count < limit {
                var outcome = BatchOutcome()
                routine.frames[0] = UInt64(UInt(bitPattern: row))
                changes.begin()
                if case .rejected(_, let rule, _) = evaluate(
                    routine.code, routine.frames, outcome: &outcome)
                {
                    found.append(
                        "\(name(of: row, type: type)): the invariant "
                            + "\(program.rules[rule].id) does not hold")
                }
                undoChanges()
            }
        }
        return found
    }

    /// The entity as findings name it: its type and key.
    func name(of row: Row, type: Int) -> String {
        let key: String
        switch stores[type].key(of: row) {
        case .number(let number): key = String(number)
        case .text(let text) where stores[type].shape.keyType == .uuid:
            key = UUIDValue(Array(text))?.text ?? HexText.text(of: Array(text))
        case .text(let text): key = String(decoding: text, as: UTF8.self)
        }
        return "\(program.schema.entities[type].name) \(key)"
    }

    private func firstDifference(_ left: Row, _ right: Row, type: Int) -> String? {
        let entity = program.schema.entities[type]
        let layout = program.layouts[type]
        if left[RowLayout.versionOffset] != right[RowLayout.versionOffset] { return "version" }
        for (field, offset) in zip(entity.fields, layout.fieldOffsets) {
            let isEqual: Bool
            switch field.type {
            case .string, .bytes, .uuid:
                isEqual = areEqual(
                    TextHeap.text(at: left[offset]), TextHeap.text(at: right[offset]))
            case .entity(let target):
                isEqual =
                    key(ofReference: left[offset], type: target).text
                    == key(ofReference: right[offset], type: target).text
            case .timestamp, .duration:
                isEqual = (left + offset).time == (right + offset).time
            case .bool, .int, .uint, .double, .decimal, .null, .enumeration, .list:
                isEqual = left[offset] == right[offset]
            }
            if !isEqual { return field.name }
        }
        if let offset = layout.presenceOffset, left[offset] != right[offset] {
            return "the presence of an optional field"
        }
        for (index, value) in entity.derived.enumerated() {
            let offset = layout.derivedOffsets[index]
            let words =
                offset..<(offset + (value.type == .timestamp || value.type == .duration ? 2 : 1))
            if words.contains(where: { left[$0] != right[$0] }) { return value.name }
            if let root = layout.rootOffsets[index], (left[root] == 0) != (right[root] == 0) {
                return value.name
            }
        }
        return nil
    }
}

extension Key {
    fileprivate var text: String {
        switch self {
        case .number(let number): String(number)
        case .text(let text): String(decoding: text, as: UTF8.self)
        }
    }
}
