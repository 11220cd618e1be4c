import AtomicStateEngine
import AtomicStateProtocol
import AtomicStateSchema
import AtomicStateServer
import Foundation

/// A fixed, seeded run of transactions through the stages that cost processor time for each of them,
/// for `bench/instructions.py` and `bench/evaluation.py`. Each stage is one function that is not
/// inlined, so that callgrind can be told to count inside of it alone; without callgrind, the times
/// are of use.
///
///     engine-benchmark transfer SCHEMA ACCOUNTS BATCHES
///     engine-benchmark keyed-transfer SCHEMA ACCOUNTS BATCHES
///     engine-benchmark seats SCHEMA TEAMS BATCHES
///     engine-benchmark refused-seats SCHEMA TEAMS BATCHES
///
/// A keyed load has an idempotency key for every transaction and a name for every batch, as an SDK's
/// session has. Of refused seats, one transaction in a hundred is rejected.
///
/// Prints one JSON object: how many transactions were measured, and of each stage the best and the
/// median batch, in nanoseconds a transaction.
@main
struct EngineBenchmark {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        guard arguments.count == 4, let entityCount = Int(arguments[3]), entityCount > 0,
            let batchCount = Int(arguments[4]), batchCount > 0
        else { usage() }
        let compiled = try CompiledSchema(
            text: String(contentsOfFile: arguments[2], encoding: .utf8))
        switch arguments[1] {
        case "transfer":
            try measure(TransferLoad(compiled, accountCount: entityCount), compiled, batchCount)
        case "keyed-transfer":
            try measure(
                TransferLoad(compiled, accountCount: entityCount), compiled, batchCount,
                isKeyed: true)
        case "seats":
            try measure(SeatsLoad(compiled, teamCount: entityCount), compiled, batchCount)
        case "refused-seats":
            try measure(
                SeatsLoad(compiled, teamCount: entityCount, isRefused: true), compiled, batchCount)
        default: usage()
        }
    }

    private static func usage() -> Never {
        print(
            "expected: transfer, keyed-transfer, seats or refused-seats; a schema's path; entities; "
                + "batches")
        exit(64)
    }

    private static func measure(
        _ load: some Load, _ compiled: CompiledSchema, _ batchCount: Int, isKeyed: Bool = false
    ) throws {
        var engine = Engine(program: compiled.program, schemaVersion: 1)
        engine.outcomes = OutcomeMemory(
            capacity: 10_000_000, forgottenUntil: 0, firstGroup: 0)
        var records = Records(schema: compiled.schema)
        var frames = Frames(isKeyed: isKeyed)
        for run in load.preparation { pass(frames.frame(of: run), through: &engine, &records) }
        var generator = SeededGenerator(state: 1)
        records.rejectionCount = load.rejectionCountPerBatch
        // So that memory, caches and branch prediction are as they stay.
        for _ in 0..<max(2, batchCount / 10) {
            pass(frames.frame(of: load.batch(&generator)), through: &engine, &records)
        }
        var times = StageTimes()
        var checksum = 0
        for _ in 0..<batchCount {
            let frame = frames.frame(of: load.batch(&generator))
            let start = ContinuousClock.now
            let request = stageDecode(frame)
            let decoded = ContinuousClock.now
            let outcome = stageEvaluate(&engine, request)
            let evaluated = ContinuousClock.now
            checksum &+= stageEncode(&engine, outcome, &records)
            withExtendedLifetime(request) {}
            times.add([
                "decode": decoded - start, "evaluate": evaluated - decoded,
                "encode": .now - evaluated,
            ])
        }
        let stages = times.json(transactionCountPerBatch: transactionCountPerBatch)
        print(
            """
            {"transactions": \(batchCount * transactionCountPerBatch), "checksum": \(checksum), \
            "ns": \(stages)}
            """)
    }

    /// What is not measured.
    private static func pass(
        _ frame: [UInt8], through engine: inout Engine, _ records: inout Records
    ) {
        let request = decode(frame)
        _ = encode(&engine, evaluate(&engine, request), &records)
        withExtendedLifetime(request) {}
    }
}

// MARK: Stages

extension EngineBenchmark {
    @inline(never)
    static func stageDecode(_ frame: [UInt8]) -> DecodedRequest {
        decode(frame)
    }

    @inline(never)
    static func stageEvaluate(_ engine: inout Engine, _ request: DecodedRequest) -> BatchOutcome {
        evaluate(&engine, request)
    }

    /// The journal record, the outcome record and the reply.
    @inline(never)
    static func stageEncode(
        _ engine: inout Engine, _ outcome: BatchOutcome, _ records: inout Records
    ) -> Int {
        encode(&engine, outcome, &records)
    }

    @inline(__always)
    private static func decode(_ frame: [UInt8]) -> DecodedRequest {
        frame.withUnsafeBytes { bytes in
            let message = UnsafeRawBufferPointer(rebasing: bytes[FrameHeader.byteCount...])
            do {
                return try DecodedRequest(message)
            } catch {
                preconditionFailure("\(error)")
            }
        }
    }

    @inline(__always)
    private static func evaluate(
        _ engine: inout Engine, _ request: DecodedRequest
    ) -> BatchOutcome {
        guard case .submit(let submit) = request.body else { preconditionFailure("a submit") }
        let runs = submit.runs.map { run in
            TransactionRun(
                form: .operation(Int(run.operation)), transactionCount: run.transactionCount,
                arguments: run.columns.map { column in
                    column.isText
                        ? ArgumentColumn(text: column.text, lengths: column.lengths)
                        : ArgumentColumn(words: column.words)
                }, idempotencyKeys: run.idempotencyKeys)
        }
        if let name = submit.name { engine.beginGroup(microseconds: name.sentMilliseconds * 1_000) }
        guard
            case .carriedOut(let outcome)? = try? engine.submit(
                runs, isAtomic: false, name: submit.name)
        else { preconditionFailure("declared operations are always known, and every batch is new") }
        return outcome
    }

    @inline(__always)
    private static func encode(
        _ engine: inout Engine, _ outcome: BatchOutcome, _ records: inout Records
    ) -> Int {
        precondition(
            outcome.rejections.count == records.rejectionCount, "the load tells what is rejected")
        engine.finishGroup(firstSequence: outcome.firstSequence, record: &records.journal)
        records.outcomes.removeAll()
        records.outcomes.append(outcome)
        var replyByteCount = 0
        outcome.response(records.schema).encodeFrame(id: 1) { byteCount, fill in
            var bytes = [UInt8](repeating: 0, count: byteCount)
            bytes.withUnsafeMutableBytes { fill($0) }
            replyByteCount = byteCount
        }
        return records.journal.count + records.outcomes.withRecord(\.count) + replyByteCount
    }
}

/// What goes to storage for a commit group, and what its reply is made from.
struct Records: ~Copyable {
    let schema: Schema
    /// What a batch must have.
    var rejectionCount = 0
    var journal = ByteBuffer()
    var outcomes = OutcomeEncoder()

    init(schema: Schema) {
        self.schema = schema
    }
}
