import HistoryChecker
import ReferenceModel
import SeededRandom
import Testing

/// Right random histories with one thing changed: nearly every change that means something is found.
@Suite struct MutationTests {
    enum Mutation: CaseIterable, Sendable {
        /// One value that was read.
        case value
        case version
        /// What was read before, of an entity that has been changed since.
        case staleRead
        case found
        /// An argument of an accepted transaction.
        case argument
        /// The sequences of two batches.
        case exchangedSequences
        case acceptedForRejected
        case rejectedForAccepted
        case rejectionRule
        /// A batch is not in the history.
        case lostBatch
        /// A batch is answered before anything that precedes it was sent.
        case answeredEarly
        /// A batch is sent when everything that follows it was answered.
        case sentLate
        case outcomeOfRepetition
    }

    @Test(arguments: Workload.Example.allCases, Mutation.allCases)
    func isFound(example: Workload.Example, mutation: Mutation) throws {
        let workload = try Workload(example)
        let checker = HistoryChecker(schema: workload.schema)
        var mutatedCount = 0
        var missed: [UInt64] = []
        for seed in Simulation.seeds {
            var simulation = Simulation(workload, seed: seed)
            var mutator = Mutator(
                history: simulation.run(operationCount: 120),
                random: SeededGenerator(state: seed))
            guard mutator.mutate(mutation) else { continue }
            mutatedCount += 1
            if checker.violations(in: mutator.history).isEmpty { missed.append(seed) }
        }
        #expect(mutatedCount * 4 >= Simulation.seeds.count * 3, "\(mutatedCount) histories")
        // An argument, for one, may be of no consequence.
        #expect(missed.count * 10 <= mutatedCount, "seeds \(missed) of \(mutatedCount)")
    }
}
