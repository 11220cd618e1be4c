import AtomicStateEngine
import AtomicStateSchema
import Testing

/// The schema version that tests write and read.
let testSchemaVersion: UInt16 = 3

/// A group's journal record as it is kept.
struct StoredRecord {
    let firstSequence: UInt64
    let bytes: [UInt8]
}

extension Engine {
    /// What blocks of rows and the journal after them lead to.
    init(
        program: Program, blocks: [[UInt8]], completeSequence: UInt64, records: [StoredRecord]
    ) throws(CorruptionError) {
        self.init(program: program, schemaVersion: testSchemaVersion)
        try load(blocks)
        resume(after: completeSequence)
        for record in records where record.firstSequence > completeSequence {
            let memory = ExactMemory(record.bytes)
            defer { withExtendedLifetime(memory) {} }
            try replay(try JournalRecord(memory.bytes, forms: forms))
        }
        try finishLoading()
    }

    /// - Returns: how many entities the blocks have.
    @discardableResult
    mutating func load(_ blocks: [[UInt8]]) throws(CorruptionError) -> Int {
        var count = 0
        for block in blocks {
            let memory = ExactMemory(block)
            defer { withExtendedLifetime(memory) {} }
            count += try load(memory.bytes)
        }
        return count
    }

    /// Executes a record's transactions, all of which are accepted again. Returns the record that they
    /// lead to.
    mutating func `repeat`(_ record: StoredRecord) throws(CorruptionError) -> [UInt8] {
        let memory = ExactMemory(record.bytes)
        defer { withExtendedLifetime(memory) {} }
        var buffer = ByteBuffer()
        let outcome = carryOutAgain(
            try JournalRecord(memory.bytes, forms: forms), into: &buffer)
        #expect(outcome.rejections.isEmpty)
        return buffer.withBytes { Array($0) }
    }
}

/// A copy of bytes in memory of exactly their size, so that a read past the end can be noticed.
final class ExactMemory {
    let bytes: UnsafeRawBufferPointer

    init(_ bytes: [UInt8]) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        memory.copyBytes(from: bytes)
        self.bytes = UnsafeRawBufferPointer(memory)
    }

    deinit { bytes.deallocate() }
}
