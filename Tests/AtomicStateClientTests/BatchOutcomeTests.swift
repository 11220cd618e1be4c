import AtomicStateProtocol
import Synchronization
import Testing

@testable import AtomicStateClient

/// What becomes of batches, against a server that answers as a test wants.
@Suite(.timeLimit(.minutes(1))) struct BatchOutcomeTests {
    private static let batch = (1...3).map {
        Transaction(
            .update("Team", ArgumentValue($0), add: ["seats": 1]),
            .call("add_seats", ["team": ArgumentValue($0), "count": 1]))
    }

    private static func rejection(_ index: Int) -> Rejection {
        Rejection(
            index: index, code: 15, rule: "steps[0].version", entityType: "Team", entityKey: "2",
            message: "another version", observations: [], retryCanHelp: true, value: "8",
            limit: "7")
    }

    @Test func eachTransactionHasItsOutcome() async throws {
        let reply = SubmitReply(
            firstSequence: 41, acceptedCount: 2, rejections: [Self.rejection(1)])
        let (outcomes, request) = try await answering(reply) { try await $0.submit(Self.batch) }
        #expect(
            outcomes == [
                .accepted(sequence: 41), .rejected(Self.rejection(1)), .accepted(sequence: 42),
            ])
        #expect(!request.isAtomic)
        #expect(request.steps == [[.seatsAdded, .operation(1)]])
        #expect(request.transactionCount == 3)
    }

    @Test func oneTransactionOfSeveralSteps() async throws {
        let reply = SubmitReply(firstSequence: 5, acceptedCount: 1, rejections: [])
        let (outcome, request) = try await answering(reply) {
            try await $0.submit(Self.batch[0])
        }
        #expect(outcome == .accepted(sequence: 5))
        #expect(request.steps == [[.seatsAdded, .operation(1)]])
    }

    @Test func anAtomicBatchIsAcceptedWhole() async throws {
        let reply = SubmitReply(firstSequence: 41, acceptedCount: 3, rejections: [])
        let (outcome, request) = try await answering(reply) {
            try await $0.submitAtomically(Self.batch)
        }
        #expect(outcome == .accepted(firstSequence: 41))
        #expect(request.isAtomic)
    }

    @Test func anAtomicBatchIsRejectedWhole() async throws {
        let reply = SubmitReply(
            firstSequence: 0, acceptedCount: 0, rejections: [Self.rejection(1)])
        let (outcome, _) = try await answering(reply) { try await $0.submitAtomically(Self.batch) }
        #expect(outcome == .rejected(Self.rejection(1)))
    }

    private static func duplicates(_ pairs: [(Int, UInt64)]) -> [SubmitReply.Duplicate] {
        pairs.map { SubmitReply.Duplicate(index: $0.0, sequence: $0.1) }
    }

    @Test func aRepeatedTransactionHasItsFirstOutcome() throws {
        let reply = SubmitReply(
            firstSequence: 41, acceptedCount: 2, rejections: [Self.rejection(1)],
            duplicates: Self.duplicates([(0, 7), (3, 9)]))
        #expect(
            try reply.outcomes(transactionCount: 5) == [
                .accepted(sequence: 7), .rejected(Self.rejection(1)), .accepted(sequence: 41),
                .accepted(sequence: 9), .accepted(sequence: 42),
            ])
    }

    @Test func aRepeatedAtomicBatchHasItsFirstOutcome() throws {
        var reply = SubmitReply(
            firstSequence: 0, acceptedCount: 0, rejections: [],
            duplicates: Self.duplicates([(0, 7), (1, 8), (2, 9)]))
        #expect(try reply.atomicOutcome(transactionCount: 3) == .accepted(firstSequence: 7))
        // Each was accepted before, but by batches of their own.
        reply.duplicates[2].sequence = 12
        let status = #expect(throws: Status.self) { try reply.atomicOutcome(transactionCount: 3) }
        #expect(status?.code == .alreadyExists)
    }

    @Test(
        arguments: [
            (0, [(0, 7), (1, 8)]), (1, [(0, 7), (1, 8)]), (0, [(0, 7), (1, 8), (3, 9)]),
            (0, [(1, 7), (0, 8), (2, 9)]), (1, [(0, 7), (1, 8), (2, 9)]),
        ] as [(Int, [(Int, UInt64)])])
    func repetitionsThatContradictTheirAtomicBatchAreRefused(
        acceptedCount: Int, pairs: [(Int, UInt64)]
    ) {
        let reply = SubmitReply(
            firstSequence: 41, acceptedCount: acceptedCount, rejections: [],
            duplicates: Self.duplicates(pairs))
        let status = #expect(throws: Status.self) { try reply.atomicOutcome(transactionCount: 3) }
        #expect(status?.code == .internal)
    }

    @Test(arguments: [[(3, 7)], [(1, 7), (0, 8)], [(1, 7), (1, 8)]] as [[(Int, UInt64)]])
    func repetitionsThatContradictTheirBatchAreRefused(pairs: [(Int, UInt64)]) {
        let reply = SubmitReply(
            firstSequence: 41, acceptedCount: 3 - pairs.count, rejections: [],
            duplicates: Self.duplicates(pairs))
        let status = #expect(throws: Status.self) { try reply.outcomes(transactionCount: 3) }
        #expect(status?.code == .internal)
    }

    @Test func aMisspeltNameIsNotSent() async throws {
        let reply = SubmitReply(firstSequence: 1, acceptedCount: 1, rejections: [])
        await #expect(
            throws: ArgumentError.unknownEntity(
                "Teem", known: ["Organization", "Team", "Note"])
        ) {
            try await answering(reply) { try await $0.submit(Transaction(.delete("Teem", 1))) }
        }
    }

    @Test(
        arguments: [
            (1, 2, []), (1, 4, []), (1, 3, [0]), (1, 2, [3]), (1, 1, [2, 1]), (1, 1, [1, 1]),
            (0, 3, []), (.max, 3, []),
        ] as [(UInt64, Int, [Int])])
    func aReplyThatContradictsItsBatchIsRefused(
        first: UInt64, acceptedCount: Int, rejected: [Int]
    ) {
        let reply = SubmitReply(
            firstSequence: first, acceptedCount: acceptedCount,
            rejections: rejected.map(Self.rejection))
        let status = #expect(throws: Status.self) { try reply.outcomes(transactionCount: 3) }
        #expect(status?.code == .internal)
    }

    @Test(
        arguments: [
            (1, 2, []), (1, 4, []), (0, 0, []), (0, 3, []), (1, 1, [1]), (0, 0, [0, 1]),
            (0, 0, [3]),
        ] as [(UInt64, Int, [Int])])
    func aReplyThatContradictsItsAtomicBatchIsRefused(
        first: UInt64, acceptedCount: Int, rejected: [Int]
    ) {
        let reply = SubmitReply(
            firstSequence: first, acceptedCount: acceptedCount,
            rejections: rejected.map(Self.rejection))
        let status = #expect(throws: Status.self) { try reply.atomicOutcome(transactionCount: 3) }
        #expect(status?.code == .internal)
    }

    /// What the client made of the reply, and what it had sent.
    private func answering<Outcome>(
        _ reply: SubmitReply, _ submit: (AtomicStateClient) async throws -> Outcome
    ) async throws -> (Outcome, SentBatch) {
        let sent = SentBatches()
        let server = try await ScriptedServer { request in
            if request.isDescribe { return .respond(.describe(seatsDescription)) }
            guard case .submit(let submit) = request.body else { return .respond(.pong) }
            sent.batches.withLock { $0.append(SentBatch(submit)) }
            return .respond(.submit(reply))
        }
        let client = try await server.client()
        let outcome = try await submit(client)
        return (outcome, try #require(sent.batches.withLock { $0.first }))
    }
}

private final class SentBatches: Sendable {
    let batches = Mutex<[SentBatch]>([])
}

private struct SentBatch {
    let isAtomic: Bool
    let transactionCount: Int
    let steps: [[Step]]

    init(_ submit: DecodedRequest.Submit) {
        isAtomic = submit.isAtomic
        transactionCount = submit.transactionCount
        steps = submit.runs.map(\.steps)
    }
}

extension Step {
    fileprivate static let seatsAdded = Step.update(
        entity: 1, changes: [.init(field: 2, kind: .add)], expectsVersion: false)
}
