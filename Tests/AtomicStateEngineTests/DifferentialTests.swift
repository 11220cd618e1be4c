import AtomicStateSchema
import Testing

/// Random transactions against the reference model, and against crashes.
@Suite struct DifferentialTests {
    @Test(arguments: TestSchema.allCases)
    func agreesWithTheModel(schema: TestSchema) throws {
        let program = try schema.program()
        var budget = Budget()
        try budget.forEachSeed { seed in
            let simulation = Simulation(name: schema.rawValue, program: program, seed: seed)
            for step in 0..<60 { do { try simulation.step() } catch { Issue.record("seed \(seed) step \(step)"); throw error } }
            simulation.closeGroup()
            try simulation.replayJournal()
        }
    }
}
