import AtomicStateEngine
import AtomicStateSchema
import SeededRandom
import Testing

/// Damaged records and rows are refused, or lead to entities that the schema admits: never to a trap,
/// and never to a value outside of its type.
@Suite struct DamageTests {
    @Test(arguments: [TestSchema.seats, .warehouse, .registry, .guild])
    func flippedBits(schema: TestSchema) throws {
        let program = try schema.program()
        var budget = Budget()
        try budget.forEachSeed(of: "runs of \(schema.rawValue) with damaged records") { seed in
            var simulation = Simulation(name: schema.rawValue, program: program, seed: seed)
            try simulation.run(stepCount: 8)
            var random = SeededGenerator(state: seed)
            let records = simulation.checked.records
            let blocks = simulation.checked.storage.blocks
            for index in records.indices {
                for bytes in damaged(records[index].bytes, using: &random) {
                    var records = records
                    records[index] = StoredRecord(
                        firstSequence: records[index].firstSequence, bytes: bytes)
                    recover(program, blocks: [], completeSequence: 0, records, &random)
                }
            }
            for index in blocks.indices {
                for bytes in damaged(blocks[index], using: &random) {
                    var blocks = blocks
                    blocks[index] = bytes
                    recover(
                        program, blocks: blocks,
                        completeSequence: simulation.checked.storage.completeSequence, records,
                        &random)
                }
            }
        }
    }

    /// Each byte changed, and the bytes cut at each place or continued.
    private func damaged(_ bytes: [UInt8], using random: inout SeededGenerator) -> [[UInt8]] {
        var results: [[UInt8]] = [bytes + [0]]
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= UInt8.random(in: 1...255, using: &random)
            results.append(changed)
            results.append(Array(bytes[..<index]))
        }
        return results
    }

    private func recover(
        _ program: Program, blocks: [[UInt8]], completeSequence: UInt64,
        _ records: [StoredRecord], _ random: inout SeededGenerator
    ) {
        do {
            var engine = try Engine(
                program: program, blocks: blocks, completeSequence: completeSequence,
                records: records)
            try use(&engine, &random)
        } catch {
            #expect((error as? CorruptionError)?.description.isEmpty == false)
        }
    }

    /// What was taken for valid has to be usable, and valid when it is read again.
    private func use(_ engine: inout Engine, _ random: inout SeededGenerator) throws {
        var generator = TransactionGenerator(schema: engine.program.schema, seed: random.next())
        for _ in 0..<4 {
            let operation = generator.operation()
            let arguments = generator.arguments(for: .operation(operation))
            let outcome = try engine.execute(operation, [arguments])
            _ = outcome.describeRejections(engine.program.schema)
        }
        _ = engine.inspectInvariants(limit: 10)
    }
}
