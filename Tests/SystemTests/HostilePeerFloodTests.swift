import AtomicStateClient
import AtomicStateProtocol
import Foundation
import Glibc
import Testing

/// Many connections, and much on each: the server's bounds hold, it says so, and serves again when they
/// are gone.
@Suite(.serialized) struct HostilePeerFloodTests {
    /// As large as one may be, but for its last byte.
    private static let unfinishedFrame = Array(
        HostilePeer.frame(Array(repeating: 0, count: ProtocolLimits.frameByteCountMax)).dropLast())

    @Test func connectionsBeyondTheLimitAreToldSo() async throws {
        // The bank's own client is one of them.
        try await HostilePeer.withBank(["--max-connections", "9"]) { server, bystander in
            var open: [RawConnection] = []
            for _ in 0..<8 {
                let raw = try RawConnection(port: server.address.port)
                try raw.greet()
                open.append(raw)
            }
            for _ in 0..<3 {
                let refused = try RawConnection(port: server.address.port)
                refused.send(.hello(client: "raw", schemaFingerprint: ""), id: 0)
                let reason = try #require(try refused.receiveReason())
                #expect(reason.code == .resourceExhausted)
                #expect(reason.message == "9 connections are open, as many as may be")
                #expect(reason.retryAfterMilliseconds == 1_000)
                #expect(try refused.receive() == nil, "the connection is closed")
            }
            #expect(try server.endedConnectionCount("limit") == 3)
            // Hundreds at a time: some are told, all are closed.
            let flood = try (0..<300).map { _ in try RawConnection(port: server.address.port) }
            for raw in flood { #expect(raw.receiveRest() != nil) }
            #expect(try server.endedConnectionCount("limit") == 303)
            try await expectAccepted(bystander, "deposit", ["account": 1, "amount": 1])
            open = []
            #expect(try await server.waitUntil("atomic_state_connections") { $0 == 1 })
            try await expectAccepted(
                try await server.connect(), "deposit", ["account": 1, "amount": 1])
        }
    }

    /// Thousands of clients that have said hello and nothing else take about 32 KiB each, and one of
    /// them is served as ever.
    @Test func idleConnectionsTakeLittle() async throws {
        try await HostilePeer.withBank { server, bystander in
            let count = HostilePeer.connectionCount(wanted: 4_000)
            let before = try server.memoryByteCount("VmRSS")
            var idle: [RawConnection] = []
            for _ in 0..<count {
                let raw = try RawConnection(port: server.address.port)
                // And the beginning of a frame.
                raw.send(RawConnection.frame(.hello(client: "raw", schemaFingerprint: "")) + [0])
                idle.append(raw)
            }
            for raw in idle { _ = try #require(try raw.receive()) }
            #expect(try server.metric("atomic_state_connections") == Double(count + 1))
            let growth = try server.memoryByteCount("VmRSS") - before
            #expect(growth < count * 32 << 10, "\(growth / count) bytes a connection")
            try await expectAccepted(bystander, "deposit", ["account": 1, "amount": 1])
            idle[count / 2].send(RawConnection.frame(.ping).dropFirst() + [])
            #expect(try idle[count / 2].receive() != nil)
            idle = []
            #expect(try await server.waitUntil("atomic_state_connections") { $0 == 1 })
        }
    }

    /// Many connections with a large frame of which the end does not come: when all together hold too
    /// much, those that hold most are ended, with a reason, and a client that holds little is not.
    @Test func theMemoryOfAllConnectionsIsBounded() async throws {
        try await HostilePeer.withBank(
            ["--connection-memory", "64", "--peer-timeout", "6"]
        ) { server, bystander in
            let before = try server.memoryByteCount("VmHWM")
            var hostile: [RawConnection] = []
            for _ in 0..<100 {
                let raw = try RawConnection(port: server.address.port)
                try raw.greet()
                raw.send(Self.unfinishedFrame)
                hostile.append(raw)
                if hostile.count % 10 == 0 {
                    try await expectAccepted(bystander, "deposit", ["account": 1, "amount": 1])
                }
            }
            #expect(
                try await server.waitUntil("atomic_state_connection_bytes") { $0 <= 67_108_864 })
            let ended = try server.endedConnectionCount("memory")
            #expect(ended >= 84, "\(ended) connections, of 100 with more than 4 MiB each in 64 MiB")
            let growth = try server.memoryByteCount("VmHWM") - before
            #expect(growth < 2 * 64 << 20, "\(growth) bytes")
            // The others are ended because the rest of their frames does not come.
            let reasons = try hostile.compactMap { try $0.receiveReason() }
            let told = reasons.count { $0.message.contains("hold more than 67108864 bytes") }
            #expect(told >= ended, "\(told) of \(ended) that were ended")
            #expect(reasons.count == hostile.count, "each is told why")
        }
    }

    /// One that is ending, and whose peer does not read what it was told, does not keep the others from being ended.
    @Test func aConnectionThatEndsDoesNotShieldOthers() async throws {
        try await HostilePeer.withBank(["--connection-memory", "64", "--peer-timeout", "600"]) {
            server, bystander in
            let shield = try RawConnection(port: server.address.port, receiveBufferByteCount: 4_096)
            try shield.greet()
            var held = 0.0
            for _ in 0..<100 where held < 10_000_000 {
                shield.send(
                    Array(repeating: RawConnection.frame(.describe), count: 100).flatMap { $0 })
                try await Task.sleep(for: .milliseconds(20))
                held = try server.metric("atomic_state_connection_bytes")
            }
            try #require(held >= 10_000_000)
            shield.send([1, 0, 0, 0, 0])
            #expect(
                try await server.waitUntil(
                    "atomic_state_connections_ended_total{reason=\"protocol\"}"
                ) { $0 == 1 })
            var hostile: [RawConnection] = []
            for _ in 0..<40 {
                let raw = try RawConnection(port: server.address.port)
                try raw.greet()
                raw.send(Self.unfinishedFrame)
                hostile.append(raw)
            }
            #expect(
                try await server.waitUntil("atomic_state_connection_bytes") { $0 <= 67_108_864 })
            try await expectAccepted(bystander, "deposit", ["account": 1, "amount": 1])
        }
    }

    /// Who sends and is gone at once leaves nothing to be done.
    @Test func requestsOfClosedConnectionsAreDropped() async throws {
        try await HostilePeer.withBank { server, bystander in
            let before = try server.metric("atomic_state_batches_total")
            let count = 400
            // Light, and all rejected: the account is not there.
            let frame = HostilePeer.submit(HostilePeer.deposits(3_500, account: 77))
            for _ in 0..<count {
                let raw = try RawConnection(port: server.address.port)
                try raw.greet()
                raw.send(frame)
            }
            #expect(try await server.waitUntil("atomic_state_queue_transactions") { $0 == 0 })
            let carriedOut = try server.metric("atomic_state_batches_total") - before
            #expect(carriedOut < Double(count), "\(carriedOut) of \(count)")
            try await expectAccepted(bystander, "deposit", ["account": 1, "amount": 1])
        }
    }

    /// Every connection does its worst at once: memory stays within what the limits say.
    @Test func memoryStaysWithinTheLimits() async throws {
        let memory = 256 << 20
        try await HostilePeer.withBank(["--connection-memory", "256"]) { server, bystander in
            let before = try server.memoryByteCount("VmHWM")
            let full = (1...64).flatMap {
                HostilePeer.submit(HostilePeer.deposits(60_000), id: UInt64($0))
            }
            let reads = Array(
                repeating: RawConnection.frame(
                    .get(entity: 0, keys: Column(words: Array(repeating: 1, count: 30_000)))),
                count: 64
            ).flatMap { $0 }
            let describes = Array(repeating: RawConnection.frame(.describe), count: 20_000).flatMap
            {
                $0
            }
            let attack = Attack()
            let connectionCount = 24
            let port = server.address.port
            attack.start(threadCount: connectionCount) { number, _ in
                guard let raw = try? RawConnection(port: port) else { return }
                try? raw.greet()
                // None reads an answer; each sends what the server takes, for a while.
                var rest = [full, reads, describes][number % 3][...]
                for _ in 0..<100 {
                    guard let count = raw.offer(rest) else { return }
                    rest = rest.dropFirst(count)
                    usleep(5_000)
                }
            }
            for _ in 0..<(2 * (HostilePeer.secondsAskedFor ?? 1)) {
                try await Task.sleep(for: .milliseconds(500))
                try await expectAccepted(bystander, "deposit", ["account": 1, "amount": 1])
            }
            try await attack.stop()
            // What connections hold, the queue, and what the system's allocator keeps of both.
            let queue = 64 << 20
            let bound = 2 * (memory + queue) + connectionCount * 32 << 10
            let growth = try server.memoryByteCount("VmHWM") - before
            #expect(growth < bound, "\(growth >> 20) MiB")
            #expect(try await server.waitUntil("atomic_state_connections") { $0 == 1 })
            #expect(try await server.waitUntil("atomic_state_connection_bytes") { $0 < 1_048_576 })
        }
    }

    /// When the process may open no more descriptors, the listener waits without spinning, and serves
    /// again when there are some.
    @Test func theListenerSurvivesWithoutDescriptors() async throws {
        try await HostilePeer.withBank { server, bystander in
            let pid = server.processIdentifier
            let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd")
            let highest = try #require(open.compactMap { Int($0) }.max())
            let limit = try descriptorLimit(of: pid)
            // Room for three more.
            try setDescriptorLimit(of: pid, "\(highest + 4)")
            var waiting = try (0..<40).map { _ in try RawConnection(port: server.address.port) }
            for raw in waiting { raw.send(.hello(client: "raw", schemaFingerprint: ""), id: 0) }
            let before = try cpuSeconds(pid)
            try await Task.sleep(for: .seconds(2))
            let spent = try cpuSeconds(pid) - before
            #expect(spent < 0.5, "\(spent) s of CPU time in 2 s of waiting")
            try await expectAccepted(bystander, "deposit", ["account": 1, "amount": 1])
            try setDescriptorLimit(of: pid, limit)
            for raw in waiting { #expect(try raw.receive() != nil, "it is served now") }
            waiting = []
            try await expectAccepted(
                try await server.connect(), "deposit", ["account": 1, "amount": 1])
        }
    }

    /// A limit of descriptors that the settings don't fit lowers the number of connections, so that
    /// storage keeps its own.
    @Test func connectionsLeaveStorageItsDescriptors() async throws {
        try await withTemporaryFolder { folder in
            let server = try await ServerProcess(
                schema: repositoryFile("examples/bank.yaml"), data: folder.appending(path: "data"),
                descriptorCountMax: 900)
            #expect(server.log.contains("max_connections=450"))
            let open = try (0..<1_000).map { _ in try RawConnection(port: server.address.port) }
            let ended = "atomic_state_connections_ended_total{reason=\"limit\"}"
            #expect(try await server.waitUntil(ended) { $0 == 550 })
            #expect(try server.metric("atomic_state_connections") == 450)
            withExtendedLifetime(open) {}
            #expect(await server.end(SIGTERM) == 0)
        }
    }

    /// The soft limit, by prlimit(1).
    private func descriptorLimit(of pid: pid_t) throws -> String {
        let tool = ["prlimit", "--pid", "\(pid)", "--nofile", "--output", "SOFT", "--noheadings"]
        return try runTool("/usr/bin/env", tool).text.trimmingCharacters(
            in: .whitespacesAndNewlines)
    }

    private func setDescriptorLimit(of pid: pid_t, _ soft: String) throws {
        let tool = ["prlimit", "--pid", "\(pid)", "--nofile=\(soft):"]
        let result = try runTool("/usr/bin/env", tool)
        #expect(result.status == 0, "\(result.text)")
    }

    /// utime and stime of proc(5), in seconds.
    private func cpuSeconds(_ pid: pid_t) throws -> Double {
        let text = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        let words = text.split(separator: ")").last.map { $0.split(separator: " ") } ?? []
        let ticks = try #require(Double(words[11])) + (try #require(Double(words[12])))
        return ticks / Double(sysconf(CInt(_SC_CLK_TCK)))
    }
}
