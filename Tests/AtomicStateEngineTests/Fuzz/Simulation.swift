import AtomicStateEngine
import AtomicStateSchema
import SeededRandom

/// Random batches with everything that may happen between them, the same for the same seed.
struct Simulation {
    let checked: CheckedEngine
    private var generator: TransactionGenerator
    private var random: SeededGenerator

    init(name: String, program: Program, seed: UInt64) {
        checked = CheckedEngine(program, name: "\(name), seed \(seed)")
        random = SeededGenerator(state: seed)
        generator = TransactionGenerator(schema: program.schema, seed: random.next())
    }

    mutating func run(stepCount: Int) throws {
        for _ in 0..<stepCount { try step() }
        checked.closeGroup()
        try checked.replayJournal()
    }

    private mutating func step() throws {
        try execute()
        if random.oneIn(2) {
            let between = random.oneIn(2)
            try checked.takeImages(
                ofAll: random.oneIn(3), before: Int.random(in: 0...4, using: &random),
                then: { if between { try execute() } },
                after: Int.random(in: 0...4, using: &random))
        }
        if random.oneIn(2) { closeGroup() }
        if random.oneIn(8) {
            if random.oneIn(2) { closeGroup() }
            try checked.crashAndRecover()
        }
    }

    private mutating func closeGroup() {
        checked.closeGroup(nextBegins: random.pick([0, 1, 999_999, 3_000_000, 7_250_000]))
    }

    /// A batch of a few runs, some of them of several steps.
    private mutating func execute() throws {
        generator.knownKeys = checked.keys
        generator.knownVersions = checked.versions
        // One rejection turns all of an atomic batch back.
        let isAtomic = random.oneIn(4)
        let runCountMax = isAtomic ? 2 : 3
        let runs = (0..<Int.random(in: 1...runCountMax, using: &random)).map { _ in
            let form =
                random.oneIn(3)
                ? TransactionRun.Form.steps(generator.steps()) : .operation(generator.operation())
            let transactions = (0..<Int.random(in: 1...(isAtomic ? 2 : 4), using: &random)).map {
                _ in
                generator.arguments(for: form)
            }
            return CheckedEngine.Run(form: form, transactions: transactions)
        }
        try checked.execute(runs, isAtomic: isAtomic)
    }
}
