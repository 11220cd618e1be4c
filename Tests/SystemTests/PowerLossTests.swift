import AtomicStateClient
import Foundation
import SeededRandom
import Testing

/// The real server is killed under load, and the power is cut at any moment of its life: of what it
/// wrote, the disk keeps what was synced and anything of the rest. From each such disk the server
/// starts, and has what it had acknowledged by that moment.
@Suite struct PowerLossTests {
    /// ATOMIC_STATE_POWER_LOSS_CYCLES asks for more of them.
    static let cycleCount =
        ProcessInfo.processInfo.environment["ATOMIC_STATE_POWER_LOSS_CYCLES"].flatMap { Int($0) }
        ?? 3
    /// Moments in one cycle at which the power is cut; one of them is the kill.
    private static let cutCount = 8

    private struct Cut {
        /// The trace's size.
        let position: Int
        let data: DiskModel.Data
        let names: DiskModel.Names
        let seed: UInt64
    }

    @Test func acknowledgedTransactionsSurvivePowerCuts() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(state: seed)
        try await withTemporaryFolder { folder in
            // Each cycle begins on a disk that a cut of the one before left; now and then on a new one.
            var initial = folder.appending(path: "initial")
            try FileManager.default.createDirectory(at: initial, withIntermediateDirectories: true)
            var balances = [Int?](repeating: nil, count: DepositLoad.workerCount)
            var cutCount = 0
            var reusedLogCount = 0
            for cycle in 0..<Self.cycleCount {
                let place = "seed \(seed), cycle \(cycle)"
                let scene = folder.appending(path: "cycle-\(cycle)")
                try FileManager.default.createDirectory(
                    at: scene, withIntermediateDirectories: true)
                let (load, trace) = try await killUnderLoad(
                    scene, initial, balances, place, &generator)
                reusedLogCount +=
                    trace.records.filter {
                        if case .rename(let path, _) = $0.event {
                            path.hasSuffix(".spare")
                        } else {
                            false
                        }
                    }.count
                let cuts = Self.cuts(trace, load, &generator)
                let model = try DiskModel(
                    of: scene.appending(path: "disk"), initial: initial, trace: trace)
                cutCount += cuts.count
                for cut in cuts {
                    let disk = scene.appending(path: "cut")
                    model.advance(to: cut.position)
                    var random = SeededGenerator(state: cut.seed)
                    try model.write(to: disk, data: cut.data, names: cut.names, using: &random)
                    let copy = scene.appending(path: "next")
                    try? FileManager.default.removeItem(at: copy)
                    try FileManager.default.copyItem(at: disk, to: copy)
                    let found = await check(disk, load, cut, place)
                    try FileManager.default.removeItem(at: disk)
                    guard let found else { continue }
                    balances = found
                    initial = copy
                }
            }
            print(
                "tried \(cutCount) power cuts with \(reusedLogCount) logs over former ones, seed \(seed)"
            )
        }
    }

    /// Lets a server that starts from a copy of `initial` work for a moment, and kills it.
    private func killUnderLoad(
        _ scene: URL, _ initial: URL, _ balances: [Int?], _ place: String,
        _ generator: inout SeededGenerator
    ) async throws -> (DepositLoad, DiskTrace) {
        let disk = scene.appending(path: "disk")
        let trace = scene.appending(path: "trace")
        try FileManager.default.copyItem(at: initial, to: disk)
        let load = DepositLoad(balances: balances) { DiskTrace.size(of: trace) }
        // Small limits, so that rows are materialised between the cuts, and logs written over former ones.
        let server = try await ServerProcess(
            schema: repositoryFile("examples/bank.yaml"), data: disk.appending(path: "data"),
            arguments: ["--materialise-after", "1", "--memtable", "1"],
            environment: DiskTrace.environment(folder: disk, trace: trace))
        let workers = load.start(on: server, seed: generator.next())
        try await Task.sleep(for: .milliseconds(Int.random(in: 20...300, using: &generator)))
        #expect(await server.end(SIGKILL) == -Int(SIGKILL), "\(place)")
        for worker in workers { await worker.value }
        let events = try DiskTrace(contentsOf: trace)
        #expect(events.unsyncedWriteCount(of: "MANIFEST-") == 0, "\(place)")
        return (load, events)
    }

    /// Half of them while the server starts, half under load, the last one at its end.
    private static func cuts(
        _ trace: DiskTrace, _ load: DepositLoad, _ generator: inout SeededGenerator
    ) -> [Cut] {
        let ends = trace.records.filter { if case .call = $0.event { false } else { true } }.map(
            \.end)
        let firstAcknowledgement = load.firstAcknowledgement
        let starting = ends.filter { $0 <= firstAcknowledgement }
        let loaded = ends.filter { $0 > firstAcknowledgement }
        var positions = (1..<cutCount).compactMap { index in
            (index.isMultiple(of: 2) ? starting : loaded).randomElement(using: &generator)
        }
        positions.append(ends.last ?? 0)
        return positions.sorted().map {
            Cut(
                position: $0, data: DiskModel.Data.allCases.randomElement(using: &generator)!,
                names: DiskModel.Names.allCases.randomElement(using: &generator)!,
                seed: generator.next())
        }
    }

    /// Serves the disk and audits it; the balances, or nil after an issue was recorded.
    private func check(_ disk: URL, _ load: DepositLoad, _ cut: Cut, _ place: String) async
        -> [Int?]?
    {
        let place = "\(place), \(cut)"
        let data = disk.appending(path: "data")
        do {
            let server = try await ServerProcess(
                schema: repositoryFile("examples/bank.yaml"), data: data)
            let balances = try await DepositLoad.balances(on: server)
            if let objection = load.objection(to: balances, at: cut.position) {
                Issue.record("\(place): \(objection)")
            }
            #expect(await server.end(SIGKILL) == -Int(SIGKILL), "\(place)")
            let audit = try runServerTool(["audit", "--data", data.path])
            #expect(audit.text.hasPrefix("INTEGRITY_OK"), "\(place): \(audit.text)")
            return balances
        } catch {
            Issue.record("\(place): \(error)")
            return nil
        }
    }
}
