import AtomicStateClient
import AtomicStateProtocol
import Foundation
import Glibc
import Testing

/// Peers that keep the server waiting: each is told so and ended after its time, and a peer that is
/// slow but does its part is not.
@Suite struct HostilePeerTimeTests {
    private static let arguments = ["--peer-timeout", "2"]
    /// The server looks twice a second, and the machine may be busy.
    private static let patience = 2.0...9.0

    private func seconds(_ body: () throws -> Void) rethrows -> Double {
        let start = ContinuousClock.now
        try body()
        return start.duration(to: .now) / .seconds(1)
    }

    @Test func aSilentConnectionIsEnded() async throws {
        try await HostilePeer.withBank(Self.arguments) { server, _ in
            let before = try server.endedConnectionCount("timeout")
            let raw = try RawConnection(port: server.address.port)
            var reason: Status?
            let time = try seconds { reason = try raw.receiveReason() }
            #expect(reason?.code == .deadlineExceeded)
            #expect(reason?.message == "no hello for 2 s")
            #expect(Self.patience.contains(time), "\(time) s")
            #expect(try server.endedConnectionCount("timeout") == before + 1)
        }
    }

    @Test(arguments: [1, 5, 12]) func halfAFrameIsEnded(byteCount: Int) async throws {
        try await HostilePeer.withBank(Self.arguments) { server, _ in
            let raw = try RawConnection(port: server.address.port)
            try raw.greet()
            raw.send(Array(HostilePeer.submit(HostilePeer.deposits(1)).prefix(byteCount)))
            var reason: Status?
            let time = try seconds { reason = try raw.receiveReason() }
            #expect(reason?.message == "a frame that is not complete after 2 s")
            #expect(Self.patience.contains(time), "\(time) s")
        }
    }

    /// The whole frame counts: a byte now and then does not prolong its time.
    @Test func aByteAtATimeIsEnded() async throws {
        try await HostilePeer.withBank(Self.arguments) { server, _ in
            let before = try server.endedConnectionCount("timeout")
            let raw = try RawConnection(port: server.address.port)
            try raw.greet()
            let frame = HostilePeer.submit(HostilePeer.deposits(1_000))
            let time = seconds {
                for byte in frame {
                    guard raw.send([byte]) else { break }
                    usleep(20_000)
                    if raw.offer([]) == nil { break }
                }
            }
            #expect(Self.patience.contains(time), "\(time) s")
            #expect(try server.endedConnectionCount("timeout") == before + 1)
        }
    }

    /// A frame in many pieces that come in time is served like any other.
    @Test func aSlowFrameInTimeIsServed() async throws {
        try await HostilePeer.withBank(["--peer-timeout", "30"]) { server, _ in
            let raw = try RawConnection(port: server.address.port)
            try raw.greet()
            for byte in HostilePeer.submit(HostilePeer.deposits(1)) {
                raw.send([byte])
                usleep(1_000)
            }
            guard case .submit(let reply)? = try raw.receive()?.body else {
                Issue.record("expected a reply")
                return
            }
            #expect(reply.acceptedCount == 1)
        }
    }

    /// A client that never reads: the server stops reading it at a bound, then ends it.
    @Test func aClientThatNeverReadsIsEnded() async throws {
        try await HostilePeer.withBank(["--peer-timeout", "3"]) { server, bystander in
            let endedBefore = try server.endedConnectionCount("timeout")
            let before = try server.memoryByteCount("VmHWM")
            let raw = try RawConnection(port: server.address.port, receiveBufferByteCount: 4_096)
            raw.send(.hello(client: "raw", schemaFingerprint: ""), id: 0)
            // Each answer is the schema, 500 times as long as the request.
            let requests = Array(repeating: RawConnection.frame(.describe), count: 10_000).flatMap {
                $0
            }
            var sentByteCount = 0
            let start = ContinuousClock.now
            while start.duration(to: .now) < .seconds(20) {
                guard let count = raw.offer(requests[...]) else { break }
                sentByteCount += count
                if count == 0 { usleep(10_000) }
            }
            let time = start.duration(to: .now) / .seconds(1)
            #expect((3.0...12.0).contains(time), "\(time) s")
            #expect(try server.endedConnectionCount("timeout") == endedBefore + 1)
            #expect(server.log.contains("answers of which none were taken for 3 s"))
            // The backlog's bound and one answer, while a buffer doubles.
            let growth = try server.memoryByteCount("VmHWM") - before
            #expect(growth < 3 * 16 << 20, "\(growth) bytes for \(sentByteCount) bytes of requests")
            #expect(try await server.waitUntil("atomic_state_connection_bytes") { $0 < 1_048_576 })
            try await expectAccepted(bystander, "deposit", ["account": 1, "amount": 1])
        }
    }

    /// Whoever reads late gets every answer.
    @Test func aClientThatReadsLateGetsEveryAnswer() async throws {
        try await HostilePeer.withBank { server, _ in
            let raw = try RawConnection(port: server.address.port, receiveBufferByteCount: 4_096)
            raw.send(.hello(client: "raw", schemaFingerprint: ""), id: 0)
            let requests = (1...20_000).flatMap {
                RawConnection.frame($0 % 2 == 0 ? .describe : .ping, id: UInt64($0))
            }
            let sender = Thread { raw.send(requests) }
            sender.start()
            try await Task.sleep(for: .milliseconds(1_500))
            for id in 0...20_000 {
                let response = try #require(try raw.receive())
                #expect(response.id == UInt64(id))
            }
        }
    }

    @Test func anIdleConnectionIsEndedIfASettingSaysSo() async throws {
        try await HostilePeer.withBank { server, _ in
            let idle = try RawConnection(port: server.address.port)
            try idle.greet()
            try await Task.sleep(for: .seconds(2.5))
            idle.send(.ping)
            #expect(try idle.receive() != nil, "without the setting it stays")
        }
        try await HostilePeer.withBank(["--idle-timeout", "2"]) { server, _ in
            let idle = try RawConnection(port: server.address.port)
            try idle.greet()
            let reason = try idle.receiveReason()
            #expect(reason?.message == "no request for 2 s")
        }
    }

    /// A peer that is gone without a word is asked for: the system's keep-alive timer of the server's
    /// socket is set (/proc/net/tcp, proc(5): 02 is the keep-alive timer).
    @Test func theSystemAsksForSilentPeers() async throws {
        try await HostilePeer.withBank { server, _ in
            let raw = try RawConnection(port: server.address.port)
            try raw.greet()
            let local = String(format: ":%04X", server.address.port)
            let remote = String(format: ":%04X", raw.localPort)
            // The acknowledgement of the greeting may be on its way, with a timer of its own.
            var timer: Substring = ""
            for _ in 0..<100 where timer != "02" {
                let table = try runTool("/usr/bin/env", ["cat", "/proc/net/tcp"]).text
                let words = table.split(separator: "\n").map { $0.split(separator: " ") }
                let line = words.first { $0[1].hasSuffix(local) && $0[2].hasSuffix(remote) }
                timer = line?[5].prefix(2) ?? ""
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(timer == "02")
        }
    }
}
