import AtomicStateClient
import Foundation
import Glibc
import SeededRandom
import Testing

/// One call that the real server makes to the disk fails, or all from then on, whichever it is. The
/// server goes on as if nothing had happened, or ends and says what failed; it never acknowledges what
/// is not durable. The next start, from what the disk may hold then, has all that was acknowledged.
@Suite struct DiskFaultTests {
    /// Each call fails in each way; without the variable, one call of each name.
    private static let sweepVariable = "ATOMIC_STATE_DISK_FAULT_SWEEP"

    private static let spaceErrors = ["\(EIO)", "\(ENOSPC)", "\(EDQUOT)"]
    /// What each call may fail with.
    private static let errors = [
        "open": spaceErrors, "mkdir": spaceErrors, "rename": spaceErrors, "link": spaceErrors,
        "unlink": ["\(EIO)"], "close": ["\(EIO)"], "pread": ["\(EIO)"],
        "write": spaceErrors + ["short"], "pwrite": spaceErrors + ["short"],
        "pwritev2": spaceErrors + ["short"],
        "fsync": spaceErrors, "fdatasync": spaceErrors, "sync_file_range": ["\(EIO)"],
        "ftruncate": ["\(EIO)"], "fallocate": spaceErrors,
    ]

    private struct Fault: CustomStringConvertible {
        let call: String
        let number: Int
        let error: String
        let isLasting: Bool

        var description: String { "\(call):\(number):\(error)" + (isLasting ? ":always" : "") }
    }

    @Test func faultsWhileAFolderIsCreatedAndUsed() async throws {
        try await sweep(from: { _ in [Int?](repeating: nil, count: DepositLoad.workerCount) })
    }

    /// The server before was killed, so that the start has a log to replay.
    @Test func faultsWhileAnExistingFolderIsUsed() async throws {
        try await sweep(from: { disk in
            let load = Self.load(balances: [Int?](repeating: nil, count: DepositLoad.workerCount))
            let server = try await Self.start(disk)
            for worker in load.start(on: server, batchCount: 4, seed: 1) { await worker.value }
            let balances = try await DepositLoad.balances(on: server)
            #expect(load.isAcknowledged && load.objection(to: balances) == nil)
            #expect(await server.end(SIGKILL) == -Int(SIGKILL))
            return balances
        })
    }

    /// Lets faults happen to a server that starts from what `prepare` makes of a folder.
    private func sweep(from prepare: (URL) async throws -> [Int?]) async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(state: seed)
        try await withTemporaryFolder { folder in
            let initial = folder.appending(path: "initial")
            try FileManager.default.createDirectory(at: initial, withIntermediateDirectories: true)
            let balances = try await prepare(initial)
            let (calls, ingestionReads) = try await countCalls(folder, initial, balances)
            for name in ["open", "write", "fsync", "fdatasync", "rename", "mkdir"] {
                #expect(calls[name] != nil, "the library sees no \(name)")
            }
            let sweep = Sweep(Self.sweepVariable)
            let faults =
                Self.faults(calls, isSample: sweep.isSample, &generator)
                + ingestionReads.map {
                    Fault(call: "pread", number: $0, error: "\(EIO)", isLasting: false)
                }
            let count = try await sweep.forEach(of: faults, &generator) { fault, generator in
                let scene = folder.appending(path: "scene")
                try FileManager.default.createDirectory(
                    at: scene, withIntermediateDirectories: true)
                await suffer(
                    fault, scene, initial, balances, "seed \(seed), \(fault)", &generator)
                try FileManager.default.removeItem(at: scene)
            }
            print("tried \(count) of \(faults.count) faults of the disk, seed \(seed)")
        }
    }

    /// How often each call is made when none fails, and which reads are of the last file of rows
    /// while it is taken into the database.
    private func countCalls(
        _ folder: URL, _ initial: URL, _ balances: [Int?]
    ) async throws -> ([String: Int], ingestionReads: [Int]) {
        let scene = folder.appending(path: "baseline")
        try FileManager.default.createDirectory(at: scene, withIntermediateDirectories: true)
        let run = try await work(scene, initial, balances, fault: nil)
        #expect(run.status == 0 && run.load.isAcknowledged, "\(run.log)")
        var counts: [String: Int] = [:]
        var reads: [String: [Int]] = [:]
        for record in run.trace.records {
            guard case .call(let name, let path, _) = record.event else { continue }
            counts[name, default: 0] += 1
            if name == "pread", path.contains("/staging/") {
                reads[path, default: []].append(counts[name]!)
            }
        }
        return (counts, reads.values.max { $0[0] < $1[0] } ?? [])
    }

    private static func faults(
        _ calls: [String: Int], isSample: Bool, _ generator: inout SeededGenerator
    ) -> [Fault] {
        var faults: [Fault] = []
        for (call, count) in calls.sorted(by: { $0.key < $1.key }) {
            guard let errors = errors[call] else {
                Issue.record("no errors are known of \(call)")
                continue
            }
            var all: [Fault] = []
            for number in 1...count {
                for error in errors {
                    all.append(Fault(call: call, number: number, error: error, isLasting: false))
                    all.append(Fault(call: call, number: number, error: error, isLasting: true))
                }
            }
            faults += isSample ? [all.randomElement(using: &generator)!] : all
        }
        return faults
    }

    private struct Run {
        let load: DepositLoad
        let trace: DiskTrace
        /// The exit status; nil if the server had to be killed because it did not end.
        let status: Int?
        let log: String
    }

    /// One life of a server: start, a few batches of each worker, drain.
    private func work(
        _ scene: URL, _ initial: URL, _ balances: [Int?], fault: Fault?
    ) async throws -> Run {
        let disk = scene.appending(path: "disk")
        let trace = scene.appending(path: "trace")
        try FileManager.default.copyItem(at: initial, to: disk)
        let load = Self.load(balances: balances) { DiskTrace.size(of: trace) }
        let server: ServerProcess
        do {
            server = try await Self.start(
                disk,
                environment: DiskTrace.environment(
                    folder: disk, trace: trace, fault: fault?.description))
        } catch let failure as ServerProcess.Failure {
            // It ended while it started, or it hangs.
            let words = failure.description.split(separator: " ")
            let status = words.count > 4 ? Int(words[4].dropLast()) : nil
            return Run(
                load: load, trace: try DiskTrace(contentsOf: trace), status: status,
                log: failure.description)
        }
        let identifier = server.processIdentifier
        let watchdog = Task {
            try await Task.sleep(for: .seconds(30))
            kill(identifier, SIGKILL)
        }
        for worker in load.start(on: server, batchCount: 4, seed: 2) { await worker.value }
        let status = await server.end(SIGTERM)
        watchdog.cancel()
        return Run(
            load: load, trace: try DiskTrace(contentsOf: trace),
            status: status == -Int(SIGKILL) ? nil : status, log: server.log)
    }

    /// A fault, and what is expected of the server then and afterwards.
    private func suffer(
        _ fault: Fault, _ scene: URL, _ initial: URL, _ balances: [Int?], _ place: String,
        _ generator: inout SeededGenerator
    ) async {
        do {
            let run = try await work(scene, initial, balances, fault: fault)
            let place = "\(place)\n\(run.log)"
            switch run.status {
            case 0: #expect(run.load.isAcknowledged, "goes on without answering: \(place)")
            case 1, 70:
                // What is left of a short write past the page cache is not aligned, which is an error.
                let error = Int32(fault.error) ?? EINVAL
                let reason = String(cString: strerror(error))
                // RocksDB takes a file that opens only at its second try for one without direct I/O.
                let words = [
                    reason, "Direct I/O is not supported by the specified DB",
                    "can't be read in the database",
                ]
                #expect(
                    words.contains { run.log.contains($0) }, "does not say what failed: \(place)")
            case -Int(SIGABRT):
                // A RocksDB that was built with its assertions stops by one behind some failed writes.
                #expect(run.log.contains(": Assertion `"), "\(place)")
            case let status:
                Issue.record("ended with \(status.map(String.init) ?? "a hang"): \(place)")
            }
            expectNoSyncAfterAFailedOne(run.trace, place)
            expectDurableNamesOfFormerFiles(run.trace, place)
            try await expectRecovery(run, scene, initial, place, &generator)
        } catch {
            Issue.record("\(place): \(error)")
        }
    }

    /// A file whose sync failed is not synced again as if that could make it whole. Folders, which are
    /// opened to be read, are another matter: their file system keeps their changes until it can write
    /// them. RocksDB ignores a sync of its folder that fails behind a new file of options, which nobody
    /// reads.
    private func expectNoSyncAfterAFailedOne(_ trace: DiskTrace, _ place: String) {
        var paths: [UInt64: String] = [:]
        var failed: Set<String> = []
        for record in trace.records {
            switch record.event {
            case .open(let handle, let path, let flags):
                guard flags & O_ACCMODE != O_RDONLY else { continue }
                paths[handle] = path
                // Written anew from its beginning, it is another file.
                if flags & O_TRUNC != 0 { failed.remove(path) }
            case .syncEnd(let handle, let error):
                guard let path = paths[handle] else { continue }
                if error != 0 {
                    failed.insert(path)
                } else {
                    #expect(!failed.contains(path), "\(path) is synced again: \(place)")
                }
            default: break
            }
        }
    }

    /// A file that waits for its deletion or is kept as a spare loses nothing before its new name is durable: under
    /// the old one it would look damaged.
    private func expectDurableNamesOfFormerFiles(_ trace: DiskTrace, _ place: String) {
        var paths: [UInt64: String] = [:]
        /// By the folder that has not been synced since.
        var renamed: [String: Set<String>] = [:]
        for record in trace.records {
            switch record.event {
            case .open(let handle, let path, _): paths[handle] = path
            case .rename(_, let path) where path.hasSuffix(".trash") || path.hasSuffix(".spare"):
                renamed[folder(of: path), default: []].insert(path)
            case .syncEnd(let handle, error: 0):
                if let path = paths[handle] { renamed[path] = nil }
            case .truncate(let handle, _), .write(let handle, _, _):
                guard let path = paths[handle] else { continue }
                #expect(
                    renamed[folder(of: path)]?.contains(path) != true,
                    "\(path) is changed under a name that is not durable: \(place)")
            default: break
            }
        }
    }

    private func folder(of path: String) -> String {
        String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex))
    }

    private func expectRecovery(
        _ run: Run, _ scene: URL, _ initial: URL, _ place: String,
        _ generator: inout SeededGenerator
    ) async throws {
        let model = try DiskModel(
            of: scene.appending(path: "disk"), initial: initial, trace: run.trace)
        model.advance(to: .max)
        let disk = scene.appending(path: "after")
        let data = DiskModel.Data.allCases.randomElement(using: &generator)!
        let names = DiskModel.Names.allCases.randomElement(using: &generator)!
        try model.write(to: disk, data: data, names: names, using: &generator)
        let server = try await Self.start(disk)
        let found = try await DepositLoad.balances(on: server)
        if let objection = run.load.objection(to: found) {
            Issue.record("\(data), \(names): \(objection): \(place)")
        }
        #expect(await server.end(SIGKILL) == -Int(SIGKILL), "\(place)")
        let audit = try runServerTool(["audit", "--data", disk.appending(path: "data").path])
        #expect(audit.text.hasPrefix("INTEGRITY_OK"), "\(data), \(names): \(audit.text): \(place)")
    }

    /// Batches of which a few are enough for rows to be materialised.
    private static func load(
        balances: [Int?], position: @escaping @Sendable () -> Int = { 0 }
    ) -> DepositLoad {
        DepositLoad(balances: balances, batchSizes: [20_000, 30_000], position: position)
    }

    private static func start(
        _ disk: URL, environment: [String: String] = [:]
    ) async throws -> ServerProcess {
        try await ServerProcess(
            schema: repositoryFile("examples/bank.yaml"), data: disk.appending(path: "data"),
            arguments: ["--materialise-after", "1", "--memtable", "1"], environment: environment)
    }
}
