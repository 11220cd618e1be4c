package import AtomicStateSchema
internal import AtomicStateValues

// Migration: the entities of one schema as those of another, in an engine of its own. Keys, versions
// and the sequence stay; references find their targets by key; totals are counted anew. Rules about
// transitions are not judged, as nothing has changed for them.

extension Engine {
    /// The state of an engine under another schema. The other engine stays as it is.
    ///
    /// - Parameter findings: receives what the new schema forbids in the data. Unless it stays empty,
    ///   the result must not be served.
    /// - Throws: what would be lost or reinterpreted whatever the values are.
    package init(
        migrating old: borrowing Engine, to program: Program, schemaVersion: UInt16,
        findings: inout MigrationFindings
    ) throws(SchemaChangeError) {
        let populated = old.stores.indices.map { old.stores[$0].entityCount > 0 }
        let change = try SchemaChange(
            from: old.program.schema, to: program.schema, isPopulated: { populated[$0] })
        self.init(program: program, schemaVersion: schemaVersion)
        resume(after: old.lastSequence)
        commitMicroseconds = old.commitMicroseconds
        for (type, source) in change.sources.enumerated() {
            if let source { copyKeys(of: source.type, in: old, to: type) }
        }
        for (type, source) in change.sources.enumerated() {
            if let source { copyFields(of: source, in: old, to: type, &findings) }
        }
        guard !findings.isIncomplete else { return }
        judgeUniqueKeys(&findings)
        guard !findings.isIncomplete else { return }
        do throws(CorruptionError) {
            try finishLoading()
        } catch {
            findings.isIncomplete = true
            findings.add(error.description)
            return
        }
        judgeConditions(&findings)
        judgeInvariants(&findings)
    }
}

// MARK: Copying

extension Engine {
    private mutating func copyKeys(of oldType: Int, in old: borrowing Engine, to type: Int) {
        stores[type].reserve(old.stores[oldType].entityCount)
        for source in old.rows(of: oldType) {
            let row = stores[type].insert(old.stores[oldType].key(of: source), textHeap: &textHeap)
            row[RowLayout.versionOffset] = source[RowLayout.versionOffset]
            // Storage has no image of it under this schema.
            stores[type].markDirty(row)
        }
    }

    private mutating func copyFields(
        of source: SchemaChange.TypeSource, in old: borrowing Engine, to type: Int,
        _ findings: inout MigrationFindings
    ) {
        let fields = program.schema.entities[type].fields
        let layout = program.layouts[type]
        for oldRow in old.rows(of: source.type) {
            guard let row = stores[type].find(old.stores[source.type].key(of: oldRow)) else {
                preconditionFailure("every entity's key has been copied")
            }
            for (index, field) in fields.enumerated() {
                let offset = layout.fieldOffsets[index]
                let problem: String?
                switch source.fields[index] {
                case .absent:
                    continue
                case .constant(let literal):
                    store(literal, at: row + offset)
                    problem = nil
                case .field(let oldField), .enumeration(let oldField, indices: _):
                    guard let place = old.place(of: oldField, in: oldRow, type: source.type) else {
                        if !field.isOptional {
                            note("has no value, and has to have one", field, row, type, &findings)
                        }
                        continue
                    }
                    if case .enumeration(_, let indices) = source.fields[index] {
                        problem = storeEnumeration(indices, Int(place[0]), at: row + offset)
                    } else {
                        problem = copy(place, of: field, in: old, to: row + offset)
                    }
                }
                if let problem { note(problem, field, row, type, &findings) }
                if let presence = layout.presence(of: .field(index)) {
                    row[presence.offset] |= presence.mask
                }
            }
        }
    }

    /// Where a field's value is; nil if it has none.
    private func place(of field: Int, in row: Row, type: Int) -> Row? {
        let layout = program.layouts[type]
        if let presence = layout.presence(of: .field(field)),
            row[presence.offset] & presence.mask == 0
        {
            return nil
        }
        return row + layout.fieldOffsets[field]
    }

    /// Copies a value of the same type; what is wrong with it, if anything.
    private mutating func copy(
        _ source: Row, of field: Field, in old: borrowing Engine, to place: Row
    ) -> String? {
        switch field.type {
        case .entity(let target):
            place[0] = address(ofCounterpartOf: rowAt(source[0]), in: old, type: target)
            return nil
        case .string, .bytes, .uuid:
            let text = TextHeap.text(at: source[0])
            place[0] = textHeap.allocate(text)
            guard let byteCountMax = field.maximumByteCount, text.count > byteCountMax else {
                return nil
            }
            return "has \(text.count) bytes: expected at most \(byteCountMax)"
        case .timestamp, .duration:
            place[0] = source[0]
            place[1] = source[1]
            return nil
        case .bool, .int, .uint, .double, .decimal, .null, .enumeration, .list:
            place[0] = source[0]
            return nil
        }
    }

    /// Which entity of a type has the key of another engine's row of the type with the same name.
    private func address(
        ofCounterpartOf row: Row, in old: borrowing Engine, type: Int
    ) -> UInt64 {
        let isText = stores[type].shape.keyType.isText
        let word = row[RowLayout.keyOffset]
        let key: Key = isText ? .text(TextHeap.text(at: word)) : .number(word)
        guard let counterpart = stores[type].find(key) else {
            preconditionFailure("a reference's type keeps its name, its keys and its entities")
        }
        return UInt64(UInt(bitPattern: counterpart))
    }

    private func storeEnumeration(_ indices: [Int?], _ oldIndex: Int, at place: Row) -> String? {
        guard let index = indices[oldIndex] else {
            return "has a value that the enumeration no longer has"
        }
        place[0] = UInt64(index)
        return nil
    }

    private mutating func store(_ literal: Literal, at place: Row) {
        switch literal {
        case .bool(let value): place[0] = value ? 1 : 0
        case .int(let value), .decimal(unscaled: let value): place[0] = UInt64(bitPattern: value)
        case .uint(let value): place[0] = value
        case .enumeration(let index): place[0] = UInt64(index)
        case .string(let text):
            place[0] = Array(text.utf8).withUnsafeBytes { textHeap.allocate($0) }
        case .bytes(let bytes): place[0] = bytes.withUnsafeBytes { textHeap.allocate($0) }
        case .time(let value):
            place[0] = UInt64(bitPattern: value.seconds)
            place[1] = UInt64(bitPattern: value.nanoseconds)
        case .double, .null: preconditionFailure("no default is of this kind")
        }
    }

    private func note(
        _ problem: String, _ field: Field, _ row: Row, _ type: Int,
        _ findings: inout MigrationFindings
    ) {
        findings.isIncomplete = true
        findings.add("\(name(of: row, type: type)): \(field.name) \(problem)")
    }
}

// MARK: Judging

extension Engine {
    /// Finds the entities that have a unique key in common with another one: no index can hold both.
    private func judgeUniqueKeys(_ findings: inout MigrationFindings) {
        for key in program.uniqueKeys {
            var index = UniqueIndex(key)
            for row in rows(of: key.type) where index.shape.covers(row) {
                let hash = index.shape.hash(of: row)
                guard let other = index.find(row, hash: hash) else {
                    index.insert(row, hash: hash)
                    continue
                }
                findings.isIncomplete = true
                findings.add(
                    "\(name(of: row, type: key.type)): \(program.rules[key.rule].id): "
                        + "the same as \(name(of: other, type: key.type))")
            }
        }
    }

    /// Finds the entities for which the condition of a total can't be computed: no transaction could
    /// change them any more. It is not asked of those that refer to no holder.
    private mutating func judgeConditions(_ findings: inout MigrationFindings) {
        for (total, shape) in zip(program.derived, Array(derived)) {
            guard let condition = total.condition else { continue }
            let rows = rows(of: total.source).filter { $0[shape.groupByOffset] != 0 }
            judge(rows, total.source, by: condition, naming: total.rule, &findings)
        }
    }

    private mutating func judgeInvariants(_ findings: inout MigrationFindings) {
        for type in stores.indices {
            judge(rows(of: type), type, by: program.inspections[type], naming: nil, &findings)
        }
    }

    /// Finds those of a type's entities that a routine over one row rejects.
    ///
    /// - Parameter rule: the rule to be named, if it is another one than the routine names.
    private mutating func judge(
        _ rows: [Row], _ type: Int, by code: Routine, naming rule: Int?,
        _ findings: inout MigrationFindings
    ) {
        let routine = PreparedRoutine(code)
        for row in rows {
            var outcome = BatchOutcome()
            outcome.rules = forms.rules
            routine.frames[0] = UInt64(UInt(bitPattern: row))
            changes.begin()
            let verdict = evaluate(routine.code, routine.frames, outcome: &outcome)
            if case .rejected(let code, rule: let found, entity: _) = verdict {
                let name = name(of: row, type: type)
                findings.add("\(name): \(describe(code, rule ?? found, &outcome))")
            }
            undoChanges()
        }
    }

    private func describe(
        _ code: RejectionCode, _ rule: Int, _ outcome: inout BatchOutcome
    ) -> String {
        let isNamed = program.rules[rule].kind == .invariant
        outcome.rejections.append(
            RejectionRecord(
                index: 0, code: code, rule: rule, key: nil, entityType: nil,
                observations: isNamed ? 0..<outcome.observations.count : 0..<0))
        return outcome.describeRejections(program.schema)[0].summary
    }
}

extension RejectionDescription {
    /// The rule, why it rejects, and what it read.
    package var summary: String {
        let read = observations.map { "\($0.name) = \($0.value)" }.joined(separator: ", ")
        return "\(rule): \(message)" + (read.isEmpty ? "" : " (\(read))")
    }
}
