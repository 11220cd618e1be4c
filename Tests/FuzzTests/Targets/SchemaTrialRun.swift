import AtomicStateEngine
import AtomicStateSchema

/// An accepted schema at work: its operations are carried out on an empty state.
struct SchemaTrialRun {
    private static let transactionCount = 3
    private let program: Program

    init(_ program: Program) {
        self.program = program
    }

    /// What was accepted leads to the same state when it is replayed, and to the same record when it
    /// is carried out again.
    func check() throws(Finding) {
        var engine = Engine(program: program, schemaVersion: 1)
        let arguments = program.schema.operations.map { operation in
            TrialArguments(operation.parameters, program.schema, Self.transactionCount)
        }
        engine.beginGroup(microseconds: 1)
        // Twice, so that an operation meets what one declared after it has created.
        for _ in 0..<2 {
            for (index, arguments) in arguments.enumerated() {
                let run = TransactionRun(
                    form: .operation(index), transactionCount: Self.transactionCount,
                    arguments: arguments.columns)
                do throws(StepError) {
                    let outcome = try engine.execute([run])
                    _ = outcome.describeRejections(program.schema)
                } catch {
                    throw Finding(description: "a declared operation is refused: \(error)")
                }
            }
        }
        _ = engine.inspectInvariants(limit: 5)
        guard !engine.groupIsEmpty else { return }
        try checkRecord(of: &engine)
    }

    private func checkRecord(of engine: inout Engine) throws(Finding) {
        var buffer = ByteBuffer()
        engine.finishGroup(firstSequence: 1, record: &buffer)
        let record = buffer.withBytes { Array($0) }
        var replayed = Engine(program: program, schemaVersion: 1)
        var repeated = Engine(program: program, schemaVersion: 1)
        do throws(CorruptionError) {
            try record.withBytes { (bytes) throws(CorruptionError) in
                try replayed.load(journal: [], then: bytes)
                _ = repeated.carryOutAgain(
                    try JournalRecord(bytes, forms: repeated.forms), into: &buffer)
            }
        } catch {
            throw Finding(description: "the engine's own record is refused: \(error)")
        }
        let differences = engine.differences(from: replayed, limit: 5)
        try expect(differences == [], "the record leads to another state: \(differences)")
        let recordAgain = buffer.withBytes { Array($0) }
        try expect(recordAgain == record, "carried out again, a record becomes another")
    }
}

/// Values for parameters: small numbers and short texts, of which references find some.
private final class TrialArguments {
    private(set) var columns: [ArgumentColumn] = []
    private var memory: [UnsafeMutableRawBufferPointer] = []

    init(_ parameters: [Parameter], _ schema: Schema, _ count: Int) {
        for parameter in parameters {
            switch keyType(parameter.type, schema) {
            case .uuid:
                let texts = (0..<count).map { [UInt8](repeating: UInt8($0), count: 16) }
                append(texts)
            case .string: append((0..<count).map { Array("xy".utf8.prefix($0)) })
            case .uint64:
                columns.append(ArgumentColumn(words: copy((0..<count).map { UInt64($0) })))
            }
        }
    }

    deinit {
        for part in memory { part.deallocate() }
    }

    /// How a value of the type travels: as a key of this kind does.
    private func keyType(_ type: ValueType, _ schema: Schema) -> KeyType {
        switch type {
        case .entity(let index): schema.entities[index].keyType
        case .uuid: .uuid
        case .string, .bytes: .string
        default: .uint64
        }
    }

    private func append(_ texts: [[UInt8]]) {
        columns.append(
            ArgumentColumn(
                text: UnsafeRawBufferPointer(copy(texts.flatMap { $0 })),
                lengths: copy(texts.map { UInt32($0.count) })))
    }

    private func copy<Element: BitwiseCopyable>(
        _ elements: [Element]
    ) -> UnsafeBufferPointer<Element> {
        let copy = UnsafeMutableBufferPointer<Element>.allocate(capacity: elements.count)
        _ = copy.initialize(from: elements)
        memory.append(UnsafeMutableRawBufferPointer(copy))
        return UnsafeBufferPointer(copy)
    }
}
