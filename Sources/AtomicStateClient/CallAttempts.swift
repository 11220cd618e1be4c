internal import AtomicStateProtocol
internal import AtomicStateValues
internal import NIOCore

/// The attempts to have one call carried out: after each that failed, what is to be done.
///
/// It does not wait and has no clock: time and chance are passed in.
struct CallAttempts {
    private let policy: RetryPolicy
    private let deadline: NIODeadline
    /// The batch's name; nil for what changes nothing.
    private var name: BatchName?
    private var failureCount = 0
    private var wasRenamed = false
    /// Whether an attempt of which nothing is known may have been carried out, or may still be.
    private var mayBeDone = false

    init(_ policy: RetryPolicy, deadline: NIODeadline, name: BatchName?) {
        self.policy = policy
        self.deadline = deadline
        self.name = name
    }

    enum Decision {
        case retry(after: Duration)
        /// To be tried at once under a new name, as nothing was done under the old one.
        case rename
        case fail(any Error)
    }

    mutating func next(
        after failure: AttemptFailure, now: NIODeadline,
        using random: inout some RandomNumberGenerator
    ) -> Decision {
        failureCount += 1
        switch failure {
        case .status(let status): return next(after: status, now, &random)
        case .connection(let error, let wasSent):
            noteSent(wasSent)
            switch error {
            case .closed, .refused: return .fail(failed(.connection(error), error))
            case .unreachable, .lost:
                return delay(atLeast: .zero, now, &random).map { .retry(after: $0) }
                    ?? .fail(failed(.connection(error), error))
            }
        case .deadlinePassed(let wasSent):
            noteSent(wasSent)
            return .fail(
                failed(
                    .deadlinePassed,
                    Status(.deadlineExceeded, "the call's deadline has passed; nothing was done")))
        case .cancelled(let wasSent):
            noteSent(wasSent)
            return .fail(failed(.cancelled, CancellationError()))
        }
    }

    private mutating func next(
        after status: Status, _ now: NIODeadline, _ random: inout some RandomNumberGenerator
    ) -> Decision {
        let failure = Decision.fail(failed(.status(status), status))
        switch status.code {
        case .unavailable:
            break
        case .resourceExhausted where status.retryAfterMilliseconds > 0:
            break
        case .outOfRange where name != nil && !mayBeDone && !wasRenamed:
            // The name's time was too long ago, or too wrong, when the server saw it.
            wasRenamed = true
            return .rename
        case .alreadyExists:
            // Nothing was done under a name that has another batch's outcome, in no attempt.
            return .fail(status)
        default:
            // Also of what the server would refuse each time: an earlier attempt may have met with
            // other limits.
            return failure
        }
        let pause = Duration.milliseconds(status.retryAfterMilliseconds)
        return delay(atLeast: pause, now, &random).map { .retry(after: $0) } ?? failure
    }

    mutating func rename(to name: BatchName) {
        self.name = name
    }

    /// The server's answer is none to the request.
    func misunderstood(_ status: Status) -> any Error {
        name.map { OutcomeUnknownError(batch: $0, reason: .status(status)) } ?? status
    }

    private mutating func noteSent(_ wasSent: Bool) {
        if wasSent && name != nil { mayBeDone = true }
    }

    /// What to throw: `error`, if nothing was done.
    private func failed(
        _ reason: OutcomeUnknownError.Reason, _ error: any Error
    ) -> any Error {
        guard let name, mayBeDone else { return error }
        return OutcomeUnknownError(batch: name, reason: reason)
    }

    /// How long to wait before the next attempt; nil if there is to be none.
    private func delay(
        atLeast pause: Duration, _ now: NIODeadline, _ random: inout some RandomNumberGenerator
    ) -> Duration? {
        let rest = Duration(deadline - now)
        guard policy.attemptCountMax > failureCount, rest > .zero, pause < rest else { return nil }
        // What is left is waited out, but never less than the server asked for.
        return max(pause, min(rest, policy.delay(afterFailures: failureCount, using: &random)))
    }
}
