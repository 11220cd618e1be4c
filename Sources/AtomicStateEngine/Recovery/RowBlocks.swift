// A block of rows, as the rows family has it. All numbers are little-endian.
//
//     0   1   format, `RowBlock.format`
//     1   1   0
//     2   2   the version of the schema that the types' and fields' order refer to
//     4       entities, one behind the other; of two with one key the later counts
//
// An entity:
//
//     0   2   the type's index in the schema
//     2   2   the byte count of the key
//     4   4   the byte count of the image; 0 if the entity is gone
//     8       the key: a number in eight bytes, or a text
//             the image, see `RowImage.swift`

/// Entities on their way to storage, in the order in which they came: each with its image, or without one if
/// it is gone.
package struct RowBlocks: ~Copyable {
    private let schemaVersion: UInt16
    private var bytes: ByteBuffer
    /// Where blocks begin in `bytes`.
    private var starts: [Int] = []
    package private(set) var entityCount = 0

    /// - Parameter schemaVersion: that the entities are of.
    /// - Parameter expectedByteCount: of all blocks. What is added does not move until there are twice as many
    ///   bytes. The system gives memory for them when they come.
    package init(schemaVersion: UInt16, expectedByteCount: Int = 1 << 16) {
        self.schemaVersion = schemaVersion
        bytes = ByteBuffer(capacity: 2 * expectedByteCount)
    }

    package var byteCount: Int { bytes.count }

    /// - Parameter image: adds the image's bytes; none for an entity that is gone.
    mutating func append(type: Int, key: Key, image: (inout ByteBuffer) -> Void) {
        if starts.last.map({ bytes.count - $0 >= RowBlock.byteCountMin }) ?? true { beginBlock() }
        entityCount += 1
        let start = bytes.count
        bytes.append(UInt16(type))
        bytes.append(UInt16(key.byteCount))
        bytes.append(0 as UInt32)
        switch key {
        case .number(let number): bytes.append(number)
        case .text(let text): bytes.append(text)
        }
        let imageStart = bytes.count
        image(&bytes)
        let imageByteCount = UInt32(bytes.count - imageStart).littleEndian
        bytes.withMutableBytes {
            $0.storeBytes(of: imageByteCount, toByteOffset: start + 4, as: UInt32.self)
        }
    }

    private mutating func beginBlock() {
        starts.append(bytes.count)
        bytes.append(RowBlock.format)
        bytes.append(0 as UInt8)
        bytes.append(schemaVersion)
    }

    /// Calls the body with each block, in order.
    package borrowing func forEach<Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        try bytes.withBytes { (bytes) throws(Failure) in
            for (index, start) in starts.enumerated() {
                let end = index + 1 < starts.count ? starts[index + 1] : bytes.count
                try body(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
            }
        }
    }
}

/// The entities of a block, one after the other.
package struct RowBlock {
    static let format: UInt8 = 1
    /// A block is full when it has as many bytes.
    package static let byteCountMin = 256 << 10
    /// How many entities ahead of its turn one is brought near, on the way to a block and from there.
    static let prefetchDistance = 16

    /// An entity as its block has it.
    package struct Entity {
        package let type: Int
        package let key: UnsafeRawBufferPointer
        /// Empty for an entity that is gone.
        package let image: UnsafeRawBufferPointer
    }

    private var reader: ByteReader
    private let typeCount: Int

    /// - Parameter bytes: what the block has, which may be damaged.
    package init(
        _ bytes: UnsafeRawBufferPointer, schemaVersion: UInt16, typeCount: Int
    ) throws(CorruptionError) {
        reader = ByteReader(bytes)
        self.typeCount = typeCount
        let format: UInt8 = try reader.read("the format of a block of rows")
        guard format == Self.format else {
            throw CorruptionError("rows of format \(format): expected \(Self.format)")
        }
        let zero: UInt8 = try reader.read("the header of a block of rows")
        guard zero == 0 else {
            throw CorruptionError("\(zero) in the header of a block of rows: expected 0")
        }
        let version: UInt16 = try reader.read("the schema version of a block of rows")
        guard version == schemaVersion else {
            throw CorruptionError("rows of schema version \(version): expected \(schemaVersion)")
        }
    }

    /// The next entity; nil behind the last one.
    package mutating func next() throws(CorruptionError) -> Entity? {
        guard !reader.isAtEnd else { return nil }
        let type: UInt16 = try reader.read("a row's type")
        guard type < typeCount else {
            throw CorruptionError("row of type \(type): expected one of \(typeCount)")
        }
        let keyByteCount: UInt16 = try reader.read("the byte count of a row's key")
        let imageByteCount: UInt32 = try reader.read("the byte count of a row's image")
        return Entity(
            type: Int(type), key: try reader.readBytes(Int(keyByteCount), "a row's key"),
            image: try reader.readBytes(Int(imageByteCount), "a row's image"))
    }
}

extension Key {
    fileprivate var byteCount: Int {
        switch self {
        case .number: MemoryLayout<UInt64>.size
        case .text(let text): text.count
        }
    }
}
