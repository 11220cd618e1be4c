import AtomicStateProtocol
import AtomicStateSchema

@testable import AtomicStateEngine

extension InputTarget {
    /// A record of what is remembered of batches.
    static let outcomes = InputTarget(
        name: "outcomes",
        seeds: {
            Depot.requests.flatMap { ServedEngine.served([$0, $0]).outcomes.map(\.bytes) }
        },
        words: { [[1, 0, 0, 0], [2, 0, 0, 0], [3, 1], [8], [0]] }
    ) { (bytes) throws(Finding) in
        var memory = OutcomeMemory()
        do throws(CorruptionError) {
            try memory.load(bytes, group: 1) { (reply) throws(CorruptionError) in
                do throws(Status) {
                    return try SubmitReply(decoding: reply).rejections.count
                } catch {
                    throw CorruptionError(error.message)
                }
            }
        } catch {
            try expect(!error.description.isEmpty, "a record is refused without a reason")
        }
    }

    /// The steps of a run in a journal record.
    static let steps = InputTarget(
        name: "steps",
        seeds: {
            let change = TransactionStep.FieldChange(field: 1, kind: .add)
            let clear = TransactionStep.FieldChange(field: 2, kind: .clear)
            let steps: [TransactionStep] = [
                .operation(0), .operation(4), .create(type: 2, fields: []),
                .create(type: 1, fields: [0, 2, 9]),
                .update(type: 1, changes: [change, clear], expectsVersion: true),
                .update(type: 0, changes: [clear], expectsVersion: false),
                .delete(type: 2, expectsVersion: true),
            ]
            return steps.map { encoding(of: [$0]) } + [encoding(of: steps)]
        },
        words: { [[2, 1, 0, 0], [1, 1, 0], [3, 2, 0, 1]] }
    ) { (bytes) throws(Finding) in
        var reader = ByteReader(bytes)
        let steps: [TransactionStep]
        do throws(CorruptionError) {
            steps = try reader.readSteps()
        } catch {
            try expect(!error.description.isEmpty, "steps are refused without a reason")
            return
        }
        let written = encoding(of: steps)
        try expect(bytes.starts(with: written), "steps are written otherwise than they were read")
        let forms = TransactionForms(program: Depot.compiled.program)
        let found: (first: Int, second: Int)
        do throws(StepError) {
            found = (try forms.index(of: steps), try forms.index(of: steps))
        } catch {
            try expect(!error.description.isEmpty, "steps do not fit, without a reason")
            return
        }
        try expect(found.first == found.second, "the same steps are two forms")
        let columns = JournalColumn.columns(of: forms.forms[found.first], in: forms.program)
        try expect(!columns.isEmpty || forms.forms[found.first].parameters.isEmpty, "no columns")
    }

    private static func encoding(of steps: [TransactionStep]) -> [UInt8] {
        var buffer = ByteBuffer()
        buffer.append(steps)
        return buffer.withBytes { Array($0) }
    }
}
