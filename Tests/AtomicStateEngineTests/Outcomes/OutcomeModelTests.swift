import AtomicStateEngine
import AtomicStateSchema
import AtomicStateValues
import ReferenceModel
import SeededRandom
import Testing

/// Random batches, many of which came before, against a model that forgets nothing.
@Suite struct OutcomeModelTests {
    @Test func againstModel() throws {
        var budget = Budget()
        try budget.forEachSeed(of: "runs of repetitions beside the model") { seed in
            var simulation = try Simulation(seed: seed)
            for _ in 0..<120 { try simulation.step() }
        }
    }

    /// What was submitted, and what was told.
    private final class Model {
        /// Carries out what is new.
        private(set) var engine: Engine
        var transactions: [IdempotencyKey: (content: SubmittedTransaction, told: ToldOutcome)] = [:]
        var batches: [BatchName: (content: SubmittedBatch, told: [ToldOutcome])] = [:]
        /// What the outcomes remembered before that of each key and name take.
        var keyPlaces: [IdempotencyKey: Int] = [:]
        var namePlaces: [BatchName: Int] = [:]
        var weight = 0

        init(_ program: Program) {
            engine = Engine(program: program, schemaVersion: testSchemaVersion)
        }

        func remember(
            _ key: IdempotencyKey?, _ content: SubmittedTransaction, _ told: ToldOutcome
        ) {
            guard let key else { return }
            transactions[key] = (content, told)
            keyPlaces[key] = weight
            weight += 1
        }

        func execute(_ transactions: [SubmittedTransaction], isAtomic: Bool) throws
            -> BatchOutcome
        {
            try engine.execute(
                transactions.map { (.operation($0.operation), [$0.arguments]) },
                isAtomic: isAtomic)
        }
    }

    private struct Simulation {
        private static let capacity = 256
        private let seed: UInt64
        private var generator: SeededGenerator
        private let remembering: RememberingEngine
        private let model: Model
        private var past: [SubmittedBatch] = []
        private var now: UInt64 = 1_000_000
        private var lastNumber: UInt64 = 0

        init(seed: UInt64) throws {
            self.seed = seed
            generator = SeededGenerator(state: seed)
            remembering = try RememberingEngine(capacity: Self.capacity)
            let program = remembering.program
            model = Model(program)
            remembering.set(milliseconds: now)
            let open = try #require(program.operation(named: "open"))
            let accounts = (1...3).map {
                SubmittedTransaction(operation: open, arguments: [.int($0), "", 0])
            }
            _ = try remembering.submit(SubmittedBatch(transactions: accounts))
            _ = try model.execute(accounts, isAtomic: false)
        }

        mutating func step() throws {
            if generator.oneIn(4) {
                now += UInt64.random(in: 0...3, using: &generator)
                remembering.set(milliseconds: now)
            }
            let batch = nextBatch()
            let told = try remembering.submit(batch)
            let expected = try expectation(of: batch, told)
            #expect(told == expected, "seed \(seed), \(batch)")
            past.append(batch)
            if generator.oneIn(3) { remembering.closeGroup() }
            if generator.oneIn(20) {
                remembering.closeGroup()
                try remembering.restart()
            }
        }

        // MARK: Batches

        private mutating func nextBatch() -> SubmittedBatch {
            if !past.isEmpty, generator.oneIn(3) {
                var batch = generator.oneIn(2) ? past[past.count - 1] : generator.pick(past)
                // The same, or nearly so.
                if generator.oneIn(3) { batch.name = nil }
                if generator.oneIn(4) { batch.transactions.shuffle(using: &generator) }
                if generator.oneIn(4), batch.transactions.count > 1 {
                    batch.transactions.removeLast()
                }
                let keys = batch.transactions.compactMap(\.key)
                if generator.oneIn(4), Set(keys).count == keys.count { batch.isAtomic.toggle() }
                if generator.oneIn(6) { batch.transactions[0].arguments[1] = 3 }
                if generator.oneIn(4) { batch.transactions.append(newTransaction()) }
                return batch
            }
            return newBatch()
        }

        private mutating func newBatch() -> SubmittedBatch {
            let count = Int.random(in: 1...12, using: &generator)
            var batch = SubmittedBatch(transactions: [])
            for _ in 0..<count { batch.transactions.append(newTransaction()) }
            batch.isAtomic = generator.oneIn(4)
            // A key twice in one batch; in an atomic one that is another matter.
            if !batch.isAtomic, generator.oneIn(4) {
                batch.transactions.append(generator.pick(batch.transactions))
            }
            if generator.oneIn(2) {
                lastNumber += 1
                batch.name = BatchName(
                    producer: 5, number: lastNumber, sentMilliseconds: recentTime())
            }
            return batch
        }

        private mutating func newTransaction() -> SubmittedTransaction {
            let program = remembering.program
            let name = generator.pick(["deposit", "withdraw"])
            let operation = program.operation(named: name) ?? 0
            let account = Int64.random(in: 1...3, using: &generator)
            let amount = Int64.random(in: 1...50, using: &generator)
            lastNumber += 1
            let key = IdempotencyKey(milliseconds: recentTime(), high: 0, low: lastNumber)
            return SubmittedTransaction(
                operation: operation, arguments: [.int(account), .int(amount)],
                key: generator.oneIn(4) ? nil : key)
        }

        private mutating func recentTime() -> UInt64 {
            now - UInt64.random(in: 0...2, using: &generator)
        }

        // MARK: What is expected

        /// - Parameter told: says what was forgotten; that it may be is checked.
        private mutating func expectation(
            of batch: SubmittedBatch, _ told: [ToldOutcome]?
        ) throws -> [ToldOutcome]? {
            if let name = batch.name {
                if told == nil && !isRemembered(model.namePlaces[name]) {
                    if name.sentMilliseconds <= remembering.engine.outcomes.forgottenUntil {
                        return nil
                    }
                }
                if let known = model.batches[name] {
                    var content = known.content
                    content.name = name
                    return content == batch ? known.told : nil
                }
            }
            let outcome =
                batch.isAtomic
                ? try atomicExpectation(of: batch, told ?? [])
                : try singleExpectation(of: batch, told ?? [])
            if let name = batch.name {
                model.batches[name] = (batch, outcome)
                model.namePlaces[name] = model.weight
                model.weight += 1
            }
            // How many are duplicates is not known here: at most all.
            model.weight += OutcomeMemory.weight(
                ofReplyWithRejections: outcome.count(where: \.isRejected),
                duplicates: outcome.count)
            return outcome
        }

        private func isRemembered(_ place: Int?) -> Bool {
            place.map { model.weight - $0 <= Self.capacity } ?? false
        }

        /// Nil for what is new.
        private func known(
            _ transaction: SubmittedTransaction, _ told: ToldOutcome?
        ) -> ToldOutcome? {
            guard let key = transaction.key else { return nil }
            let horizon = remembering.engine.outcomes.forgottenUntil
            if told == .rejected(.idempotencyKeyForgotten), key.milliseconds <= horizon,
                !isRemembered(model.keyPlaces[key])
            {
                return told
            }
            guard let known = model.transactions[key] else { return nil }
            return known.content == transaction.content
                ? known.told : .rejected(.idempotencyKeyReused)
        }

        private mutating func singleExpectation(
            of batch: SubmittedBatch, _ told: [ToldOutcome]
        ) throws -> [ToldOutcome] {
            var expected: [ToldOutcome] = []
            for (index, transaction) in batch.transactions.enumerated() {
                if let known = known(transaction, told.indices.contains(index) ? told[index] : nil)
                {
                    expected.append(known)
                    continue
                }
                let outcome = try model.execute([transaction], isAtomic: false)
                let told =
                    outcome.rejections.first.map { ToldOutcome.rejected($0.code) }
                    ?? .accepted(outcome.firstSequence)
                model.remember(transaction.key, transaction.content, told)
                expected.append(told)
            }
            return expected
        }

        private mutating func atomicExpectation(
            of batch: SubmittedBatch, _ told: [ToldOutcome]
        ) throws -> [ToldOutcome] {
            let transactions = batch.transactions
            func turnedBack(_ index: Int, _ outcome: ToldOutcome) -> [ToldOutcome] {
                transactions.indices.map { $0 == index ? outcome : .notApplied }
            }
            var duplicates: [Int: ToldOutcome] = [:]
            var unusable: [ToldOutcome]?
            for (index, transaction) in transactions.enumerated() {
                let known = known(transaction, told.indices.contains(index) ? told[index] : nil)
                guard let known else { continue }
                if case .rejected = known, duplicates.isEmpty { return turnedBack(index, known) }
                if case .rejected(let code) = known, code.isAboutKey {
                    unusable = unusable ?? turnedBack(index, known)
                }
                duplicates[index] = known
            }
            if let unusable { return unusable }
            if let first = duplicates.keys.min() {
                let isWhole =
                    duplicates.count == transactions.count
                    && duplicates.values.allSatisfy {
                        if case .accepted = $0 { true } else { false }
                    }
                return isWhole
                    ? transactions.indices.compactMap { duplicates[$0] }
                    : turnedBack(first, .rejected(.idempotencyKeyReused))
            }
            let outcome = try model.execute(transactions, isAtomic: true)
            if let rejection = outcome.rejections.first {
                let told = ToldOutcome.rejected(rejection.code)
                let transaction = transactions[rejection.index]
                model.remember(transaction.key, transaction.content, told)
                return turnedBack(rejection.index, told)
            }
            let expected = transactions.indices.map {
                ToldOutcome.accepted(outcome.firstSequence + UInt64($0))
            }
            for (transaction, told) in zip(transactions, expected) {
                model.remember(transaction.key, transaction.content, told)
            }
            return expected
        }
    }
}
