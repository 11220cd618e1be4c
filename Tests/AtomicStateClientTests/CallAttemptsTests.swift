import AtomicStateProtocol
import AtomicStateValues
import NIOCore
import Testing

@testable import AtomicStateClient

/// What follows a failed attempt, without a server.
@Suite struct CallAttemptsTests {
    private static let lost = ConnectionError.lost(reason: "gone")
    private static let name = BatchName(producer: 1, number: 2, sentMilliseconds: 3)

    /// Always the longest wait.
    private struct Greatest: RandomNumberGenerator {
        func next() -> UInt64 { .max }
    }

    private static func attempts(
        _ policy: RetryPolicy = RetryPolicy(), named: Bool = true
    ) -> CallAttempts {
        CallAttempts(policy, deadline: .uptimeNanoseconds(1_000_000_000), name: named ? name : nil)
    }

    /// What is decided in words, after failures at the given time.
    private static func decision(
        _ failures: [AttemptFailure], milliseconds: UInt64 = 0, named: Bool = true,
        _ policy: RetryPolicy = RetryPolicy()
    ) -> String {
        var attempts = attempts(policy, named: named)
        var random = Greatest()
        var text = ""
        for failure in failures {
            switch attempts.next(
                after: failure, now: .uptimeNanoseconds(milliseconds * 1_000_000), using: &random)
            {
            case .retry(let delay): text = "retry after \(delay)"
            case .rename: text = "rename"
            case .fail(let error as OutcomeUnknownError): text = "unknown: \(error.reason)"
            case .fail(let error): text = "nothing done: \(error)"
            }
        }
        return text
    }

    @Test func waitsDoubleUpToTheirBound() {
        let texts = (1...9).map { count in
            Self.decision(
                Array(repeating: .connection(Self.lost, wasSent: false), count: count))
        }
        #expect(
            texts
                == [
                    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.0, 1.0,
                ].map { "retry after \($0) seconds" })
    }

    @Test func waitsAreOfAllLengthsUpToTheBound() {
        var random = SystemRandomNumberGenerator()
        let policy = RetryPolicy(backOff: .milliseconds(100), backOffMax: .milliseconds(200))
        let delays = (0..<1_000).map { _ in policy.delay(afterFailures: 5, using: &random) }
        #expect(delays.allSatisfy { $0 >= .zero && $0 <= .milliseconds(200) })
        #expect(delays.contains { $0 < .milliseconds(50) })
        #expect(delays.contains { $0 > .milliseconds(150) })
        #expect(policy.delay(afterFailures: .max, using: &random) <= .milliseconds(200))
    }

    @Test func theServersWishIsWaitedOut() {
        let busy = Status(.resourceExhausted, "busy", retryAfterMilliseconds: 500)
        #expect(Self.decision([.status(busy)]) == "retry after 0.5 seconds")
        // There would be no time left for it.
        #expect(Self.decision([.status(busy)], milliseconds: 500) == "nothing done: \(busy)")
        #expect(
            Self.decision(
                [.connection(Self.lost, wasSent: true), .status(busy)], milliseconds: 600)
                == "unknown: \(OutcomeUnknownError.Reason.status(busy))")
    }

    @Test func theRestOfTheTimeIsWaitedOut() {
        let policy = RetryPolicy(backOff: .seconds(1), backOffMax: .seconds(1))
        let failure = AttemptFailure.connection(Self.lost, wasSent: false)
        #expect(Self.decision([failure], milliseconds: 900, policy) == "retry after 0.1 seconds")
        #expect(
            Self.decision([failure], milliseconds: 1_000, policy)
                == "nothing done: the connection is lost: gone")
    }

    @Test(
        arguments: [
            (.connection(.closed, wasSent: false), "the client is closed"),
            (.connection(.refused(Status(.internal, "no")), wasSent: false), nil),
            (.deadlinePassed(wasSent: false), nil),
            (.cancelled(wasSent: false), "CancellationError()"),
            (.status(Status(.internal, "no")), "internal: no"),
        ] as [(AttemptFailure, String?)])
    func whatWasNeverSentWasNotDone(failure: AttemptFailure, text: String?) {
        let decision = Self.decision([failure])
        #expect(decision.hasPrefix("nothing done: \(text ?? "")"), "\(decision)")
        // What changes nothing can't be done either, sent or not.
        let sent = Self.decision([.connection(Self.lost, wasSent: true), failure], named: false)
        #expect(sent == decision)
        // An attempt before may have been carried out.
        let unknown = Self.decision([.connection(Self.lost, wasSent: true), failure])
        #expect(unknown.hasPrefix("unknown: "), "\(unknown)")
    }

    @Test(
        arguments: [
            .connection(.closed, wasSent: true), .deadlinePassed(wasSent: true),
            .cancelled(wasSent: true),
        ] as [AttemptFailure])
    func whatWasSentMayBeDone(failure: AttemptFailure) {
        let decision = Self.decision([failure])
        #expect(decision.hasPrefix("unknown: "), "\(decision)")
        #expect(Self.decision([failure], named: false).hasPrefix("nothing done: "))
    }

    @Test func aNameIsDrawnAnewOnceAndOnlyIfNothingWasDone() {
        let forgotten = AttemptFailure.status(Status(.outOfRange, "forgotten"))
        #expect(Self.decision([forgotten]) == "rename")
        #expect(Self.decision([forgotten, forgotten]) == "nothing done: outOfRange: forgotten")
        #expect(Self.decision([forgotten], named: false) == "nothing done: outOfRange: forgotten")
        #expect(
            Self.decision([.connection(Self.lost, wasSent: true), forgotten]).hasPrefix("unknown: ")
        )
    }

    @Test func noMoreAttemptsThanAllowed() {
        let failure = AttemptFailure.connection(Self.lost, wasSent: true)
        #expect(Self.decision([failure], .none).hasPrefix("unknown: "))
        let three = RetryPolicy(attemptCountMax: 3)
        #expect(Self.decision([failure, failure], three).hasPrefix("retry"))
        #expect(Self.decision([failure, failure, failure], three).hasPrefix("unknown: "))
    }
}
