import AtomicStateClient
import AtomicStateProtocol
import Foundation
import Glibc
import Synchronization
import Testing

/// What tests of hostile peers share: a bank to attack, what its server says of itself, and requests.
enum HostilePeer {
    /// How long attacks go on: seconds that ATOMIC_STATE_HOSTILE_SECONDS asks for.
    static let secondsAskedFor =
        ProcessInfo.processInfo.environment["ATOMIC_STATE_HOSTILE_SECONDS"].flatMap { Int($0) }
    static let attackMilliseconds = secondsAskedFor.map { $0 * 1_000 } ?? 400

    /// The connections that tests of many of them open, as far as the system gives this process
    /// descriptors.
    static func connectionCount(wanted: Int) -> Int {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return min(wanted, Int(clamping: limit.rlim_cur) / 2)
    }

    /// Accounts 1 to 8 are open.
    static func withBank(
        _ arguments: [String] = [],
        _ body: (ServerProcess, AtomicStateClient) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            let data = folder.appending(path: "data")
            let server = try await ServerProcess(
                schema: repositoryFile("examples/bank.yaml"), data: data, arguments: arguments)
            let client = try await connect(to: server)
            for account in 1...8 {
                try await expectAccepted(
                    client, "open",
                    ["account": ArgumentValue(account), "owner": "", "credit_limit": 0])
            }
            try await body(server, client)
            await client.close()
            #expect(await server.end(SIGTERM) == 0, "\(server.log)")
            try expectIntact(data)
        }
    }

    /// Other tests may keep this process from greeting within a short peer timeout.
    private static func connect(to server: ServerProcess) async throws -> AtomicStateClient {
        for _ in 1..<5 {
            do {
                return try await server.connect()
            } catch ConnectionError.lost(let reason) where reason.contains("no hello") {}
        }
        return try await server.connect()
    }

    static func deposits(_ count: Int, account: UInt64 = 1) -> Run {
        Run(
            operation: 1, transactionCount: count,
            arguments: [
                Column(words: Array(repeating: account, count: count)),
                Column(words: Array(repeating: 1, count: count)),
            ])
    }

    static func submit(_ run: Run, id: UInt64 = 1) -> [UInt8] {
        RawConnection.frame(.submit([run], timeoutMilliseconds: 0), id: id)
    }

    /// A frame of any bytes.
    static func frame(_ message: [UInt8]) -> [UInt8] {
        [0] + withUnsafeBytes(of: UInt32(message.count).bigEndian) { Array($0) } + message
    }

    /// A length-delimited field (https://protobuf.dev/programming-guides/encoding/).
    static func field(_ number: Int, _ bytes: [UInt8]) -> [UInt8] {
        varint(number << 3 | 2) + varint(bytes.count) + bytes
    }

    static func varint(_ value: Int) -> [UInt8] {
        value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7F) | 0x80] + varint(value >> 7)
    }
}

extension RawConnection {
    /// Reads up to the failure that ends the connection; nil if it ends, or stays silent, without one.
    func receiveReason() throws -> Status? {
        while let response = try receive() {
            if case .failure(let status) = response.body { return status }
        }
        return nil
    }
}

extension ServerProcess {
    /// Sends an HTTP request's text to the admin port, and returns what came back until the end.
    func adminAnswer(_ request: String) throws -> String? {
        let raw = try RawConnection(port: adminPort)
        raw.send(Array(request.utf8))
        return raw.receiveRest().map { String(decoding: $0, as: UTF8.self) }
    }

    /// The value of a metric; `name` with its labels.
    func metric(_ name: String) throws -> Double {
        let text = try adminAnswer("GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n") ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("\(name) ") }
        guard let value = line?.split(separator: " ").last.flatMap({ Double($0) }) else {
            throw Failure(description: "no \(name) in \(text)")
        }
        return value
    }

    func endedConnectionCount(_ reason: String) throws -> Int {
        Int(try metric("atomic_state_connections_ended_total{reason=\"\(reason)\"}"))
    }

    /// Waits until the metric is as it has to be.
    func waitUntil(
        _ name: String, _ isRight: (Double) -> Bool
    ) async throws -> Bool {
        // Long, as other tests may keep this one from looking.
        let deadline = ContinuousClock.now.advanced(by: .seconds(120))
        while ContinuousClock.now < deadline {
            if isRight(try metric(name)) { return true }
            try await Task.sleep(for: .milliseconds(20))
        }
        return false
    }

    /// Resident memory, now or its peak ("VmRSS", "VmHWM": proc(5)).
    func memoryByteCount(_ member: String) throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(processIdentifier)/status", encoding: .utf8)
        let line = text.split(separator: "\n").first { $0.hasPrefix("\(member):") }
        let words = line?.split(whereSeparator: { $0 == " " || $0 == "\t" }) ?? []
        guard words.count > 1, let kibibytes = Int(words[1]) else {
            throw Failure(description: "no \(member) in \(text)")
        }
        return kibibytes << 10
    }
}

/// Threads that do the same again and again until they are told to stop.
final class Attack: Sendable {
    private let isOver = Atomic<Bool>(false)
    private let runningCount = Atomic<Int>(0)
    /// How often all threads together did it.
    let roundCount = Atomic<Int>(0)

    /// - Parameter round: gets the thread's number and what is different in every round.
    func start(threadCount: Int, _ round: @escaping @Sendable (Int, Int) -> Void) {
        for number in 0..<threadCount {
            runningCount.add(1, ordering: .relaxed)
            Thread.detachNewThread {
                var count = 0
                while !self.isOver.load(ordering: .relaxed) {
                    round(number, count)
                    count += 1
                    self.roundCount.add(1, ordering: .relaxed)
                }
                self.runningCount.subtract(1, ordering: .releasing)
            }
        }
    }

    func stop() async throws {
        isOver.store(true, ordering: .relaxed)
        while runningCount.load(ordering: .acquiring) > 0 {
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
