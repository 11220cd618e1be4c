import HistoryChecker
import Testing

/// Random histories of a right server, which are right, and of wrong ones, which are not.
@Suite struct SimulatedHistoryTests {
    @Test(arguments: Workload.Example.allCases, [false, true])
    func rightHistoriesPass(example: Workload.Example, givesUp: Bool) throws {
        let workload = try Workload(example)
        for seed in Simulation.seeds {
            var simulation = Simulation(workload, seed: seed, givesUp: givesUp)
            let history = simulation.run(operationCount: givesUp ? 60 : 150)
            let violations = HistoryChecker(schema: workload.schema).violations(in: history)
            #expect(violations == [], "seed \(seed):\n\(history.description(in: workload.schema))")
            if !violations.isEmpty { return }
        }
    }

    /// A fault is found in nearly every history in which it made a difference to what the clients could
    /// see. A stale read, for one, may show what a right one could have shown.
    @Test(arguments: Workload.Example.allCases, SimulatedServer.Fault.allCases)
    func faultsAreFound(example: Workload.Example, fault: SimulatedServer.Fault) throws {
        let workload = try Workload(example)
        var faultyCount = 0
        var missed: [UInt64] = []
        for seed in Simulation.seeds {
            var simulation = Simulation(workload, seed: seed, fault: fault)
            let history = simulation.run(operationCount: 150)
            guard simulation.server.faultCount > 0 else { continue }
            faultyCount += 1
            let violations = HistoryChecker(schema: workload.schema).violations(in: history)
            if violations.isEmpty { missed.append(seed) }
        }
        #expect(faultyCount * 4 >= Simulation.seeds.count * 3, "\(faultyCount) histories")
        #expect(missed.count * 20 <= faultyCount, "seeds \(missed) of \(faultyCount)")
    }
}
