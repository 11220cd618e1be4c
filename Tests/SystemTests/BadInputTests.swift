import AtomicStateClient
import AtomicStateProtocol
import Foundation
import Testing

/// What is malformed ends its own connection after a reason; what does not fit the schema is refused
/// and its connection goes on; nobody else notices.
@Suite struct BadInputTests {
    struct Malformed: CustomTestStringConvertible {
        let testDescription: String
        let bytes: [UInt8]
        let code: StatusCode
        let reason: String
    }

    static let malformed = [
        Malformed(
            testDescription: "a frame over the limit", bytes: [0, 0x7F, 0xFF, 0xFF, 0xFF],
            code: .resourceExhausted, reason: "expected at most 4194304"),
        Malformed(
            testDescription: "a compressed frame", bytes: [1, 0, 0, 0, 1, 0], code: .unimplemented,
            reason: "expected 0"),
        Malformed(
            testDescription: "bytes that are no message", bytes: [0, 0, 0, 0, 3, 0xFF, 0xFF, 0xFF],
            code: .invalidArgument, reason: "not a Request"),
        Malformed(
            testDescription: "a message cut short",
            bytes: [0, 0, 0, 0, 8] + RawConnection.frame(.describe)[5...].prefix(2)
                + [0x1A, 0x20, 0x0A, 0x10, 0x08, 0x01],
            code: .invalidArgument, reason: "not a Request"),
    ]

    @Test(arguments: malformed) func malformedInputEndsItsConnectionOnly(
        _ malformed: Malformed
    ) async throws {
        try await withBank { server, bystander in
            let raw = try RawConnection(port: server.address.port)
            try raw.greet()
            raw.send(malformed.bytes)
            let response = try #require(try raw.receive())
            guard case .failure(let status) = response.body else {
                Issue.record("expected a failure, found \(response.body)")
                return
            }
            #expect(status.code == malformed.code)
            #expect(status.message.contains(malformed.reason), "\(status.message)")
            #expect(try raw.receive() == nil, "the connection is closed")
            try await expectAccepted(bystander, "deposit", ["account": 1, "amount": 1])
        }
    }

    @Test func requestBeforeHelloIsRefused() async throws {
        try await withBank { server, _ in
            let raw = try RawConnection(port: server.address.port)
            raw.send(.describe)
            guard case .failure(let status)? = try raw.receive()?.body else {
                Issue.record("expected a failure")
                return
            }
            #expect(status.code == .failedPrecondition)
        }
    }

    @Test func clientOfAnotherSchemaIsRefused() async throws {
        try await withBank { server, _ in
            await #expect {
                _ = try await AtomicStateClient.connect(
                    to: server.address, schemaFingerprint: String(repeating: "0", count: 64))
            } throws: { error in
                (error as? Status)?.code == .failedPrecondition
            }
        }
    }

    @Test func moreInFlightThanAllowedEndsTheConnection() async throws {
        try await withBank { server, bystander in
            let raw = try RawConnection(port: server.address.port)
            try raw.greet()
            let run = Run(
                operation: 1, transactionCount: 1,
                arguments: [Column(words: [1]), Column(words: [1])])
            let frames = (1...1_000).flatMap {
                RawConnection.frame(.submit([run], timeoutMilliseconds: 0), id: UInt64($0))
            }
            raw.send(frames)
            var reason: Status?
            while let response = try raw.receive() {
                if case .failure(let status) = response.body { reason = status }
            }
            #expect(reason?.code == .resourceExhausted)
            try await expectAccepted(bystander, "deposit", ["account": 1, "amount": 1])
        }
    }

    struct Unfit: CustomTestStringConvertible {
        let testDescription: String
        let run: Run
        let code: StatusCode
    }

    static let unfit = [
        Unfit(
            testDescription: "an unknown operation",
            run: Run(operation: 99, transactionCount: 1, arguments: []), code: .notFound),
        Unfit(
            testDescription: "too few arguments",
            run: Run(operation: 0, transactionCount: 1, arguments: [Column(words: [1])]),
            code: .invalidArgument),
        Unfit(
            testDescription: "text where a number is expected",
            run: Run(
                operation: 1, transactionCount: 1,
                arguments: [textColumn("1"), Column(words: [1])]), code: .invalidArgument),
        Unfit(
            testDescription: "a number where text is expected",
            run: Run(
                operation: 3, transactionCount: 1,
                arguments: [Column(words: [9]), Column(words: [9]), Column(words: [9])]),
            code: .invalidArgument),
        Unfit(
            testDescription: "columns of different lengths",
            run: Run(
                operation: 1, transactionCount: 2,
                arguments: [Column(words: [1, 1]), Column(words: [1])]), code: .invalidArgument),
        Unfit(
            testDescription: "no transactions",
            run: Run(operation: 1, transactionCount: 0, arguments: []), code: .invalidArgument),
    ]

    static func textColumn(_ text: String) -> Column {
        var column = Column()
        column.append(text)
        return column
    }

    /// The request is refused as a whole: the good run before the bad one is not carried out either.
    @Test func whatDoesNotFitTheSchemaIsRefused() async throws {
        try await withBank { server, client in
            let before = try await client.health().durableSequence
            let good = Run(
                operation: 1, transactionCount: 1,
                arguments: [Column(words: [1]), Column(words: [1])])
            let raw = try RawConnection(port: server.address.port)
            try raw.greet()
            for unfit in Self.unfit {
                raw.send(.submit([good, unfit.run], timeoutMilliseconds: 0), id: 7)
                let response = try #require(try raw.receive(), "\(unfit.testDescription)")
                guard case .failure(let status) = response.body else {
                    Issue.record("\(unfit.testDescription): expected a failure")
                    continue
                }
                #expect(response.id == 7)
                #expect(status.code == unfit.code, "\(unfit.testDescription): \(status)")
            }
            #expect(try await client.health().durableSequence == before)
        }
    }

    @Test func keysThatAreTooLongAreRejected() async throws {
        try await withTemporaryFolder { folder in
            let server = try await ServerProcess(
                schema: repositoryFile("examples/seats.yaml"), data: folder.appending(path: "data"))
            let raw = try RawConnection(port: server.address.port)
            try raw.greet()
            let client = try await server.connect()
            let found = try client.schema.operationIndex(named: "found")
            let run = Run(
                operation: found, transactionCount: 1,
                arguments: [
                    Self.textColumn(String(repeating: "k", count: 300)), Column(words: [10]),
                ])
            raw.send(.submit([run], timeoutMilliseconds: 0))
            guard case .submit(let reply)? = try raw.receive()?.body else {
                Issue.record("expected a reply")
                return
            }
            #expect(reply.rejections.map(\.code) == [10])
        }
    }

    @Test func expiredBatchesAreNotCarriedOut() async throws {
        try await withBank { _, client in
            let before = try await client.get("Account", keys: ["1"])[0]
            let work = Run(
                operation: 1, transactionCount: 60_000,
                arguments: [
                    Column(words: Array(repeating: 1, count: 60_000)),
                    Column(words: Array(repeating: 1, count: 60_000)),
                ])
            let busy = (0..<20).map { _ in Task { try await client.submit([work]) } }
            try await Task.sleep(for: .milliseconds(5))
            let late = Run(
                operation: 1, transactionCount: 1,
                arguments: [Column(words: [1]), Column(words: [100_000_000_000])])
            var expired = false
            do {
                _ = try await client.submit([late], timeout: .milliseconds(1))
            } catch let status as Status {
                expired = status.code == .deadlineExceeded
            }
            for task in busy { #expect(try await task.value.acceptedCount == 60_000) }
            let after = try #require(try await client.get("Account", keys: ["1"])[0])
            let grown = try #require(Double(after["balance"] ?? ""))
            let base = try #require(Double(before?["balance"] ?? ""))
            #expect((grown - base < 100_000_000) == expired)
        }
    }

    private func withBank(
        _ body: (ServerProcess, AtomicStateClient) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            let server = try await ServerProcess(
                schema: repositoryFile("examples/bank.yaml"), data: folder.appending(path: "data"))
            let client = try await server.connect()
            try await expectAccepted(
                client, "open", ["account": 1, "owner": "", "credit_limit": 0])
            try await body(server, client)
            #expect(await server.end(SIGTERM) == 0)
        }
    }
}
