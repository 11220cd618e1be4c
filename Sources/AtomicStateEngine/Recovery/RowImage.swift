internal import AtomicStateSchema

// The row image: an entity in RocksDB's rows family. All numbers of the value are little-endian.
//
// Key:
//
//     0   2   the type's index in the schema, big-endian
//     2       the entity's key: eight big-endian bytes, or UTF-8
//
// Value:
//
//     0   1   format, `RowImage.version`
//     1   1   0
//     2   2   the version of the schema that the type's and fields' order refer to
//     4   8   the sequence of the transaction that changed the entity last
//     12  8   only if the type has optional fields: bit n tells whether field n has a value
//             each field: a number, eight bytes; a timestamp or duration, its seconds and nanoseconds in
//             eight bytes each; a text, its byte count in four bytes and its bytes; a reference, its
//             target's key as a number or text, 0 or empty if there is no value

enum RowImage {
    static let version: UInt8 = 1
}

/// Changed entities on their way to storage: each a key with its image, or without one if the entity
/// is gone. They come in no order.
package struct RowImageBatch: ~Copyable {
    private var bytes = ByteBuffer(capacity: 1 << 16)
    /// Where each entry's key starts and ends, and where its image ends; no image has this last equal
    /// to the one before.
    private var entries: [(key: Range<Int>, imageEnd: Int)] = []

    package init() {}

    package var count: Int { entries.count }
    package var byteCount: Int { bytes.count }

    /// Calls the body with each key and its image, nil for an entity that is gone, in the order of
    /// the keys, each key once: a key that came twice has the later image.
    package borrowing func forEachInKeyOrder<Failure: Error>(
        _ body: (_ key: UnsafeRawBufferPointer, _ image: UnsafeRawBufferPointer?) throws(Failure)
            -> Void
    ) throws(Failure) {
        try bytes.withBytes { (bytes) throws(Failure) in
            func key(_ index: Int) -> UnsafeRawBufferPointer {
                UnsafeRawBufferPointer(rebasing: bytes[entries[index].key])
            }
            let order = entries.indices.sorted { left, right in
                let order = compare(key(left), key(right))
                return order != 0 ? order < 0 : left < right
            }
            for (position, index) in order.enumerated() {
                if position + 1 < order.count, areEqual(key(index), key(order[position + 1])) {
                    continue
                }
                let entry = entries[index]
                let image = bytes[entry.key.upperBound..<entry.imageEnd]
                try body(key(index), image.isEmpty ? nil : UnsafeRawBufferPointer(rebasing: image))
            }
        }
    }

    mutating func append(
        type: Int, key: Key, image: (inout ByteBuffer) -> Void
    ) {
        let start = bytes.count
        bytes.append(UInt16(type).bigEndian)
        switch key {
        case .number(let number): bytes.append(number.bigEndian)
        case .text(let text): bytes.append(text)
        }
        let keyEnd = bytes.count
        image(&bytes)
        entries.append((start..<keyEnd, bytes.count))
    }
}

extension Engine {
    /// The changed entities that `beginDraining` has set aside and `drain` has not returned yet.
    package var isDraining: Bool {
        stores.indices.contains { stores[$0].drainingRows.count > 0 }
    }

    /// Sets aside all entities that have changed, for `drain`. When they are drained and stored,
    /// storage is complete up to the `lastSequence` of this call.
    package mutating func beginDraining(deleted: inout RowImageBatch) {
        precondition(!isDraining, "one round of draining ends before the next begins")
        for type in stores.indices {
            stores[type].setDirtyRowsAside()
            drainDeletedKeys(of: type, into: &deleted)
        }
    }

    /// Adds the images of some of the entities set aside, as they are now.
    ///
    /// - Parameter limit: the most entities to look at.
    package mutating func drain(limit: Int, into batch: inout RowImageBatch) {
        var remaining = limit
        for type in stores.indices {
            while remaining > 0, let address = stores[type].drainingRows.removeLast() {
                remaining -= 1
                let row = rowAt(address)
                row[RowLayout.flagsOffset] &= ~RowFlags.dirty
                guard row[RowLayout.flagsOffset] & RowFlags.exists != 0 else { continue }
                batch.append(type: type, key: stores[type].key(of: row)) { bytes in
                    appendImage(of: row, type: type, to: &bytes)
                }
            }
        }
    }

    /// A deleted entity's key whose entity was created anew is not deleted any more.
    private mutating func drainDeletedKeys(of type: Int, into batch: inout RowImageBatch) {
        let isText = stores[type].shape.keyType.isText
        var seen: Set<[UInt8]> = []
        while let word = stores[type].deletedKeys.removeLast() {
            let key: Key = isText ? .text(TextHeap.text(at: word)) : .number(word)
            if stores[type].find(key) == nil, seen.insert(key.bytes).inserted {
                batch.append(type: type, key: key) { _ in }
            }
            if isText { textHeap.free(word) }
        }
    }

    private func appendImage(of row: Row, type: Int, to bytes: inout ByteBuffer) {
        bytes.append(RowImage.version)
        bytes.append(0 as UInt8)
        bytes.append(schemaVersion)
        bytes.append(row[RowLayout.versionOffset])
        let layout = program.layouts[type]
        if let offset = layout.presenceOffset { bytes.append(row[offset]) }
        for (field, offset) in zip(program.schema.entities[type].fields, layout.fieldOffsets) {
            switch field.type {
            case .timestamp, .duration:
                bytes.append(row[offset])
                bytes.append(row[offset + 1])
            case .string, .bytes, .uuid:
                bytes.appendText(TextHeap.text(at: row[offset]))
            case .entity(let target):
                switch key(ofReference: row[offset], type: target) {
                case .number(let number): bytes.append(number)
                case .text(let text): bytes.appendText(text)
                }
            case .bool, .int, .uint, .double, .decimal, .null, .enumeration, .list:
                bytes.append(row[offset])
            }
        }
    }
}

extension Engine {
    /// The key of the row that a field refers to; 0 or an empty text for none.
    func key(ofReference word: UInt64, type: Int) -> Key {
        if word != 0 { return stores[type].key(of: rowAt(word)) }
        return stores[type].shape.keyType.isText
            ? .text(UnsafeRawBufferPointer(start: nil, count: 0)) : .number(0)
    }
}

extension Key {
    fileprivate var bytes: [UInt8] {
        switch self {
        case .number(let number): withUnsafeBytes(of: number.bigEndian) { Array($0) }
        case .text(let text): Array(text)
        }
    }
}

extension ByteBuffer {
    fileprivate mutating func appendText(_ text: UnsafeRawBufferPointer) {
        append(UInt32(text.count))
        append(text)
    }
}
