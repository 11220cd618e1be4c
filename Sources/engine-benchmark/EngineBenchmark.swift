import AtomicStateEngine
import AtomicStateProtocol
import AtomicStateSchema
import Foundation

/// A fixed, seeded run of transactions through the stages that cost processor time for each of them,
/// for `bench/instructions.py` and `bench/evaluation.py`. Each stage is one function that is not
/// inlined, so that callgrind can be told to count inside of it alone; without callgrind, the times
/// are of use.
///
///     engine-benchmark transfer SCHEMA ACCOUNTS BATCHES
///     engine-benchmark seats SCHEMA TEAMS BATCHES
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
        case "seats":
            try measure(SeatsLoad(compiled, teamCount: entityCount), compiled, batchCount)
        default: usage()
        }
    }

    private static func usage() -> Never {
        print("expected: transfer or seats, the path of its schema, entities, batches")
        exit(64)
    }

    private static func measure(
        _ load: some Load, _ compiled: CompiledSchema, _ batchCount: Int
    ) throws {
        var engine = Engine(program: compiled.program, schemaVersion: 1)
        var record = ByteBuffer()
        for run in load.preparation { pass(run, through: &engine, &record) }
        var generator = SeededGenerator(state: 1)
        // So that memory, caches and branch prediction are as they stay.
        for _ in 0..<max(2, batchCount / 10) {
            pass(load.batch(&generator), through: &engine, &record)
        }
        var times = StageTimes()
        var checksum = 0
        for _ in 0..<batchCount {
            let frame = load.batch(&generator).frame
            let start = ContinuousClock.now
            let request = stageDecode(frame)
            let decoded = ContinuousClock.now
            let outcome = stageEvaluate(&engine, request)
            let evaluated = ContinuousClock.now
            checksum &+= stageEncode(&engine, outcome, &record)
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
    private static func pass(_ run: Run, through engine: inout Engine, _ record: inout ByteBuffer) {
        _ = encode(&engine, evaluate(&engine, decode(run.frame)), &record)
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

    /// The journal record and the reply.
    @inline(never)
    static func stageEncode(
        _ engine: inout Engine, _ outcome: BatchOutcome, _ record: inout ByteBuffer
    ) -> Int {
        encode(&engine, outcome, &record)
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
                })
        }
        do {
            return try engine.execute(runs)
        } catch {
            preconditionFailure("declared operations are always known: \(error)")
        }
    }

    @inline(__always)
    private static func encode(
        _ engine: inout Engine, _ outcome: BatchOutcome, _ record: inout ByteBuffer
    ) -> Int {
        precondition(outcome.rejections.isEmpty, "every transaction of the run is accepted")
        engine.finishGroup(firstSequence: outcome.firstSequence, record: &record)
        let reply = SubmitReply(
            firstSequence: outcome.firstSequence, acceptedCount: outcome.acceptedCount,
            rejections: [])
        var replyByteCount = 0
        ResponseBody.submit(reply).encodeFrame(id: 1) { byteCount, fill in
            var bytes = [UInt8](repeating: 0, count: byteCount)
            bytes.withUnsafeMutableBytes { fill($0) }
            replyByteCount = byteCount
        }
        return record.count + replyByteCount
    }
}
