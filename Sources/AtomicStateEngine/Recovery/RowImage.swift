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

/// A piece of an image behind its header: how it follows from the row.
enum RowImagePart: BitwiseCopyable {
    /// So many words from an offset on, as they are.
    case words(Int, count: Int)
    case text(Int)
    case reference(Int, target: Int)

    /// The parts of the images of rows that are laid out so.
    static func all(of layout: RowLayout) -> [RowImagePart] {
        var parts = [RowImagePart]()
        let texts = Set(layout.textOffsets)
        let targets = Dictionary(
            uniqueKeysWithValues: layout.references.map { ($0.offset, $0.target) })
        for offset in layout.storedOffsets {
            if texts.contains(offset) {
                parts.append(.text(offset))
            } else if let target = targets[offset] {
                parts.append(.reference(offset, target: target))
            } else if case .words(let start, count: let count)? = parts.last {
                parts[parts.count - 1] = .words(start, count: count + 1)
            } else {
                parts.append(.words(offset, count: 1))
            }
        }
        return parts
    }
}

extension Engine {
    /// The changed entities that `beginDraining` has set aside and `drain` has not returned yet.
    package var drainingCount: Int {
        stores.indices.reduce(0) { $0 + stores[$1].drainingSlots.count }
    }

    package var isDraining: Bool { drainingCount > 0 }

    /// Sets aside all entities that have changed, for `drain`. When they are drained and stored,
    /// storage is complete up to the `lastSequence` of this call.
    package mutating func beginDraining(deleted: inout RowImageBatch) {
        precondition(!isDraining, "one round of draining ends before the next begins")
        for type in stores.indices {
            stores[type].setDirtyRowsAside()
            drainDeletedKeys(of: type, into: &deleted)
        }
    }

    /// Adds the images of some of the entities set aside, as they are now. They come in the order of their
    /// rows in memory, which is mostly that in which they came into being.
    ///
    /// - Parameter limit: the most entities to look at.
    package mutating func drain(limit: Int, into batch: inout RowImageBatch) {
        withUnsafeTemporaryAllocation(of: Row.self, capacity: RowImageBatch.prefetchDistance) { rows in
            var remaining = limit
            for type in stores.indices {
                while remaining > 0, stores[type].drainingSlots.count > 0 {
                    let count = stores[type].takeDrainingRows(
                        UnsafeMutableBufferPointer(rebasing: rows.prefix(remaining)))
                    remaining -= count
                    for row in rows.prefix(count) { drain(row, type: type, into: &batch) }
                }
            }
        }
    }

    private func drain(_ row: Row, type: Int, into batch: inout RowImageBatch) {
        row[RowLayout.flagsOffset] &= ~RowFlags.dirty
        guard row[RowLayout.flagsOffset] & RowFlags.exists != 0 else { return }
        batch.append(type: type, key: stores[type].key(of: row)) { bytes in
            appendImage(of: row, type: type, to: &bytes)
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
        for part in stores[type].shape.imageParts {
            switch part {
            case .words(let offset, count: let count):
                bytes.append(UnsafeRawBufferPointer(start: row + offset, count: count * 8))
            case .text(let offset): bytes.appendText(TextHeap.text(at: row[offset]))
            case .reference(let offset, target: let target):
                switch key(ofReference: row[offset], type: target) {
                case .number(let number): bytes.append(number)
                case .text(let text): bytes.appendText(text)
                }
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
