import AtomicStateClient
import AtomicStateProtocol
import Synchronization
import Testing

/// The client against a peer that behaves well, badly, or not at all.
@Suite(.timeLimit(.minutes(1))) struct ConnectionTests {
    @Test func connectsAndCalls() async throws {
        let server = try await ScriptedServer { request in
            if case .submit(let submit) = request.body {
                .respond(
                    .submit(
                        SubmitReply(
                            firstSequence: 5, acceptedCount: submit.transactionCount, rejections: []
                        )))
            } else {
                .respond(.pong)
            }
        }
        let client = try await server.client()
        #expect(client.greeting.server == "scripted")
        #expect(client.schema == bankDescription)
        try await client.ping()
        let outcome = try await client.submit("transfer", ["from": 1, "to": 2, "amount": "12.50"])
        #expect(outcome == .accepted(sequence: 5))
        await client.close()
        await #expect(throws: ConnectionError.closed) { try await client.ping() }
    }

    @Test func aRefusedHandshakeThrowsItsStatus() async throws {
        let refusal = Status(.failedPrecondition, "another schema")
        let server = try await ScriptedServer { $0.isHello ? .respond(.failure(refusal)) : .hangUp }
        await #expect(throws: refusal) { try await server.client() }
    }

    @Test func aServerThatDoesNotAnswerIsReported() async throws {
        let server = try await ScriptedServer { _ in .stayQuiet }
        await #expect(
            throws: ConnectionError.unreachable(
                server.address, reason: "it did not answer within 2.0 seconds")
        ) {
            try await AtomicStateClient.connect(to: server.address, timeout: .seconds(2))
        }
    }

    @Test func nobodyListens() async throws {
        // A port that was free a moment ago.
        let address = try await ScriptedServer { _ in .hangUp }.address
        let error = await #expect(throws: ConnectionError.self) {
            while true {
                try await AtomicStateClient.connect(to: address, timeout: .seconds(5)).close()
            }
        }
        guard case .unreachable(address, _)? = error else {
            guard case .lost? = error else {
                Issue.record("\(error.map(String.init(describing:)) ?? "no error")")
                return
            }
            return
        }
    }

    @Test func aLostConnectionFailsEveryCallThatIsTriedOnce() async throws {
        let submits = Atomic(0)
        let server = try await ScriptedServer(requestsInFlightMax: 2) { request in
            guard case .health = request.body else { return .respond(.pong) }
            return submits.add(1, ordering: .relaxed).newValue < 2 ? .stayQuiet : .hangUp
        }
        let client = try await server.client()
        // Two are in flight; the others wait for credit.
        await withTaskGroup { group in
            for _ in 0..<5 {
                group.addTask {
                    await #expect(throws: ConnectionError.lost(reason: "the server closed it")) {
                        try await client.health()
                    }
                }
            }
        }
        // The next call connects anew.
        try await client.ping()
    }

    @Test func moreCallersThanCreditAllGetTheirAnswer() async throws {
        let server = try await ScriptedServer(requestsInFlightMax: 3) { request in
            guard case .get(let get) = request.body else { return .respond(.pong) }
            let column = Column(words: Array(get.keys.words))
            return .respond(.get(GetReply(found: [true], versions: [1], columns: [column])))
        }
        let client = try await server.client()
        try await withThrowingTaskGroup { group in
            for key in 0..<200 as Range<UInt64> {
                group.addTask {
                    let reply = try await client.get(entity: 0, keys: Column(words: [key]))
                    #expect(reply.columns == [Column(words: [key])])
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func aFailureFailsOneCallOnly() async throws {
        let busy = Status(.resourceExhausted, "busy", retryAfterMilliseconds: 20)
        let server = try await ScriptedServer { request in
            if case .health = request.body { .respond(.failure(busy)) } else { .respond(.pong) }
        }
        let client = try await server.client()
        await #expect(throws: busy) { try await client.health() }
        try await client.ping()
    }

    @Test func anAnswerOfAnotherKindIsReported() async throws {
        let server = try await ScriptedServer { _ in .respond(.pong) }
        let client = try await server.client()
        let status = await #expect(throws: Status.self) { try await client.health() }
        #expect(status?.code == .internal)
    }

    @Test func aCancelledCallEndsAtOnce() async throws {
        let server = try await ScriptedServer(requestsInFlightMax: 1) { request in
            if case .health = request.body { .stayQuiet } else { .respond(.pong) }
        }
        let client = try await server.client()
        let inFlight = Task { try await client.health() }
        let waiting = Task { try await client.ping() }
        try await Task.sleep(for: .milliseconds(50))
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        inFlight.cancel()
        await #expect(throws: CancellationError.self) { try await inFlight.value }
    }

    @Test(
        arguments: [
            (
                .sendBytes(Array("HTTP/1.1 400 Bad Request\r\n".utf8)),
                "what the server sent can't be read: "
                    + "unimplemented: frame flag 72: expected 0, as messages are not compressed"
            ),
            (
                .sendBytes([0, 0, 0, 0, 1, 0xFF]),
                "what the server sent can't be read: internal: the server sent 1 bytes that are no "
                    + "Response"
            ),
            (.respondAs(99, .pong), "the server answered request 99, which was not asked"),
            (
                .respondAs(0, .failure(Status(.invalidArgument, "not a Request"))),
                "the server ended it: invalidArgument: not a Request"
            ),
        ] as [(ScriptedServer.Answer, String)])
    func whatCanNotBeUnderstoodEndsTheConnection(
        answer: ScriptedServer.Answer, reason: String
    ) async throws {
        let server = try await ScriptedServer { request in
            if case .health = request.body { answer } else { .respond(.pong) }
        }
        let client = try await server.client()
        await #expect(throws: ConnectionError.lost(reason: reason)) { try await client.health() }
    }

    @Test func aMessageBeyondTheServersLimitIsNotSent() async throws {
        let server = try await ScriptedServer(frameByteCountMax: 1_000) { _ in .respond(.pong) }
        let client = try await server.client()
        let keys = Column(words: Array(repeating: 1, count: 1_000))
        let status = await #expect(throws: Status.self) {
            try await client.get(entity: 0, keys: keys)
        }
        #expect(status?.code == .resourceExhausted)
        try await client.ping()
    }

    @Test func aDescriptionThatRefersToNothingIsRefused() async throws {
        var schema = bankDescription
        schema.operations[0].parameters[0].kind = .reference(entity: 2)
        let damaged = schema
        let server = try await ScriptedServer { request in
            request.isDescribe ? .respond(.describe(damaged)) : .respond(.pong)
        }
        await #expect(
            throws: Status(.internal, "'from' refers to entity 2 of 2")
        ) { try await server.client() }
    }

    @Test func aUniqueKeyOfNoFieldIsRefused() async throws {
        var schema = bankDescription
        schema.entities[0].uniqueKeys = [[0], [1, 5]]
        let damaged = schema
        let server = try await ScriptedServer { request in
            request.isDescribe ? .respond(.describe(damaged)) : .respond(.pong)
        }
        await #expect(
            throws: Status(.internal, "a unique key of 'Account' refers to field 5 of 5")
        ) { try await server.client() }
    }
}
