import AtomicStateClient
import AtomicStateProtocol
import Foundation
import SeededRandom
import Testing

/// Mixed load for a time, with restarts and changes of the schema: afterwards memory, descriptors and disk
/// are where they were, and the audit finds nothing.
@Suite struct SoakTests {
    /// ATOMIC_STATE_SOAK_SECONDS asks for more.
    private static let seconds =
        ProcessInfo.processInfo.environment["ATOMIC_STATE_SOAK_SECONDS"].flatMap(Double.init) ?? 8
    private static let accountCount = 200
    private static let workerCount = 6
    private static let phaseCount = 4

    /// What a server takes of its machine.
    private struct Footprint: CustomStringConvertible {
        var residentByteCount = 0
        var descriptorCount = 0
        var diskByteCount = 0

        var description: String {
            "\(residentByteCount >> 20) MiB resident, \(descriptorCount) descriptors, "
                + "\(diskByteCount >> 20) MiB on disk"
        }
    }

    @Test func everythingStaysFlat() async throws {
        try await withTemporaryFolder { folder in
            let data = folder.appending(path: "data")
            let arguments = [
                "--materialise-after", "4", "--journal-retention", "16",
                "--remember-outcomes", "1048576",
            ]
            var server = try await ServerProcess(
                schema: repositoryFile("examples/bank.yaml"), data: data, arguments: arguments)
            let client = try await server.connect()
            try await openAccounts(client)
            await client.close()
            var footprints: [Footprint] = []
            var total = Counts()
            for phase in 0..<Self.phaseCount {
                // Every phase has a schema of its own: an operation that the one before did not have.
                let schema = try schema(phase, in: folder)
                #expect(await server.end(SIGTERM) == 0)
                server = try await ServerProcess(
                    schema: schema, data: data, port: server.address.port, arguments: arguments)
                // Half of the phase before a kill, half after it.
                let load = try await startLoad(
                    server, seconds: Self.seconds / Double(Self.phaseCount))
                try await Task.sleep(for: .seconds(Self.seconds / Double(Self.phaseCount) / 2))
                _ = await server.end(SIGKILL)
                server = try await ServerProcess(
                    schema: schema, data: data, port: server.address.port, arguments: arguments)
                for worker in load { total.add(try await worker.value) }
                footprints.append(try footprint(of: server, data))
            }
            try await checkTotal(server)
            #expect(await server.end(SIGTERM) == 0)
            try expectIntact(data)
            print(
                "tried soak of \(Int(Self.seconds)) s: \(total.transactions) transactions, "
                    + "\(total.unknownBatches) batches that came back too late, \(total.reads) reads, "
                    + "at the end \(footprints[footprints.count - 1])")
            expectFlat(footprints)
        }
    }

    private func expectFlat(_ footprints: [Footprint]) {
        let (first, last) = (footprints[1], footprints[footprints.count - 1])
        let all = "\(footprints)"
        // A process takes memory in pieces, and RocksDB has its memtables and files come and go.
        #expect(last.residentByteCount <= first.residentByteCount * 5 / 4 + 96 << 20, "\(all)")
        #expect(last.descriptorCount <= first.descriptorCount + 16, "\(all)")
        #expect(last.diskByteCount <= first.diskByteCount * 3 / 2 + 512 << 20, "\(all)")
    }

    // MARK: Load

    private struct Counts {
        var transactions = 0
        var reads = 0
        /// Batches that came back after the kill when as many outcomes were new as are remembered.
        var unknownBatches = 0

        mutating func add(_ other: Counts) {
            transactions += other.transactions
            reads += other.reads
            unknownBatches += other.unknownBatches
        }
    }

    private func openAccounts(_ client: AtomicStateClient) async throws {
        let transactions = (0..<Self.accountCount).flatMap { account in
            [
                Transaction(
                    .call(
                        "open",
                        ["account": ArgumentValue(account), "owner": "", "credit_limit": 0])),
                Transaction(.call("deposit", ["account": ArgumentValue(account), "amount": 100])),
            ]
        }
        #expect(try await client.submit(transactions).allSatisfy(\.isAccepted))
    }

    /// Workers that transfer, with keys and without, in batches of all sizes, and read.
    private func startLoad(
        _ server: ServerProcess, seconds: Double
    ) async throws -> [Task<Counts, any Error>] {
        // Connected before the load begins: a first connection is not tried again.
        var clients: [AtomicStateClient] = []
        for _ in 0..<Self.workerCount {
            clients.append(
                try await server.connect(retries: RetryPolicy(deadline: .seconds(120))))
        }
        let end = ContinuousClock.now + .seconds(seconds)
        return clients.enumerated().map { worker, client in
            Task {
                var generator = SeededGenerator(state: UInt64(worker))
                let transfer = try #require(
                    client.schema.operations.firstIndex { $0.name == "transfer" })
                var counts = Counts()
                while ContinuousClock.now < end {
                    let size = [1, 10, 1_000][Int.random(in: 0..<3, using: &generator)]
                    var run = Run(
                        operation: transfer, transactionCount: size,
                        arguments: Self.transfers(size, &generator))
                    if Bool.random(using: &generator) {
                        run.idempotencyKeys = client.makeKeys(size)
                    }
                    do {
                        let reply = try await client.submit([run])
                        #expect(reply.acceptedCount + reply.rejections.count == size)
                        counts.transactions += size
                    } catch let error as OutcomeUnknownError {
                        guard case .status(let status) = error.reason, status.code == .outOfRange
                        else { throw error }
                        counts.unknownBatches += 1
                    }
                    let keys = (0..<10).map { _ in
                        String(Int.random(in: 0..<Self.accountCount, using: &generator))
                    }
                    let accounts = try await client.get("Account", keys: keys)
                    #expect(accounts.allSatisfy { $0?["balance"]?.hasPrefix("-") == false })
                    counts.reads += keys.count
                }
                await client.close()
                // One was in flight when the server was killed.
                #expect(counts.unknownBatches <= 1)
                return counts
            }
        }
    }

    private static func transfers(_ count: Int, _ generator: inout SeededGenerator) -> [Column] {
        func words(_ range: Range<UInt64>) -> Column {
            Column(words: (0..<count).map { _ in UInt64.random(in: range, using: &generator) })
        }
        let accounts = 0..<UInt64(accountCount)
        return [words(accounts), words(accounts), words(1..<5_000)]
    }

    private func checkTotal(_ server: ServerProcess) async throws {
        let client = try await server.connect()
        let accounts = try await client.get(
            "Account", keys: (0..<Self.accountCount).map { String($0) })
        let cents = try accounts.map { account in
            let text = try #require(account?["balance"])
            return try #require(Int(text.replacing(".", with: "")))
        }
        #expect(cents.reduce(0, +) == Self.accountCount * 100_00)
        await client.close()
    }

    // MARK: The server

    private func schema(_ phase: Int, in folder: URL) throws -> String {
        let bank = try String(contentsOfFile: repositoryFile("examples/bank.yaml"), encoding: .utf8)
        let path = folder.appending(path: "bank-\(phase).yaml").path
        let operation = """

              phase_\(phase):
                parameters: { account: { ref: Account } }
                effects: [account.balance += 0]

            """
        try (bank + operation).write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    private func footprint(of server: ServerProcess, _ data: URL) throws -> Footprint {
        let process = "/proc/\(server.processIdentifier)"
        var footprint = Footprint()
        let status = try String(contentsOfFile: "\(process)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
        let words = line.split(separator: " ", omittingEmptySubsequences: true)
        footprint.residentByteCount = try #require(Int(words[words.count - 2])) << 10
        footprint.descriptorCount =
            try FileManager.default.contentsOfDirectory(atPath: "\(process)/fd").count
        let files = FileManager.default.enumerator(
            at: data, includingPropertiesForKeys: [.fileSizeKey])
        while let file = files?.nextObject() as? URL {
            footprint.diskByteCount +=
                (try? file.resourceValues(forKeys: [.fileSizeKey]).fileSize) ?? 0
        }
        return footprint
    }
}
