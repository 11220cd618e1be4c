/// Names a batch, so that repeating it is harmless.
public struct BatchName: Sendable, Hashable {
    /// A random number that a client draws once.
    public let producer: UInt64
    /// Another one for each of the producer's batches, at most `numberMax`.
    public let number: UInt64
    /// When the batch was sent first, by the server's clock: milliseconds since 1970-01-01T00:00:00Z.
    public let sentMilliseconds: UInt64

    /// Below the numbers that idempotency keys look like.
    public static let numberMax: UInt64 = 1 << 63 - 1

    public init(producer: UInt64, number: UInt64, sentMilliseconds: UInt64) {
        self.producer = producer
        self.number = number
        self.sentMilliseconds = sentMilliseconds
    }
}
