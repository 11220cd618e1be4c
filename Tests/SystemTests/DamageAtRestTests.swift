import AtomicStateClient
import AtomicStateProtocol
import Foundation
import SeededRandom
import Testing

/// Files of a data folder are damaged while no server runs. What is served and audited afterwards is
/// what was acknowledged, or is refused with words.
///
/// Harmless are LOG, LOCK, OPTIONS and RocksDB's IDENTITY: they are written for people and for other
/// programs, and no start reads what they say. So are spare logs, which are written over. Of the newest log the end may be gone without a trace,
/// be it cut off or, for the last record alone, damaged in any way: that is what a power cut leaves of
/// a record that was not acknowledged. Then an earlier state is served, as a whole, unless rows show a
/// later one. Nothing is kept in the 53 bytes of a table file's footer but where to begin: it is
/// padded.
@Suite struct DamageAtRestTests {
    /// Each block of each file is damaged; without the variable, a sample.
    private static let sweepVariable = "ATOMIC_STATE_DAMAGE_SWEEP"
    private static let sampleCount = 24
    private static let accountCount = 4

    private enum Kind: CaseIterable {
        case bitFlip, zeroedSector, cut
    }

    private struct Damage: CustomStringConvertible {
        let file: String
        let kind: Kind
        let offset: Int
        let fileByteCount: Int

        var description: String { "\(kind) of \(file) at \(offset)" }
    }

    /// A folder that a server used and left.
    private struct Specimen {
        let data: URL
        /// The balances after each batch.
        var states: [[Int?]] = []
        /// The newest log, and where its last record begins.
        var newestLog = ""
        var lastRecordOffset = 0
    }

    @Test func damageIsNoticedOrHarmless() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(state: seed)
        try await withTemporaryFolder { folder in
            let specimen = try await makeSpecimen(folder, &generator)
            let sweep = Sweep(Self.sweepVariable)
            let damages = try Self.damages(specimen, isSample: sweep.isSample, &generator)
            let count = try await sweep.forEach(of: damages, &generator) { damage, generator in
                let copy = folder.appending(path: "copy")
                try FileManager.default.copyItem(at: specimen.data, to: copy)
                try Self.inflict(damage, on: copy, &generator)
                await check(damage, copy, specimen, "seed \(seed), \(damage)")
                try FileManager.default.removeItem(at: copy)
            }
            print("tried \(count) of \(damages.count) damages of files, seed \(seed)")
        }
    }

    /// Two lives of a server: the first one's journal becomes a table file when the second begins; the
    /// second writes rows and leaves its log behind.
    private func makeSpecimen(
        _ folder: URL, _ generator: inout SeededGenerator
    ) async throws -> Specimen {
        var specimen = Specimen(data: folder.appending(path: "data"))
        var balances = [Int](repeating: 0, count: Self.accountCount)
        for (life, batchSizes) in [
            [1, 200, 3_000], Array(repeating: 20_000, count: 30) + [5, 300],
        ]
        .enumerated() {
            let server = try await Self.start(specimen.data)
            let client = try await server.connect()
            if life == 0 {
                for account in 0..<Self.accountCount {
                    try await expectAccepted(
                        client, "open",
                        ["account": ArgumentValue(account), "owner": "", "credit_limit": 0])
                }
                specimen.states.append(balances)
            }
            for batchSize in batchSizes {
                let log = try #require(try Self.newestLog(specimen.data))
                (specimen.newestLog, specimen.lastRecordOffset) = log
                let accounts = (0..<batchSize).map { UInt64($0 % Self.accountCount) }
                let amounts = accounts.map { _ in
                    UInt64.random(in: 1...1_000_000, using: &generator)
                }
                for (account, amount) in zip(accounts, amounts) {
                    balances[Int(account)] += Int(amount)
                }
                let run = Run(
                    operation: 1, transactionCount: batchSize,
                    arguments: [Column(words: accounts), Column(words: amounts)])
                #expect(try await client.submit([run]).acceptedCount == batchSize)
                specimen.states.append(balances)
            }
            #expect(await server.end(SIGTERM) == 0)
        }
        let names = try Self.sizes(of: specimen.data).map(\.name)
        #expect(names.filter { $0.hasSuffix(".sst") }.count >= 2, "\(names)")
        return specimen
    }

    private static func newestLog(_ data: URL) throws -> (name: String, end: Int)? {
        // Other files come and go while a server runs.
        let names = try FileManager.default.contentsOfDirectory(
            atPath: data.appending(path: "rocksdb").path)
        guard let name = names.filter({ $0.hasSuffix(".log") }).max() else { return nil }
        let log = try Data(contentsOf: data.appending(path: "rocksdb/\(name)"))
        return ("rocksdb/\(name)", writtenByteCount(ofLog: log))
    }

    /// The files below a folder by path from there.
    private static func sizes(of data: URL) throws -> [(name: String, size: Int)] {
        try FileManager.default.subpathsOfDirectory(atPath: data.path).sorted().compactMap { name in
            let path = data.appending(path: name).path
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            guard attributes[.type] as? FileAttributeType == .typeRegular else { return nil }
            return (name, try #require(attributes[.size] as? Int))
        }
    }

    private static func damages(
        _ specimen: Specimen, isSample: Bool, _ generator: inout SeededGenerator
    ) throws -> [Damage] {
        var all: [[Damage]] = []
        for (name, fileByteCount) in try sizes(of: specimen.data) where fileByteCount > 0 {
            // Of a log little more than what is written.
            let size =
                name.hasSuffix(".log")
                ? min(
                    fileByteCount,
                    writtenByteCount(
                        ofLog: try Data(contentsOf: specimen.data.appending(path: name))) + 4_096)
                : fileByteCount
            // Of a large file not each sector, which would take hours.
            let step = max(512, size / 200)
            all.append(
                stride(from: 0, to: size, by: step).flatMap { start in
                    let offset = Int.random(in: start..<min(start + step, size), using: &generator)
                    return Kind.allCases.map {
                        Damage(
                            file: name, kind: $0, offset: offset, fileByteCount: fileByteCount)
                    }
                })
        }
        guard isSample else { return Array(all.joined()) }
        // Each file at least once; where that leaves room, any place of any.
        let once = all.map { $0.randomElement(using: &generator)! }
        let more = (0..<max(0, sampleCount - once.count)).map { _ in
            all.randomElement(using: &generator)!.randomElement(using: &generator)!
        }
        return once + more
    }

    private static func inflict(
        _ damage: Damage, on data: URL, _ generator: inout SeededGenerator
    ) throws {
        let file = data.appending(path: damage.file)
        var bytes = try Data(contentsOf: file)
        switch damage.kind {
        case .bitFlip: bytes[damage.offset] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case .zeroedSector:
            let start = damage.offset / 512 * 512
            let end = min(start + 512, bytes.count)
            bytes.replaceSubrange(start..<end, with: Data(count: end - start))
        case .cut: bytes.removeLast(bytes.count - damage.offset)
        }
        try bytes.write(to: file)
    }

    private func check(
        _ damage: Damage, _ data: URL, _ specimen: Specimen, _ place: String
    ) async {
        do {
            let audit = try runServerTool(["audit", "--data", data.path])
            let server: ServerProcess
            do {
                server = try await Self.start(data)
            } catch let failure as ServerProcess.Failure {
                #expect(
                    failure.description.hasPrefix("the server ended with 1: "),
                    "\(place): \(failure)")
                // What can't be served must not be said to be intact.
                #expect(audit.status != 0, "\(place): \(audit.text) \(failure)")
                expectWords(failure.description, place)
                return
            }
            let balances = try await DepositLoad.balances(on: server)
            #expect(await server.end(SIGKILL) == -Int(SIGKILL))
            let possible = Self.possibleStates(after: damage, specimen)
            #expect(
                possible.contains(balances),
                "\(place): served \(balances), acknowledged \(specimen.states.last!)")
            if Self.isChecked(damage, specimen) {
                #expect(audit.status != 0, "\(place): nobody notices: \(audit.text)")
            }
            if audit.status != 0 { expectWords(audit.text, place) }
        } catch {
            Issue.record("\(place): \(error)")
        }
    }

    /// What may be served, if the folder is served at all.
    private static func possibleStates(after damage: Damage, _ specimen: Specimen) -> [[Int?]] {
        guard isAtTheEnd(damage, specimen) else { return [specimen.states.last!] }
        return damage.kind == .cut ? specimen.states : specimen.states.suffix(2)
    }

    /// Whether the damage may be taken for a record that a power cut interrupted.
    private static func isAtTheEnd(_ damage: Damage, _ specimen: Specimen) -> Bool {
        guard damage.file == specimen.newestLog else { return false }
        return damage.kind == .cut || damage.offset + 512 > specimen.lastRecordOffset
    }

    /// Whether the audit has to notice the damage.
    private static func isChecked(_ damage: Damage, _ specimen: Specimen) -> Bool {
        if damage.file.hasSuffix(".sst") {
            return damage.kind == .cut || damage.offset < damage.fileByteCount - 53
        }
        return damage.file.hasSuffix(".log") && !isAtTheEnd(damage, specimen)
    }

    /// The words name a file or a record, or what differs.
    private func expectWords(_ text: String, _ place: String) {
        let words = [
            "is damaged at byte", "Corruption", "IDENTITY", "CURRENT", "MANIFEST", "journal",
            "rows",
            "INTEGRITY_VIOLATED", "schema", "does not exist", "No such file",
        ]
        #expect(words.contains { text.contains($0) }, "\(place): \(text)")
    }

    private static func start(_ data: URL) async throws -> ServerProcess {
        try await ServerProcess(
            schema: repositoryFile("examples/bank.yaml"), data: data,
            arguments: ["--materialise-after", "1"])
    }
}
