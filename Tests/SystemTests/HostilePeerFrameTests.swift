import AtomicStateClient
import AtomicStateProtocol
import Foundation
import Testing

/// Frames and messages that no client sends: each is refused with a reason that its sender can read,
/// and takes neither memory nor the server.
@Suite struct HostilePeerFrameTests {
    struct Opening: CustomTestStringConvertible {
        let testDescription: String
        let bytes: [UInt8]
        /// What the answer has to contain.
        let answer: String
    }

    static let openings = [
        Opening(
            testDescription: "an HTTP request",
            bytes: Array("GET / HTTP/1.1\r\nhost: a\r\n\r\n".utf8),
            answer: "HTTP/1.1 400 Bad Request\r\n"),
        Opening(
            testDescription: "a long HTTP request",
            bytes: Array("POST /v1/submit HTTP/1.1\r\n\r\n".utf8)
                + Array(repeating: 0x20, count: 1 << 20),
            answer: "this port speaks Atomic State's protocol, not HTTP"),
        Opening(
            testDescription: "HTTP/2's preface",
            bytes: Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8),
            answer: "not HTTP"),
        Opening(
            testDescription: "a frame of 0xFFFFFFFF bytes", bytes: [0, 0xFF, 0xFF, 0xFF, 0xFF],
            answer: "a message of 4294967295 bytes: expected at most 4194304"),
        Opening(
            testDescription: "a flag", bytes: [7, 0, 0, 0, 0], answer: "frame flag 7: expected 0"),
        Opening(
            testDescription: "an empty frame", bytes: [0, 0, 0, 0, 0],
            answer: "a connection starts with a hello"),
        Opening(
            testDescription: "a request before the hello", bytes: RawConnection.frame(.ping),
            answer: "a connection starts with a hello"),
        Opening(
            testDescription: "a fingerprint of 1 MiB",
            bytes: RawConnection.frame(
                .hello(client: "", schemaFingerprint: String(repeating: "f", count: 1 << 20))),
            answer: "schema \(String(repeating: "f", count: 128)): expected "),
    ]

    @Test(arguments: openings) func openingsOfOtherProtocolsAreAnswered(
        _ opening: Opening
    ) async throws {
        try await HostilePeer.withBank { server, bystander in
            let raw = try RawConnection(port: server.address.port)
            raw.send(opening.bytes)
            let answer = try #require(raw.receiveRest(), "the connection is closed")
            let text = String(decoding: answer, as: UTF8.self)
            #expect(text.contains(opening.answer), "\(text)")
            #expect(try server.endedConnectionCount("protocol") == 1)
            #expect(server.log.utf8.count < 16 << 10, "the log does not repeat what was sent")
            try await expectAccepted(bystander, "deposit", ["account": 1, "amount": 1])
        }
    }

    /// RFC 8446, sections 5.1 and 6: an alert record that ends the handshake.
    @Test func aTLSHandshakeIsAnsweredWithAnAlert() async throws {
        try await HostilePeer.withBank { server, _ in
            let raw = try RawConnection(port: server.address.port)
            raw.send([0x16, 0x03, 0x01, 0x02, 0x00, 0x01] + Array(repeating: 7, count: 511))
            #expect(raw.receiveRest() == [0x15, 0x03, 0x01, 0, 2, 2, 40])
        }
    }

    /// What is sent before the server has answered the hello is carried out, in order.
    @Test func requestsMayFollowTheHelloAtOnce() async throws {
        try await HostilePeer.withBank { server, _ in
            let raw = try RawConnection(port: server.address.port)
            raw.send(
                RawConnection.frame(.hello(client: "raw", schemaFingerprint: ""), id: 1)
                    + HostilePeer.submit(HostilePeer.deposits(1), id: 2)
                    + RawConnection.frame(.hello(client: "raw", schemaFingerprint: ""), id: 3)
                    + [0, 0, 0, 0, 0]
                    + HostilePeer.submit(HostilePeer.deposits(1), id: 5))
            var failures: [UInt64: Status] = [:]
            var accepted: Set<UInt64> = []
            for _ in 0..<5 {
                let response = try #require(try raw.receive())
                switch response.body {
                case .failure(let status): failures[response.id] = status
                case .submit(let reply):
                    if reply.acceptedCount == 1 { accepted.insert(response.id) }
                default: break
                }
            }
            #expect(accepted == [2, 5])
            #expect(failures[3]?.code == .failedPrecondition, "a second hello")
            #expect(failures[3]?.message == "a hello was sent already")
            #expect(failures[0]?.code == .unimplemented, "an empty frame")
        }
    }

    struct Message: CustomTestStringConvertible {
        let testDescription: String
        let bytes: [UInt8]
        let code: StatusCode
    }

    static let messages = [
        Message(
            testDescription: "2 million empty runs",
            bytes: HostilePeer.field(
                3, Array(repeating: [0x0A, 0x00] as [UInt8], count: 2_000_000).flatMap { $0 }),
            code: .resourceExhausted),
        Message(
            testDescription: "2 million unknown fields",
            bytes: Array(repeating: [0x78, 0x00] as [UInt8], count: 2_000_000).flatMap { $0 },
            code: .resourceExhausted),
        Message(
            testDescription: "a batch that is repeated 400,000 times",
            bytes: Array(
                repeating: HostilePeer.field(3, HostilePeer.field(1, [0x10, 0x01])), count: 400_000
            ).flatMap { $0 }, code: .resourceExhausted),
        Message(
            testDescription: "4 million lengths in one column",
            bytes: HostilePeer.field(
                3,
                HostilePeer.field(
                    1,
                    [0x08, 0x01, 0x10, 0x01]
                        + HostilePeer.field(
                            3, HostilePeer.field(3, Array(repeating: 1, count: 4_000_000))))),
            code: .invalidArgument),
        Message(
            testDescription: "4 billion transactions in a run without values",
            bytes: HostilePeer.field(
                3,
                HostilePeer.field(
                    1, [0x08, 0x01, 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F] + HostilePeer.field(3, []))),
            code: .invalidArgument),
        Message(
            testDescription: "lengths that add up to more than 2^32 for no text",
            bytes: HostilePeer.field(
                3,
                HostilePeer.field(
                    1,
                    [0x08, 0x03, 0x10, 0x02]
                        + HostilePeer.field(
                            3,
                            HostilePeer.field(
                                3, [0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F])))),
            code: .invalidArgument),
        Message(
            testDescription: "a submessage that is longer than its message",
            bytes: [0x1A, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x00], code: .invalidArgument),
        Message(
            testDescription: "submessages in each other, 100,000 deep",
            bytes: (0..<100_000).reduce(into: [UInt8]()) { bytes, _ in bytes += [0x7B] },
            code: .invalidArgument),
        Message(
            testDescription: "a batch and a read in one request",
            bytes: HostilePeer.field(3, []) + HostilePeer.field(4, []), code: .invalidArgument),
    ]

    /// Whatever a message claims, it takes a bounded time and little memory, and its sender learns what
    /// is wrong with it.
    @Test(arguments: messages) func contradictoryMessagesAreRefused(_ message: Message) async throws
    {
        try await HostilePeer.withBank { server, bystander in
            let before = try server.memoryByteCount("VmHWM")
            let raw = try RawConnection(port: server.address.port)
            try raw.greet()
            raw.send(HostilePeer.frame(message.bytes))
            let status = try #require(try raw.receiveReason())
            #expect(status.code == message.code, "\(status)")
            // The frame as it comes (a buffer doubles as it grows), and decoded.
            let bound = 3 * ProtocolLimits.frameByteCountMax + 16 << 20 + 16 << 20
            let growth = try server.memoryByteCount("VmHWM") - before
            #expect(growth < bound, "\(growth) bytes")
            try await expectAccepted(bystander, "deposit", ["account": 1, "amount": 1])
        }
    }
}
