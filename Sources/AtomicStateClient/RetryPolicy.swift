/// How long and how often a call is tried again: when the connection is lost, and when the server says
/// that it can't carry a request out just now.
///
/// Before each attempt but the first the client waits: a random time of up to `backOff`, which doubles
/// with each failure up to `backOffMax`, and at least as long as the server asks for.
public struct RetryPolicy: Sendable, Hashable {
    /// After this time a call throws, whatever it waits for. Longer than 0.
    public var deadline: Duration
    /// The most that is waited after a first failure.
    public var backOff: Duration
    /// The most that is waited after any.
    public var backOffMax: Duration
    /// How often a call is tried; at least once.
    public var attemptCountMax: Int

    public init(
        deadline: Duration = .seconds(30), backOff: Duration = .milliseconds(10),
        backOffMax: Duration = .seconds(1), attemptCountMax: Int = .max
    ) {
        precondition(deadline > .zero, "expected a deadline after more than no time")
        precondition(
            backOff >= .zero && backOffMax >= backOff, "expected 0 <= backOff <= backOffMax")
        precondition(attemptCountMax > 0, "expected an attempt")
        self.deadline = deadline
        self.backOff = backOff
        self.backOffMax = backOffMax
        self.attemptCountMax = attemptCountMax
    }

    /// Every call is tried once. The next call connects anew if the connection is lost.
    public static let none = RetryPolicy(attemptCountMax: 1)

    /// A random time, so that clients that failed together do not come back together.
    ///
    /// Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    ///
    /// - Parameter failureCount: how many failures there were; at least 1.
    func delay(
        afterFailures failureCount: Int, using random: inout some RandomNumberGenerator
    ) -> Duration {
        // 2^30 of the shortest times is longer than any greatest one that makes sense.
        let bound = min(backOff * (1 << min(failureCount - 1, 30)), backOffMax)
        return bound * Double.random(in: 0...1, using: &random)
    }
}
