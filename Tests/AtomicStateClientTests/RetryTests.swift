import AtomicStateProtocol
import AtomicStateValues
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import AtomicStateClient

/// Calls that are tried again, against a server that fails as a test wants.
@Suite(.timeLimit(.minutes(1))) struct RetryTests {
    static let transfer: [String: ArgumentValue] = ["from": 1, "to": 2, "amount": "12.50"]
    static let busy = Status(.resourceExhausted, "busy", retryAfterMilliseconds: 40)
    static let otherSchema = Status(.failedPrecondition, "schema 00ff: expected 1234")

    @Test func aLostReplyIsAskedForAgain() async throws {
        let server = try await FailingServer([.hangUp, .hangUp])
        let client = try await server.client()
        #expect(try await client.submit("transfer", Self.transfer) == .accepted(sequence: 7))
        let sent = server.submits
        #expect(sent.count == 3)
        #expect(Set(sent.map(\.name)).count == 1)
        #expect(sent.allSatisfy { $0.words == [1, 2, 1250] })
        #expect(sent[0].name?.number == 1)
        #expect((sent[0].name?.sentMilliseconds ?? 0) >= 1_700_000_000_000)
        // Whoever comes back says what schema it had.
        #expect(server.helloFingerprints == ["", "00ff", "00ff"])
        // The next batch has the next name.
        try await client.submit("transfer", Self.transfer)
        #expect(server.submits[3].name?.number == 2)
        #expect(server.submits[3].name?.producer == sent[0].name?.producer)
    }

    @Test(
        arguments: [
            Status(.unavailable, "draining"),
            Status(.unavailable, "draining", retryAfterMilliseconds: 40), busy,
        ])
    func aServerThatCanNotJustNowIsAskedAgain(status: Status) async throws {
        let answer = ScriptedServer.Answer.respond(.failure(status))
        let server = try await FailingServer([answer, answer])
        let client = try await server.client()
        #expect(try await client.submit("transfer", Self.transfer) == .accepted(sequence: 7))
        #expect(Set(server.submits.map(\.name)).count == 1)
        let pauses = server.pauses
        #expect(pauses.count == 2)
        #expect(
            pauses.allSatisfy { $0 >= .milliseconds(status.retryAfterMilliseconds) }, "\(pauses)")
    }

    @Test(arguments: StatusCode.allCases.filter { $0 != .unavailable && $0 != .outOfRange })
    func anyOtherStatusIsThrownAtOnce(code: StatusCode) async throws {
        let status = Status(code, "no")
        let server = try await FailingServer([.respond(.failure(status))])
        let client = try await server.client()
        await #expect(throws: status) { try await client.submit("transfer", Self.transfer) }
        #expect(server.submits.count == 1)
        #expect(server.pauses.isEmpty)
    }

    @Test func aTimeThatIsForgottenIsDrawnAnewOnce() async throws {
        let forgotten = Status(.outOfRange, "forgotten")
        let answer = ScriptedServer.Answer.respond(.failure(forgotten))
        let server = try await FailingServer([answer, .respond(.pong), answer, answer])
        let client = try await server.client()
        #expect(try await client.submit("transfer", Self.transfer) == .accepted(sequence: 7))
        #expect(server.submits.map { $0.name?.number } == [1, 2])
        await #expect(throws: forgotten) { try await client.submit("transfer", Self.transfer) }
        #expect(server.submits.map { $0.name?.number } == [1, 2, 3, 4])
        #expect(server.pauses.isEmpty)
    }

    /// A clock that was set, or that drifts, does not keep this client out for good.
    @Test(arguments: [1_000, 4_000_000_000_000])
    func theTimeIsTheServersFromThenOn(milliseconds: UInt64) async throws {
        let ahead = Status(.outOfRange, "ahead", timeMilliseconds: milliseconds)
        let server = try await FailingServer([.respond(.failure(ahead))])
        let client = try await server.client()
        for _ in 0..<2 {
            #expect(try await client.submit("transfer", Self.transfer) == .accepted(sequence: 7))
        }
        let times = server.submits.compactMap { $0.name?.sentMilliseconds }
        #expect(times.count == 3)
        #expect(
            times.dropFirst().allSatisfy { (milliseconds..<(milliseconds + 60_000)).contains($0) })
        #expect((milliseconds..<(milliseconds + 60_000)).contains(client.makeKey().milliseconds))
    }

    /// The last wait may take all the time that is left.
    @Test func nothingIsSentAfterTheDeadline() async throws {
        let answer = ScriptedServer.Answer.respond(.failure(Self.busy))
        let server = try await FailingServer([answer, answer, answer])
        let client = try await server.client(pause: { _ in
            try await Task.sleep(for: .milliseconds(2_100))
        })
        let status = await #expect(throws: Status.self) {
            try await client.submit("transfer", Self.transfer, deadline: .seconds(2))
        }
        #expect(status?.code == .deadlineExceeded)
        #expect(server.submits.count == 1)
    }

    @Test(
        arguments: [
            Status(.outOfRange, "forgotten"), Status(.deadlineExceeded, "late"),
            Status(.invalidArgument, "no such operation"),
        ])
    func aRefusedRepetitionLeavesTheOutcomeUnknown(status: Status) async throws {
        let server = try await FailingServer([.hangUp, .respond(.failure(status))])
        let client = try await server.client()
        let error = await #expect(throws: OutcomeUnknownError.self) {
            try await client.submit("transfer", Self.transfer)
        }
        #expect(error?.reason == .status(status))
        #expect(error?.batch == server.submits[1].name)
    }

    @Test func anotherBatchOfTheSameNameIsReported() async throws {
        let collision = Status(.alreadyExists, "other content")
        let server = try await FailingServer([.hangUp, .respond(.failure(collision))])
        let client = try await server.client()
        await #expect(throws: collision) { try await client.submit("transfer", Self.transfer) }
    }

    @Test func whatChangesNothingIsAskedAgain() async throws {
        let proper = ScriptedServer.Answer.respond(.pong)
        let server = try await FailingServer(
            [.hangUp, proper, .hangUp, .hangUp, proper, .hangUp], of: .reads)
        let client = try await server.client()
        #expect(try await client.get(entity: 0, keys: Column(words: [1])).found == [false])
        try await client.ping()
        #expect(try await client.describe() == bankDescription)
        #expect(server.helloFingerprints.count == 5)
    }

    @Test(arguments: [true, false])
    func anotherSchemaIsNeverSentAnything(serverChecks: Bool) async throws {
        let server = try await FailingServer([.hangUp])
        let client = try await server.client()
        let refusal =
            serverChecks
            ? Self.otherSchema : Status(.failedPrecondition, "schema 1234: expected 00ff")
        server.answerHello(
            serverChecks
                ? .failure(Self.otherSchema)
                : .hello(ScriptedServer.greeting(schemaFingerprint: "1234")))
        let error = await #expect(throws: OutcomeUnknownError.self) {
            try await client.submit("transfer", Self.transfer)
        }
        #expect(error?.reason == .connection(.refused(refusal)))
        // This one is not sent at all.
        await #expect(throws: ConnectionError.refused(refusal)) {
            try await client.submit("transfer", Self.transfer)
        }
        await #expect(throws: ConnectionError.refused(refusal)) { try await client.ping() }
        #expect(server.submits.count == 1)
    }

    @Test func aServerThatIsNotReadyToGreetIsAskedAgain() async throws {
        let server = try await FailingServer([.hangUp])
        let client = try await server.client()
        server.answerHello(.failure(Status(.unavailable, "starting")), count: 3)
        #expect(try await client.submit("transfer", Self.transfer) == .accepted(sequence: 7))
        #expect(server.helloFingerprints.count == 5)
    }

    @Test func allCallersShareOneNewConnection() async throws {
        let server = try await FailingServer([.hangUp], requestsInFlightMax: 64)
        let client = try await server.client()
        let outcomes = try await withThrowingTaskGroup { group in
            for _ in 0..<50 {
                group.addTask { try await client.submit("transfer", Self.transfer) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes == Array(repeating: .accepted(sequence: 7), count: 50))
        #expect(server.helloFingerprints.count == 2)
    }

    @Test func aTriedOnceSubmitThatGotNoAnswerIsUnknown() async throws {
        let server = try await FailingServer([.hangUp])
        let client = try await server.client(retries: .none)
        let error = await #expect(throws: OutcomeUnknownError.self) {
            try await client.submit("transfer", Self.transfer)
        }
        #expect(error?.reason == .connection(.lost(reason: "the server closed it")))
        #expect(server.submits.count == 1)
    }

    @Test func theDeadlineEndsEveryCall() async throws {
        let server = try await FailingServer(
            [.stayQuiet], requestsInFlightMax: 1)
        let client = try await server.client()
        let limit = Duration.milliseconds(150)
        let start = ContinuousClock.now
        async let sent: Void = expectUnknown(.deadlinePassed) {
            try await client.submit("transfer", Self.transfer, deadline: limit)
        }
        while server.submits.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
        // The other one has the only credit.
        let status = await #expect(throws: Status.self) {
            try await client.submit("transfer", Self.transfer, deadline: .milliseconds(20))
        }
        #expect(status?.code == .deadlineExceeded)
        #expect(ContinuousClock.now - start >= .milliseconds(20))
        await sent
        #expect(ContinuousClock.now - start >= limit)
        #expect(server.submits.count == 1)
    }

    @Test func cancellationTellsWhatWasSent() async throws {
        let server = try await FailingServer([.stayQuiet], requestsInFlightMax: 1)
        let client = try await server.client()
        let sent = Task { try await client.submit("transfer", Self.transfer) }
        while server.submits.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
        let waiting = Task { try await client.submit("transfer", Self.transfer) }
        try await Task.sleep(for: .milliseconds(20))
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        sent.cancel()
        await expectUnknown(.cancelled) { try await sent.value }
    }

    @Test func closingTellsWhatWasSent() async throws {
        let server = try await FailingServer([.stayQuiet], requestsInFlightMax: 1)
        let client = try await server.client()
        let sent = Task { try await client.submit("transfer", Self.transfer) }
        while server.submits.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
        let waiting = Task { try await client.submit("transfer", Self.transfer) }
        try await Task.sleep(for: .milliseconds(20))
        await client.close()
        await #expect(throws: ConnectionError.closed) { try await waiting.value }
        await expectUnknown(.connection(.closed)) { try await sent.value }
        await #expect(throws: ConnectionError.closed) { try await client.ping() }
        #expect(server.helloFingerprints.count == 1)
    }

    @Test func aClientWhoseConnectionWasLostIsClosedToo() async throws {
        let server = try await FailingServer([.hangUp], of: .reads)
        let client = try await server.client(retries: .none)
        await #expect(throws: ConnectionError.self) { try await client.ping() }
        await client.close()
        await #expect(throws: ConnectionError.closed) { try await client.ping() }
        #expect(server.helloFingerprints.count == 1)
    }

    private func expectUnknown(
        _ reason: OutcomeUnknownError.Reason, sourceLocation: SourceLocation = #_sourceLocation,
        _ body: () async throws -> TransactionOutcome
    ) async {
        let error = await #expect(
            throws: OutcomeUnknownError.self, sourceLocation: sourceLocation
        ) { try await body() }
        #expect(error?.reason == reason, sourceLocation: sourceLocation)
    }
}

/// Answers the first requests of a kind as a test wants, and then as it should; keeps what it was sent.
/// Its clients do not wait before they try again: what they would have waited is kept.
private final class FailingServer: Sendable {
    enum Kind { case submits, reads }

    struct SentBatch: Sendable {
        let name: BatchName?
        let words: [UInt64]
    }

    fileprivate struct Log {
        var answers: ArraySlice<ScriptedServer.Answer>
        var helloAnswer: ResponseBody?
        var helloAnswerCount = 0
        var submits: [SentBatch] = []
        var helloFingerprints: [String] = []
    }

    private final class State: Sendable {
        let log: Mutex<Log>
        let pauses = Mutex<[Duration]>([])

        init(_ answers: [ScriptedServer.Answer]) {
            log = Mutex(Log(answers: answers[...]))
        }
    }

    private let state: State
    private let server: ScriptedServer

    /// - Parameter answers: pong for the proper one.
    init(
        _ answers: [ScriptedServer.Answer], of kind: Kind = .submits, requestsInFlightMax: Int = 4
    ) async throws {
        let state = State(answers)
        self.state = state
        server = try await ScriptedServer(requestsInFlightMax: requestsInFlightMax) { request in
            state.log.withLock { $0.answer(request, kind) }
        }
    }

    var submits: [SentBatch] { state.log.withLock { $0.submits } }
    var helloFingerprints: [String] { state.log.withLock { $0.helloFingerprints } }
    var pauses: [Duration] { state.pauses.withLock { $0 } }

    /// From now on, so many times.
    func answerHello(_ body: ResponseBody, count: Int = .max) {
        state.log.withLock {
            $0.helloAnswer = body
            $0.helloAnswerCount = count
        }
    }

    /// - Parameter retries: by default until long after other tests have let this one's tasks run.
    func client(
        retries: RetryPolicy = RetryPolicy(deadline: .seconds(600)),
        pause: @escaping ServerLink.Pause = { _ in }
    ) async throws -> AtomicStateClient {
        try await AtomicStateClient.connect(
            ServerLink.Configuration(
                address: server.address, clientName: "test", timeout: .seconds(5),
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton, policy: retries,
                pause: { [state] duration in
                    state.pauses.withLock { $0.append(duration) }
                    try await pause(duration)
                }))
    }
}

extension FailingServer.Log {
    mutating func answer(
        _ request: DecodedRequest, _ kind: FailingServer.Kind
    ) -> ScriptedServer.Answer {
        switch request.body {
        case .hello(let hello):
            helloFingerprints.append(hello.schemaFingerprint)
            guard let helloAnswer, helloAnswerCount > 0 else { return .respond(.pong) }
            helloAnswerCount -= 1
            return .respond(helloAnswer)
        case .submit(let submit):
            submits.append(
                FailingServer.SentBatch(
                    name: submit.name,
                    words: submit.runs.flatMap { $0.columns.flatMap { Array($0.words) } }))
            if kind == .submits, let answer = answers.popFirst(), !answer.isPong { return answer }
            return .respond(
                .submit(
                    SubmitReply(
                        firstSequence: 7, acceptedCount: submit.transactionCount, rejections: [])))
        case .describe where helloFingerprints.count == 1: return .respond(.pong)
        default:
            if kind == .reads, let answer = answers.popFirst(), !answer.isPong { return answer }
            guard case .get = request.body else { return .respond(.pong) }
            return .respond(.get(GetReply(found: [false], versions: [], columns: [])))
        }
    }
}

extension ScriptedServer.Answer {
    fileprivate var isPong: Bool { if case .respond(.pong) = self { true } else { false } }
}
