import AtomicStateSchema
import Testing

/// Random transactions against the reference model, and against crashes.
@Suite struct DifferentialTests {
    @Test(arguments: TestSchema.allCases)
    func agreesWithTheModel(schema: TestSchema) throws {
        let program = try schema.program()
        var budget = Budget()
        try budget.forEachSeed(of: "runs of \(schema.rawValue) beside the model") { seed in
            var simulation = Simulation(name: schema.rawValue, program: program, seed: seed)
            try simulation.run(stepCount: 60)
        }
    }

    /// A new schema for every seed: rules of every form, most of them meaningless.
    @Test func agreesOnRandomRules() throws {
        var budget = Budget()
        try budget.forEachSeed(of: "random schemas beside the model") { seed in
            var generator = RandomSchema(seed: seed)
            let text = generator.text()
            var program: Program?
            do throws(SchemaError) {
                program = try Program(compiling: Schema(parsing: text))
            } catch {
                Issue.record("seed \(seed): \(error.rendered(file: "random", source: text))")
            }
            var simulation = Simulation(
                name: "random", program: try #require(program), seed: seed)
            try simulation.run(stepCount: 30)
        }
    }

    /// The random transactions are neither all accepted nor all rejected for the same few reasons:
    /// sooner or later each code is met, and all rules and unique keys but a few.
    @Test func everythingComesUp() throws {
        let program = try TestSchema.guild.program()
        let declared =
            program.schema.entities.flatMap(\.invariants).map(\.id)
            + program.schema.transactionInvariants.map(\.id)
            + program.schema.entities.flatMap { type in
                type.uniqueKeys.map { "\(type.name).\($0.id)" }
            }
        var missingRules = Set(declared)
        // The schema has no list, the transactions have no keys, and batches are small.
        var missingCodes = Set(RejectionCode.allCases.filter { !$0.isAboutKey })
        missingCodes.subtract([.indexOutOfRange, .batchTooLarge])
        var seed: UInt64 = 0
        var counts = [0, 0, 0, 0]
        while seed < 60, missingRules.count > 1 || !missingCodes.isEmpty {
            seed += 1
            var simulation = Simulation(name: "guild", program: program, seed: seed)
            try simulation.run(stepCount: 60)
            let tally = simulation.checked.tally
            missingRules.subtract(tally.rules)
            missingCodes.subtract(tally.codes)
            let more = [
                tally.acceptedCount, tally.composedCount, tally.keptBatchCount,
                tally.turnedBackBatchCount,
            ]
            counts = zip(counts, more).map { $0 + $1 }
        }
        #expect(missingRules.count <= 1 && missingCodes.isEmpty, "\(missingRules) \(missingCodes)")
        let average = counts.map { $0 / Int(seed) }
        let least = [40, 5, 2, 5]
        #expect(zip(average, least).allSatisfy { $0 >= $1 }, "\(counts) in \(seed) runs")
    }
}
