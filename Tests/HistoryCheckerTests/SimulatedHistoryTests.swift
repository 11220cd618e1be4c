import HistoryChecker
import Testing

/// Random histories of a right server, which are right, and of wrong ones, which are not.
@Suite struct SimulatedHistoryTests {
    @Test(arguments: Workload.Example.allCases, [false, true])
    func rightHistoriesPass(example: Workload.Example, givesUp: Bool) throws {
        let workload = try Workload(example)
        for seed in 1...(givesUp ? 30 : 60) as ClosedRange<UInt64> {
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
        for seed in 1...40 as ClosedRange<UInt64> {
            var simulation = Simulation(workload, seed: seed, fault: fault)
            let history = simulation.run(operationCount: 150)
            guard simulation.server.faultCount > 0 else { continue }
            faultyCount += 1
            let violations = HistoryChecker(schema: workload.schema).violations(in: history)
            if violations.isEmpty { missed.append(seed) }
        }
        print(example, fault, faultyCount, missed)
        #expect(faultyCount >= 20 && missed.count * 20 <= faultyCount, "missed: seeds \(missed)")
    }

    @Test(arguments: Workload.Example.allCases)
    func long(example: Workload.Example) throws {
        let workload = try Workload(example)
        var simulation = Simulation(workload, seed: 1, clientCount: 16)
        let history = simulation.run(operationCount: 40000)
        let count = history.operations.reduce(0) {
            if case .submit(let b, _) = $1.exchange { $0 + b.transactions.count } else { $0 + 1 }
        }
        let begin = ContinuousClock.now
        let violations = HistoryChecker(schema: workload.schema).violations(in: history)
        print(example, count, ContinuousClock.now - begin)
        #expect(violations == [])
    }
}
