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
    /// Loads an entity as `RowImage.swift` describes it.
    package mutating func load(
        key: UnsafeRawBufferPointer, image: UnsafeRawBufferPointer
    ) throws(CorruptionError) {
        var keyReader = ByteReader(key)
        let type = Int(UInt16(bigEndian: try keyReader.readRaw("a row's type")))
        guard stores.indices.contains(type) else {
            throw CorruptionError("row of type \(type): expected one of \(stores.count)")
        }
        let row: Row
        switch stores[type].shape.keyType {
        case .uint64:
            let number: UInt64 = try keyReader.readRaw("a row's key")
            guard keyReader.isAtEnd else { throw CorruptionError("bytes after a row's key") }
            row = try expectRow(.number(UInt64(bigEndian: number)), type: type)
        case .string, .uuid:
            let text = UnsafeRawBufferPointer(rebasing: key[MemoryLayout<UInt16>.size...])
            row = try expectRow(.text(text), type: type)
        }
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
        row[RowLayout.flagsOffset] = RowFlags.exists
        let layout = program.layouts[type]
        if let offset = layout.presenceOffset {
            row[offset] = try reader.read("which fields have a value")
        }
        let fields = program.schema.entities[type].fields
        for (index, (field, offset)) in zip(fields, layout.fieldOffsets).enumerated() {
            let presence = layout.presence(of: .field(index))
            let isPresent = presence.map { row[$0.offset] & $0.mask != 0 } ?? true
            switch field.type {
            case .string, .bytes, .uuid:
                let text = try reader.readText()
                row[offset] = textHeap.allocate(try Self.admit(text, by: field))
            case .entity(let target):
                let key: Key =
                    stores[target].shape.keyType.isText
                    ? .text(try reader.readText()) : .number(try reader.read("a reference"))
                row[offset] = try reference(to: key, type: target, isPresent: isPresent)
            case .timestamp, .duration:
                row[offset] = try reader.read("a field's seconds")
                row[offset + 1] = try reader.read("a field's nanoseconds")
                try Self.admit((row + offset).time, by: field)
            case .bool, .int, .uint, .double, .decimal, .null, .enumeration, .list:
                row[offset] = try Self.admit(try reader.read("a field"), by: field)
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
        if case .text(let text) = key {
            try Self.admit(text, asKey: stores[type].shape.keyType)
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

// MARK: Values

extension Engine {
    /// The word, if it is a value of the field's type.
    static func admit(_ word: UInt64, by field: Field) throws(CorruptionError) -> UInt64 {
        let greatest = greatestWord(of: field.type)
        guard word <= greatest else {
            throw CorruptionError("\(word) as \(field.name): expected at most \(greatest)")
        }
        return word
    }

    static func greatestWord(of type: ValueType) -> UInt64 {
        switch type {
        case .bool: 1
        case .enumeration(let values): UInt64(values.count - 1)
        case .int, .uint, .double, .decimal, .string, .bytes, .uuid, .timestamp, .duration, .null,
            .entity, .list:
            .max
        }
    }

    /// The text, if it is a value of the field's type.
    static func admit(
        _ text: UnsafeRawBufferPointer, by field: Field
    ) throws(CorruptionError) -> UnsafeRawBufferPointer {
        switch field.type {
        case .uuid:
            // A field without a value holds an empty text.
            guard text.count == UUIDValue.byteCount || field.isOptional && text.isEmpty else {
                throw CorruptionError(
                    "\(field.name) of \(text.count) bytes: expected \(UUIDValue.byteCount)")
            }
        case .bytes:
            try admit(text, byteCountMax: field.maximumByteCount ?? 0, of: field.name)
        default:
            try admit(text, byteCountMax: field.maximumByteCount ?? 0, of: field.name)
            guard isUTF8(text) else { throw CorruptionError("\(field.name) that is not UTF-8") }
        }
        return text
    }

    private static func admit(
        _ text: UnsafeRawBufferPointer, asKey keyType: KeyType
    ) throws(CorruptionError) {
        if keyType == .uuid {
            guard text.count == UUIDValue.byteCount else {
                throw CorruptionError(
                    "a key of \(text.count) bytes: expected \(UUIDValue.byteCount)")
            }
            return
        }
        try admit(text, byteCountMax: EngineLimits.keyByteCountMax, of: "a key")
        guard isUTF8(text) else { throw CorruptionError("a key that is not UTF-8") }
    }

    static func admit(_ value: TimeValue, by field: Field) throws(CorruptionError) {
        let kind: TimeKind = field.type == .timestamp ? .timestamp : .duration
        guard kind.contains(value) else {
            throw CorruptionError("\(value.seconds) s as \(field.name): out of range")
        }
    }

    private static func admit(
        _ text: UnsafeRawBufferPointer, byteCountMax: Int, of what: String
    ) throws(CorruptionError) {
        guard text.count <= byteCountMax else {
            throw CorruptionError(
                "\(what) of \(text.count) bytes: expected at most \(byteCountMax)")
        }
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
