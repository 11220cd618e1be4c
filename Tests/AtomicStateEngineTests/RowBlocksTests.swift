import SeededRandom
import Testing

@testable import AtomicStateEngine

@Suite struct RowBlocksTests {
    private struct Entity: Equatable {
        let type: Int
        let key: [UInt8]
        let image: [UInt8]
    }

    /// Entities come back in the order in which they were added, over the ends of blocks.
    @Test func entitiesComeBackInOrder() throws {
        var random = SeededGenerator(state: 1)
        var rows = RowBlocks(schemaVersion: 7)
        var expected: [Entity] = []
        while rows.byteCount < 3 * RowBlock.byteCountMin {
            let type = random.pick([0, 1, 255, 256])
            let imageByteCount = random.oneIn(4) ? 0 : random.pick([8, 100, 5_000])
            let image = [UInt8](repeating: UInt8(type & 0xFF), count: imageByteCount)
            var key: [UInt8]
            if type == 0 {
                let number = UInt64.random(in: .min ... .max, using: &random)
                key = withUnsafeBytes(of: number.littleEndian) { Array($0) }
                rows.append(type: type, key: .number(number)) { append(image, to: &$0) }
            } else {
                key = [UInt8](repeating: 9, count: Int.random(in: 1...20, using: &random))
                key.withUnsafeBytes { key in
                    rows.append(type: type, key: .text(key)) { append(image, to: &$0) }
                }
            }
            expected.append(Entity(type: type, key: key, image: image))
        }
        var found: [Entity] = []
        var blockCount = 0
        try rows.forEach { bytes in
            blockCount += 1
            #expect(bytes.count < RowBlock.byteCountMin + 6_000)
            var block = try RowBlock(bytes, schemaVersion: 7, typeCount: 257)
            while let entity = try block.next() {
                found.append(
                    Entity(
                        type: entity.type, key: Array(entity.key), image: Array(entity.image)))
            }
        }
        #expect(blockCount == 3)
        #expect(rows.entityCount == expected.count)
        #expect(found == expected)
    }

    private func append(_ image: [UInt8], to bytes: inout ByteBuffer) {
        image.withUnsafeBytes { bytes.append($0) }
    }

    @Test(arguments: [
        (0, 9, "rows of format 9: expected 1"),
        (1, 1, "1 in the header of a block of rows: expected 0"),
        (2, 8, "rows of schema version 8: expected 7"), (4, 2, "row of type 2: expected one of 2"),
        (6, 9, "a row's image: expected 3 bytes at offset 21, found 2"),
        (8, 4, "a row's image: expected 4 bytes at offset 20, found 3"),
    ])
    func damageIsNamed(offset: Int, byte: UInt8, message: String) {
        var bytes: [UInt8] = [1, 0, 7, 0, 1, 0, 8, 0, 3, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3]
        #expect(throws: Never.self) { try entityCount(of: bytes) }
        bytes[offset] = byte
        let error = #expect(throws: CorruptionError.self) { try entityCount(of: bytes) }
        #expect(error?.description == message)
    }

    private func entityCount(of bytes: [UInt8]) throws -> Int {
        try bytes.withUnsafeBytes { bytes in
            var block = try RowBlock(bytes, schemaVersion: 7, typeCount: 2)
            var count = 0
            while try block.next() != nil { count += 1 }
            return count
        }
    }
}
