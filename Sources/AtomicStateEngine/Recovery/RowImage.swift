internal import AtomicStateSchema

// The row image: an entity in a block of rows (`RowBlocks.swift`). All numbers are little-endian.
//
//     0   8   the sequence of the transaction that changed the entity last
//     8   8   only if the type has optional fields: bit n tells whether field n has a value
//             each field: a number, eight bytes; a timestamp or duration, its seconds and nanoseconds in
//             eight bytes each; a text, its byte count in four bytes and its bytes; a reference, its
//             target's key as a number or text, 0 or empty if there is no value

/// A piece of an image behind its sequence: how it follows from the row.
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
    /// The entities that have changed since they were set aside last.
    package var changedCount: Int {
        stores.indices.reduce(0) { $0 + stores[$1].dirtySlots.count }
    }

    /// The places of entities that were set aside and that `drain` has not looked at yet.
    package var drainingCount: Int {
        stores.indices.reduce(0) { $0 + stores[$1].drainingSlots.count }
    }

    package var isDraining: Bool { drainingCount > 0 }

    /// Sets aside all entities that have changed, for `drain`. When they are drained and stored behind what
    /// was stored before, storage is complete up to the `lastSequence` of this call.
    package mutating func beginDraining(deleted: inout RowBlocks) {
        precondition(!isDraining, "one round of draining ends before the next begins")
        for type in stores.indices {
            stores[type].setDirtyRowsAside()
            takeDeletedKeys(of: type) { deleted.append(type: type, key: $0) { _ in } }
        }
    }

    /// Sets aside all entities. When they are drained and stored, storage needs nothing of what was stored
    /// before.
    package mutating func beginDrainingAll() {
        precondition(!isDraining, "one round of draining ends before the next begins")
        for type in stores.indices {
            stores[type].setAllRowsAside()
            takeDeletedKeys(of: type) { _ in }
        }
    }

    /// Adds the images of some of the entities set aside, as they are now. They come in the order of their
    /// rows in memory, which is mostly that in which they came into being.
    ///
    /// - Parameter limit: the most places to look at.
    package mutating func drain(
        limit: Int, byteCountMax: Int = .max, into blocks: inout RowBlocks
    ) {
        withUnsafeTemporaryAllocation(of: Row.self, capacity: RowBlock.prefetchDistance) { rows in
            var remaining = limit
            for type in stores.indices {
                while remaining > 0, blocks.byteCount < byteCountMax,
                    stores[type].drainingSlots.count > 0
                {
                    let count = stores[type].takeDrainingRows(
                        UnsafeMutableBufferPointer(rebasing: rows.prefix(remaining)))
                    remaining -= count
                    for row in rows.prefix(count) { drain(row, type: type, into: &blocks) }
                }
            }
        }
    }

    private mutating func drain(_ row: Row, type: Int, into blocks: inout RowBlocks) {
        row[RowLayout.flagsOffset] &= ~RowFlags.dirty
        guard row[RowLayout.flagsOffset] & RowFlags.exists != 0 else { return }
        blocks.append(type: type, key: stores[type].key(of: row)) { bytes in
            appendImage(of: row, type: type, to: &bytes)
        }
    }

    /// Calls the body with the key of each deleted entity that was not created anew.
    private mutating func takeDeletedKeys(of type: Int, _ body: (Key) -> Void) {
        let isText = stores[type].shape.keyType.isText
        while let word = stores[type].deletedKeys.removeLast() {
            let key: Key = isText ? .text(TextHeap.text(at: word)) : .number(word)
            if stores[type].find(key) == nil { body(key) }
            if isText { textHeap.free(word) }
        }
    }

    private mutating func appendImage(of row: Row, type: Int, to bytes: inout ByteBuffer) {
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

extension ByteBuffer {
    fileprivate mutating func appendText(_ text: UnsafeRawBufferPointer) {
        append(UInt32(text.count))
        append(text)
    }
}
