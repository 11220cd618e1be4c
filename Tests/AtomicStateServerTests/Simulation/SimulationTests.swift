import Foundation
import Testing

/// The server under simulated threads, wires, disk and time: a seed leads to the same steps each time.
@Suite struct SimulationTests {
    /// ATOMIC_STATE_SIMULATION_SECONDS asks for more, ATOMIC_STATE_SIMULATION_SEED for other worlds, or
    /// for one that failed.
    @Test func worlds() throws {
        let environment = ProcessInfo.processInfo.environment
        let seconds = environment["ATOMIC_STATE_SIMULATION_SECONDS"].flatMap(Double.init) ?? 5
        var seed = environment["ATOMIC_STATE_SIMULATION_SEED"].flatMap(UInt64.init) ?? 1
        let end = ContinuousClock.now + .seconds(seconds)
        var (worldCount, stepCount, startCount) = (0, 0, 0)
        repeat {
            var world = try SimulatedWorld(seed: seed)
            try world.run(stepCount: 6_000)
            let findings = try world.findings()
            #expect(findings.isEmpty, "seed \(seed): \(findings.joined(separator: "\n"))")
            worldCount += 1
            stepCount += world.stepCount
            startCount += world.startCount
            seed += 1
        } while .now < end
        print("tried \(worldCount) simulated worlds, \(startCount) starts, \(stepCount) steps")
    }

    @Test func aSeedRepeatsItsWorld() throws {
        func run() throws -> (Int, Int, [String]) {
            var world = try SimulatedWorld(seed: 7)
            try world.run(stepCount: 3_000)
            return (world.stepCount, world.startCount, world.transcript)
        }
        let (first, second) = (try run(), try run())
        #expect(first == second)
    }
}
