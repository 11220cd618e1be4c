internal import CPlatform

/// Entities on their way to storage or from there: each a key with its image, or without one if the entity is
/// gone. They come in no order.
package struct RowImageBatch: ~Copyable {
    private var bytes: ByteBuffer
    private var entries: [Entry] = []

    /// Where a key is in `bytes`, with its image behind it; an entity that is gone has none.
    fileprivate struct Entry: BitwiseCopyable {
        let start: Int
        let keyByteCount: UInt32
        let imageByteCount: UInt32

        func key(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(rebasing: bytes[start..<start + Int(keyByteCount)])
        }

        func image(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
            let imageStart = start + Int(keyByteCount)
            return UnsafeRawBufferPointer(
                rebasing: bytes[imageStart..<imageStart + Int(imageByteCount)])
        }
    }

    /// What tells most keys apart without reading them: among a million, each read waits for memory.
    private struct SortedEntry: BitwiseCopyable {
        /// The first eight bytes behind what all keys begin with, zeros where the key has ended.
        let prefix: UInt64
        let type: UInt16
        let index: UInt32
    }

    /// How many rows or images ahead of its turn one is brought near.
    static let prefetchDistance = 16
    /// A key of eight bytes and an image of one field take a little more.
    private static let imageByteCountMin = 24
    private static let typeByteCount = MemoryLayout<UInt16>.size

    /// - Parameter expectedByteCount: of keys and images. What is added does not move until there are as many
    ///   bytes and a few more. The system gives memory for them when they come.
    package init(expectedByteCount: Int = 1 << 16) {
        let capacity = expectedByteCount + max(expectedByteCount / 16, 1 << 16)
        bytes = ByteBuffer(capacity: capacity)
        entries.reserveCapacity(capacity / Self.imageByteCountMin)
    }

    package var count: Int { entries.count }
    package var byteCount: Int { bytes.count }

    /// What was added, in the order in which it was.
    struct Images {
        fileprivate let entries: [Entry]
        fileprivate let bytes: UnsafeRawBufferPointer

        var count: Int { entries.count }

        func key(_ index: Int) -> UnsafeRawBufferPointer { entries[index].key(bytes) }

        /// Empty for an entity that is gone.
        func image(_ index: Int) -> UnsafeRawBufferPointer { entries[index].image(bytes) }
    }

    borrowing func withImages<Failure: Error>(
        _ body: (Images) throws(Failure) -> Void
    ) throws(Failure) {
        try bytes.withBytes { (bytes) throws(Failure) in
            try body(Images(entries: entries, bytes: bytes))
        }
    }

    /// Calls the body with each key and its image, nil for an entity that is gone, in the order of
    /// the keys, each key once: a key that came twice has the later image.
    package borrowing func forEachInKeyOrder<Failure: Error>(
        _ body: (_ key: UnsafeRawBufferPointer, _ image: UnsafeRawBufferPointer?) throws(Failure)
            -> Void
    ) throws(Failure) {
        try bytes.withBytes { (bytes) throws(Failure) in
            let order = Self.sorted(entries, bytes)
            for position in order.indices {
                if position + Self.prefetchDistance < order.count {
                    let coming = entries[Int(order[position + Self.prefetchDistance].index)]
                    prefetch(bytes.baseAddress.unsafelyUnwrapped + coming.start)
                }
                let entry = entries[Int(order[position].index)]
                let key = entry.key(bytes)
                if position + 1 < order.count, order[position].prefix == order[position + 1].prefix,
                    areEqual(key, entries[Int(order[position + 1].index)].key(bytes))
                {
                    continue
                }
                let image = entry.image(bytes)
                try body(key, image.isEmpty ? nil : image)
            }
        }
    }

    private static func sorted(
        _ entries: [Entry], _ bytes: UnsafeRawBufferPointer
    ) -> [SortedEntry] {
        let start = typeByteCount + commonByteCount(of: entries, bytes)
        var order = entries.enumerated().map { index, entry in
            let key = entry.key(bytes)
            return SortedEntry(
                prefix: prefix(of: UnsafeRawBufferPointer(rebasing: key[start...])),
                type: UInt16(bigEndian: key.loadUnaligned(as: UInt16.self)), index: UInt32(index))
        }
        order.sort { left, right in
            if left.type != right.type { return left.type < right.type }
            if left.prefix != right.prefix { return left.prefix < right.prefix }
            let order = compare(
                entries[Int(left.index)].key(bytes), entries[Int(right.index)].key(bytes))
            return order != 0 ? order < 0 : left.index < right.index
        }
        return order
    }

    /// How many bytes behind the type all keys begin with: names like `team-000017` differ late.
    private static func commonByteCount(
        of entries: [Entry], _ bytes: UnsafeRawBufferPointer
    ) -> Int {
        func name(_ entry: Entry) -> UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(rebasing: entry.key(bytes)[typeByteCount...])
        }
        func start(of name: UnsafeRawBufferPointer, _ count: Int) -> UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(rebasing: name.prefix(count))
        }
        guard let first = entries.first.map(name) else { return 0 }
        var count = first.count
        for entry in entries where !areEqual(start(of: name(entry), count), start(of: first, count))
        {
            count = zip(name(entry), first).prefix(count).prefix(while: ==).count
        }
        return count
    }

    private static func prefix(of key: UnsafeRawBufferPointer) -> UInt64 {
        var prefix: UInt64 = 0
        withUnsafeMutableBytes(of: &prefix) { prefix in
            prefix.copyMemory(
                from: UnsafeRawBufferPointer(rebasing: key.prefix(prefix.count)))
        }
        return UInt64(bigEndian: prefix)
    }

    /// Adds an entity with the key that it has in storage.
    package mutating func append(key: UnsafeRawBufferPointer, image: UnsafeRawBufferPointer) {
        entries.append(
            Entry(
                start: bytes.count, keyByteCount: UInt32(key.count),
                imageByteCount: UInt32(image.count)))
        bytes.append(key)
        bytes.append(image)
    }

    mutating func append(type: Int, key: Key, image: (inout ByteBuffer) -> Void) {
        let start = bytes.count
        bytes.append(UInt16(type).bigEndian)
        switch key {
        case .number(let number): bytes.append(number.bigEndian)
        case .text(let text): bytes.append(text)
        }
        let keyEnd = bytes.count
        image(&bytes)
        entries.append(
            Entry(
                start: start, keyByteCount: UInt32(keyEnd - start),
                imageByteCount: UInt32(bytes.count - keyEnd)))
    }
}
