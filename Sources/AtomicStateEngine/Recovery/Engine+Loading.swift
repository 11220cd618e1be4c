internal import AtomicStateSchema
internal import AtomicStateValues

// Loading: blocks of rows, then the journal's records (`Engine+Replay.swift`), each in order, then
// `finishLoading`.
//
// The images may be of different sequences, each at least that which storage is complete up to; the
// records from there on lead all of them to the same, last sequence. On the way a row may be referred
// to, changed or deleted before it is there, or without ever being there: the image of an entity that
// was deleted while images were taken is an old one, and may refer to what was deleted before. What
// must not be at the end is a row that is referred to by one that exists, or that was changed and not
// deleted, without being there. References and totals are counted at the end alone.

extension Engine {
    /// Loads a block of rows, see `RowBlocks.swift`.
    ///
    /// - Returns: how many entities it has.
    package mutating func load(_ block: UnsafeRawBufferPointer) throws(CorruptionError) -> Int {
        let fields = StoredField.all(in: program)
        var rows = try RowBlock(block, schemaVersion: schemaVersion, typeCount: stores.count)
        var coming = rows
        for _ in 0..<RowBlock.prefetchDistance { try prefetchSlot(of: coming.next()) }
        var count = 0
        while let entity = try rows.next() {
            try prefetchSlot(of: coming.next())
            try load(entity, fields[entity.type])
            count += 1
        }
        return count
    }

    private mutating func storedKey(of entity: RowBlock.Entity) throws(CorruptionError) -> Key {
        switch stores[entity.type].shape.keyType {
        case .uint64:
            guard entity.key.count == MemoryLayout<UInt64>.size else {
                throw CorruptionError("a row's key of \(entity.key.count) bytes: expected 8")
            }
            return .number(UInt64(littleEndian: entity.key.loadUnaligned(as: UInt64.self)))
        case .string, .uuid: return .text(entity.key)
        }
    }

    /// Asks for what a look-up of the entity's key reads first.
    private mutating func prefetchSlot(of entity: RowBlock.Entity?) {
        guard let entity, let key = try? storedKey(of: entity) else { return }
        stores[entity.type].prefetchSlot(of: stores[entity.type].hash(of: key))
    }

    private mutating func load(
        _ entity: RowBlock.Entity, _ fields: [StoredField]
    ) throws(CorruptionError) {
        let type = entity.type
        let key = try storedKey(of: entity)
        guard !entity.image.isEmpty else {
            // Others may refer to it still, and it may come again.
            if let row = stores[type].find(key) { row[RowLayout.flagsOffset] &= ~RowFlags.exists }
            return
        }
        let row = try expectRow(key, type: type)
        var reader = ByteReader(entity.image)
        row[RowLayout.versionOffset] = try reader.read("a row's sequence")
        row[RowLayout.flagsOffset] |= RowFlags.exists
        if let offset = stores[type].shape.presenceOffset {
            row[offset] = try reader.read("which fields have a value")
        }
        for field in fields {
            switch field.form {
            case .word(let greatest):
                try store(try reader.read("a field"), in: row, field, greatest: greatest)
            case .text(let kind): try store(try reader.readText(), in: row, field, kind)
            case .time(let kind):
                let time = TimeValue(
                    seconds: try reader.read("a field's seconds"),
                    nanoseconds: try reader.read("a field's nanoseconds"))
                try store(time, in: row, field, kind)
            case .reference(let target):
                let key: Key =
                    stores[target].shape.keyType.isText
                    ? .text(try reader.readText()) : .number(try reader.read("a reference"))
                let isPresent = field.presence.map { row[$0.offset] & $0.mask != 0 } ?? true
                row[field.offset] = try reference(to: key, type: target, isPresent: isPresent)
            }
        }
        guard reader.isAtEnd else { throw CorruptionError("bytes after a row's last field") }
    }

    /// The journal follows this sequence: what storage is complete up to.
    package mutating func resume(after sequence: UInt64) {
        lastSequence = sequence
    }

    /// Counts references, computes derived values, and refuses rows that never came.
    package mutating func finishLoading() throws(CorruptionError) {
        for type in stores.indices {
            stores[type].forEachRow { row in countReferences(of: row, type: type, by: 1) }
        }
        for type in stores.indices {
            let referenceCountOffset = stores[type].shape.referenceCountOffset
            var missing = 0
            var gone: [Row] = []
            // While loading no row is given back, so each one without an entity is in the index.
            stores[type].forEachAbsentRow { row in
                let isReferredTo = referenceCountOffset.map { row[$0] != 0 } ?? false
                if isReferredTo || row[RowLayout.flagsOffset] & RowFlags.awaited != 0 {
                    missing += 1
                } else {
                    gone.append(row)
                }
            }
            guard missing == 0 else {
                throw CorruptionError(
                    "\(missing) entities of type \(program.schema.entities[type].name) are referred "
                        + "to or changed, but not there")
            }
            for row in gone { removeDeleted(row, type: type) }
        }
        try recomputeDerivedValues()
        try fillUniqueIndices()
    }
}

// MARK: Rows

extension Engine {
    private func address(of row: Row) -> UInt64 { UInt64(UInt(bitPattern: row)) }

    /// What a field holds that refers to the key, or to nothing.
    mutating func reference(
        to key: Key, type: Int, isPresent: Bool
    ) throws(CorruptionError) -> UInt64 {
        if isPresent { return address(of: try expectRow(key, type: type)) }
        guard key.isNothing else {
            throw CorruptionError(
                "the key of a \(program.schema.entities[type].name) where there is no value")
        }
        return 0
    }

    /// The row with this key, which may not have come yet.
    mutating func expectRow(_ key: Key, type: Int) throws(CorruptionError) -> Row {
        if let row = stores[type].find(key) { return row }
        if case .text(let text) = key,
            let misfit = stores[type].shape.keyType.textKind.misfit(of: text)
        {
            throw CorruptionError("a key \(misfit)")
        }
        let row = stores[type].insert(key, textHeap: &textHeap)
        row[RowLayout.flagsOffset] &= ~RowFlags.exists
        return row
    }

    /// A row that the journal deleted: storage may still hold it.
    private mutating func removeDeleted(_ row: Row, type: Int) {
        stores[type].unlink(row)
        for offset in stores[type].shape.textOffsets { textHeap.free(row[offset]) }
        stores[type].deletedKeys.append(row[RowLayout.keyOffset])
        stores[type].release(row)
    }
}

extension Key {
    /// Whether it stands in the place of a key where there is none.
    fileprivate var isNothing: Bool {
        switch self {
        case .number(let number): number == 0
        case .text(let text): text.isEmpty
        }
    }
}

extension ByteReader {
    fileprivate mutating func readText() throws(CorruptionError) -> UnsafeRawBufferPointer {
        let byteCount: UInt32 = try read("a text's byte count")
        return try readBytes(Int(byteCount), "a text")
    }
}
