import AtomicStateClient
import Foundation
import Glibc
import Testing

/// The admin port under the same treatment.
@Suite(.serialized) struct HostilePeerAdminTests {
    private static let request = "GET /livez HTTP/1.1\r\nhost: a\r\n\r\n"

    @Test func aRequestOverTheLimitIsRefused() async throws {
        try await HostilePeer.withBank { server, _ in
            let long = String(repeating: "a", count: 20 << 10)
            for request in [
                "GET /livez HTTP/1.1\r\nx: \(long)\r\n\r\n", "GET /\(long) HTTP/1.1\r\n\r\n",
                "POST /livez HTTP/1.1\r\ncontent-length: 30000\r\n\r\n\(long)",
                "GET /livez HTTP/1.1\r\n"
                    + String(repeating: "a: \(long.prefix(90))\r\n", count: 200),
            ] {
                let answer = try #require(try server.adminAnswer(request))
                #expect(answer.hasPrefix("HTTP/1.1 431 "), "\(answer)")
                #expect(answer.hasSuffix("a request has at most 16384 bytes\n"))
            }
            #expect(try server.metric("atomic_state_admin_requests_refused_total") == 4)
            #expect(try server.adminAnswer(Self.request)?.hasPrefix("HTTP/1.1 200 OK\r\n") == true)
        }
    }

    /// What is no HTTP is answered in HTTP, and a second request on a connection is not.
    @Test func oneConnectionServesOneRequest() async throws {
        try await HostilePeer.withBank { server, _ in
            let garbage = try #require(try server.adminAnswer("\u{0}\u{1}\u{2} nonsense\r\n\r\n"))
            #expect(garbage.hasPrefix("HTTP/1.1 400 "), "\(garbage)")
            let two = try #require(try server.adminAnswer(Self.request + Self.request))
            #expect(two.components(separatedBy: "HTTP/1.1 200 OK").count == 2, "\(two)")
            #expect(two.lowercased().contains("connection: close"))
        }
    }

    /// Requests of which the end does not come take all places for 10 s at most; more connections are
    /// told so, and clients are served all the while.
    @Test func unfinishedRequestsGiveTheirPlacesBack() async throws {
        try await HostilePeer.withBank { server, bystander in
            let slow = try (0..<64).map { _ in try RawConnection(port: server.adminPort) }
            for raw in slow { raw.send(Array("GET /metrics HTTP/1.1\r\nx: ".utf8)) }
            try await Task.sleep(for: .milliseconds(300))
            let refused = try #require(try server.adminAnswer(Self.request))
            #expect(refused.hasPrefix("HTTP/1.1 503 "), "\(refused)")
            #expect(refused.hasSuffix("at most 64 connections at a time\n"))
            try await expectAccepted(bystander, "deposit", ["account": 1, "amount": 1])
            // A byte now and then does not prolong the time.
            for _ in 0..<20 {
                for raw in slow { _ = raw.offer([0x61]) }
                try await Task.sleep(for: .milliseconds(400))
            }
            for raw in slow {
                let answer = String(decoding: try #require(raw.receiveRest()), as: UTF8.self)
                #expect(answer.hasPrefix("HTTP/1.1 408 "), "\(answer)")
            }
            #expect(try server.adminAnswer(Self.request)?.hasPrefix("HTTP/1.1 200 OK\r\n") == true)
        }
    }

    @Test func manyConnectionsAreRefused() async throws {
        try await HostilePeer.withBank { server, bystander in
            let before = try server.memoryByteCount("VmRSS")
            let count = HostilePeer.connectionCount(wanted: 1_000)
            let open = try (0..<count).map { _ in try RawConnection(port: server.adminPort) }
            try await expectAccepted(bystander, "deposit", ["account": 1, "amount": 1])
            let refused = open.dropFirst(64).filter { raw in
                raw.receiveRest().map { String(decoding: $0, as: UTF8.self) }?
                    .hasPrefix("HTTP/1.1 503 ") == true
            }
            #expect(refused.count == count - 64)
            #expect(try server.memoryByteCount("VmRSS") - before < 64 << 20)
        }
    }
}
