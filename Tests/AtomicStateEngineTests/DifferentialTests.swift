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
            for _ in 0..<60 { try simulation.step() }
            simulation.closeGroup()
            try simulation.replayJournal()
        }
    }
}
