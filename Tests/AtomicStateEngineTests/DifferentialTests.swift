import AtomicStateSchema
import Testing

/// Random transactions against the reference model, and against crashes.
@Suite struct DifferentialTests {
    @Test(arguments: TestSchema.allCases)
    func agreesWithTheModel(schema: TestSchema) throws {
        let program = try schema.program()
        var budget = Budget()
        try budget.forEachSeed { seed in
            var simulation = Simulation(name: schema.rawValue, program: program, seed: seed)
            try simulation.run(stepCount: 60)
        }
    }

    /// A new schema for every seed: rules of every form, most of them meaningless.
    @Test func agreesOnRandomRules() throws {
        var budget = Budget()
        try budget.forEachSeed { seed in
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
}
