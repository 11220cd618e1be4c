import AtomicStateSchema

/// Random batches with everything that may happen between them, the same for the same seed.
struct Simulation {
    let checked: CheckedEngine
    private var generator: TransactionGenerator
    private var random: SplitMix64

    init(name: String, program: Program, seed: UInt64) {
        checked = CheckedEngine(program, name: "\(name), seed \(seed)")
        random = SplitMix64(state: seed)
        generator = TransactionGenerator(schema: program.schema, seed: random.next())
    }

    mutating func run(stepCount: Int) throws {
        for _ in 0..<stepCount { try step() }
        checked.closeGroup()
        try checked.replayJournal()
    }

    private mutating func step() throws {
        try checked.execute(batch())
        if random.oneIn(2) {
            let between = random.oneIn(2) ? batch() : []
            try checked.takeImages(
                before: Int.random(in: 0...4, using: &random),
                then: { try checked.execute(between) },
                after: Int.random(in: 0...4, using: &random))
        }
        if random.oneIn(2) { checked.closeGroup() }
        if random.oneIn(8) {
            if random.oneIn(2) { checked.closeGroup() }
            try checked.crashAndRecover { $0.shuffled(using: &random) }
        }
    }

    private mutating func batch() -> [CheckedEngine.Run] {
        generator.knownKeys = checked.keys
        return (0..<Int.random(in: 1...3, using: &random)).map { _ in
            let operation = generator.operation()
            let transactions = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                generator.arguments(for: operation)
            }
            return CheckedEngine.Run(form: .operation(operation), transactions: transactions)
        }
    }
}
