internal import AtomicStateSchema
internal import AtomicStateValues

// Loading: row images in any order, then the journal's records in order (`Engine+Replay.swift`), then
// `finishLoading`.
//
// The images may be of different sequences, each at least that which storage is complete up to; the
// records from there on lead all of them to the same, last sequence. On the way a row may be referred
// to, changed or deleted before it is there, or without ever being there: the image of an entity that
// was deleted while images were taken is an old one, and may refer to what was deleted before. What
// must not be at the end is a row that is referred to by one that exists, or that was changed and not
// deleted, without being there. References and totals are counted at the end alone.

extension Engine {
    /// Loads entities as `RowImage.swift` describes them.
    package mutating func load(_ rows: borrowing RowImageBatch) throws(CorruptionError) {
        let fields = StoredField.all(in: program)
        try rows.withImages { (images) throws(CorruptionError) in
            for index in 0..<images.count {
                let coming = index + RowImageBatch.prefetchDistance
                if coming < images.count { prefetchSlot(ofStoredKey: images.key(coming)) }
                let (type, key) = try storedKey(images.key(index))
                let row = try expectRow(key, type: type)
                try load(images.image(index), into: row, type: type, fields[type])
            }
        }
    }

    private func storedKey(
        _ bytes: UnsafeRawBufferPointer
    ) throws(CorruptionError) -> (type: Int, Key) {
        var reader = ByteReader(bytes)
        let type = Int(UInt16(bigEndian: try reader.readRaw("a row's type")))
        guard stores.indices.contains(type) else {
            throw CorruptionError("row of type \(type): expected one of \(stores.count)")
        }
        switch stores[type].shape.keyType {
        case .uint64:
            let number: UInt64 = try reader.readRaw("a row's key")
            guard reader.isAtEnd else { throw CorruptionError("bytes after a row's key") }
            return (type, .number(UInt64(bigEndian: number)))
        case .string, .uuid:
            return (
                type, .text(UnsafeRawBufferPointer(rebasing: bytes[MemoryLayout<UInt16>.size...]))
            )
        }
    }

    /// Asks for what a look-up of the key reads first.
    private func prefetchSlot(ofStoredKey bytes: UnsafeRawBufferPointer) {
        guard let (type, key) = try? storedKey(bytes) else { return }
        stores[type].prefetchSlot(of: stores[type].hash(of: key))
    }

    private mutating func load(
        _ image: UnsafeRawBufferPointer, into row: Row, type: Int, _ fields: [StoredField]
    ) throws(CorruptionError) {
        var reader = ByteReader(image)
        let version: UInt8 = try reader.read("a row's format")
        guard version == RowImage.version else {
            throw CorruptionError("row of format \(version): expected \(RowImage.version)")
        }
        let zero: UInt8 = try reader.read("a row's header")
        guard zero == 0 else { throw CorruptionError("\(zero) in a row's header: expected 0") }
        let schemaVersion: UInt16 = try reader.read("a row's schema version")
        guard schemaVersion == self.schemaVersion else {
            throw CorruptionError(
                "row of schema version \(schemaVersion): expected \(self.schemaVersion)")
        }
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

    /// Reads an integer in the machine's order, which the caller converts.
    fileprivate mutating func readRaw<Integer: FixedWidthInteger & BitwiseCopyable>(
        _ what: String
    ) throws(CorruptionError) -> Integer {
        try readBytes(MemoryLayout<Integer>.size, what).loadUnaligned(as: Integer.self)
    }
}
