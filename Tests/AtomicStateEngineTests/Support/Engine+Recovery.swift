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

/// An entity's row image as it is kept.
struct StoredRow {
    let key: [UInt8]
    let image: [UInt8]
}

extension Engine {
    /// What row images and the journal after them lead to.
    init(
        program: Program, rows: [StoredRow], completeSequence: UInt64, records: [StoredRecord]
    ) throws(CorruptionError) {
        self.init(program: program, schemaVersion: testSchemaVersion)
        for row in rows {
            let key = ExactMemory(row.key)
            let image = ExactMemory(row.image)
            defer { withExtendedLifetime((key, image)) {} }
            try load(key: key.bytes, image: image.bytes)
        }
        resume(after: completeSequence)
        for record in records where record.firstSequence > completeSequence {
            let memory = ExactMemory(record.bytes)
            defer { withExtendedLifetime(memory) {} }
            try replay(try JournalRecord(memory.bytes, program: program))
        }
        try finishLoading()
    }

    /// Executes a record's transactions, all of which are accepted again.
    mutating func `repeat`(_ record: JournalRecord) {
        var outcome = BatchOutcome()
        for run in record.runs {
            run.withArguments { arguments in
                execute(
                    operation: run.operation, arguments: arguments,
                    transactionCount: run.transactionCount, firstIndex: 0, outcome: &outcome)
            }
        }
        #expect(outcome.rejections.isEmpty)
    }
}

extension JournalRecord {
    /// Reads a record while its memory lives.
    static func withRecord<Result>(
        _ bytes: [UInt8], _ program: Program, _ body: (JournalRecord) -> Result
    ) throws(CorruptionError) -> Result {
        let memory = ExactMemory(bytes)
        defer { withExtendedLifetime(memory) {} }
        return body(try JournalRecord(memory.bytes, program: program))
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
