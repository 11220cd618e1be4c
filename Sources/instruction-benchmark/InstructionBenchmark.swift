import AtomicStateEngine
import AtomicStateProtocol
import AtomicStateSchema
import Foundation

/// A fixed, seeded run of bank transfers through the stages that cost processor time for each
/// transaction, for `bench/instructions.py` to count their instructions under callgrind. Each stage is
/// one function that is not inlined, so that callgrind can be told to count inside of it alone.
@main
struct InstructionBenchmark {
    static let batchCount = 5
    static let transactionCount = 8_000
    static let accountCount: UInt64 = 10_000

    static func main() throws {
        guard CommandLine.arguments.count == 2 else {
            print("expected the path of examples/bank.yaml")
            exit(64)
        }
        let text = try String(contentsOfFile: CommandLine.arguments[1], encoding: .utf8)
        let compiled = try CompiledSchema(text: text)
        var engine = Engine(program: compiled.program, schemaVersion: 1)
        var record = ByteBuffer()
        openAccounts(&engine, compiled, &record)

        var generator = SeededGenerator(state: 1)
        var checksum = 0
        for _ in 0..<batchCount {
            let frame = transfers(compiled, &generator)
            let request = stageDecode(frame)
            let outcome = stageEvaluate(&engine, request)
            checksum &+= stageEncode(&engine, outcome, &record)
        }
        print("\(batchCount * transactionCount) transactions, checksum \(checksum)")
    }

    // MARK: Stages

    @inline(never)
    static func stageDecode(_ frame: [UInt8]) -> DecodedRequest {
        frame.withUnsafeBytes { bytes in
            let message = UnsafeRawBufferPointer(rebasing: bytes[FrameHeader.byteCount...])
            do {
                return try DecodedRequest(message)
            } catch {
                preconditionFailure("\(error)")
            }
        }
    }

    @inline(never)
    static func stageEvaluate(_ engine: inout Engine, _ request: DecodedRequest) -> BatchOutcome {
        guard case .submit(let submit) = request.body else { preconditionFailure("a submit") }
        return execute(
            submit.runs.map { run in
                TransactionRun(
                    form: .operation(Int(run.operation)), transactionCount: run.transactionCount,
                    arguments: run.columns.map { ArgumentColumn(words: $0.words) })
            }, on: &engine)
    }

    /// The journal record and the reply.
    @inline(never)
    static func stageEncode(
        _ engine: inout Engine, _ outcome: BatchOutcome, _ record: inout ByteBuffer
    ) -> Int {
        precondition(outcome.rejections.isEmpty, "every transfer of the run is accepted")
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

    // MARK: Input

    private static func openAccounts(
        _ engine: inout Engine, _ compiled: CompiledSchema, _ record: inout ByteBuffer
    ) {
        let accounts = Array(0..<accountCount)
        let limits = Array(repeating: UInt64(1_000_000), count: accounts.count)
        let noText = Array(repeating: UInt32(0), count: accounts.count)
        accounts.withUnsafeBufferPointer { accounts in
            limits.withUnsafeBufferPointer { limits in
                noText.withUnsafeBufferPointer { noText in
                    let run = TransactionRun(
                        form: .operation(operation("open", compiled)),
                        transactionCount: accounts.count,
                        arguments: [
                            ArgumentColumn(words: accounts),
                            ArgumentColumn(
                                text: UnsafeRawBufferPointer(start: nil, count: 0), lengths: noText),
                            ArgumentColumn(words: limits),
                        ])
                    precondition(execute([run], on: &engine).acceptedCount == accounts.count)
                }
            }
        }
        engine.finishGroup(firstSequence: 1, record: &record)
    }

    @inline(__always)
    private static func execute(
        _ runs: [TransactionRun], on engine: inout Engine
    ) -> BatchOutcome {
        do {
            return try engine.execute(runs)
        } catch {
            preconditionFailure("declared operations are always known: \(error)")
        }
    }

    private static func transfers(
        _ compiled: CompiledSchema, _ generator: inout SeededGenerator
    ) -> [UInt8] {
        var from = Column()
        var to = Column()
        var amount = Column()
        for _ in 0..<transactionCount {
            let source = generator.next() % accountCount
            from.append(source)
            to.append((source + 1 + generator.next() % (accountCount - 1)) % accountCount)
            amount.append(1 + generator.next() % 100)
        }
        let run = Run(
            operation: operation("transfer", compiled), transactionCount: transactionCount,
            arguments: [from, to, amount])
        var frame: [UInt8] = []
        RequestBody.submit([run], timeoutMilliseconds: 0).encodeFrame(id: 1) { byteCount, fill in
            frame = [UInt8](repeating: 0, count: byteCount)
            frame.withUnsafeMutableBytes { fill($0) }
        }
        return frame
    }

    private static func operation(_ name: String, _ compiled: CompiledSchema) -> Int {
        guard let index = compiled.schema.operations.firstIndex(where: { $0.name == name }) else {
            preconditionFailure("the bank has an operation \(name)")
        }
        return index
    }
}

/// SplitMix64 (https://prng.di.unimi.it/splitmix64.c).
struct SeededGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
