/// gRPC's status codes (https://grpc.github.io/grpc/core/md_doc_statuscodes.html), those in use.
public enum StatusCode: UInt32, Sendable, CaseIterable {
    case ok = 0
    /// The request is malformed, or does not fit the schema.
    case invalidArgument = 3
    /// The request's time was over before it was carried out; nothing of it was done.
    case deadlineExceeded = 4
    case notFound = 5
    /// The batch's name belongs to a batch of other content; nothing was done.
    case alreadyExists = 6
    /// A limit is exceeded, or the server is too busy: `retryAfterMilliseconds` tells when to retry.
    case resourceExhausted = 8
    /// The client and the server do not fit: another protocol version, another schema.
    case failedPrecondition = 9
    /// The batch's time is from before what the server remembers, so that it can't know whether it was carried
    /// out before, or ahead of the server's; it was not carried out now. `timeMilliseconds` tells the server's.
    case outOfRange = 11
    /// The server does not know this kind of request.
    case unimplemented = 12
    case `internal` = 13
    /// The server is starting or draining.
    case unavailable = 14
}

/// Why a request failed. Nothing of it was done.
public struct Status: Error, Sendable, Equatable, CustomStringConvertible {
    /// A gRPC status code; `code` names those this version knows.
    public var rawCode: UInt32
    /// What was wrong, where, and what was expected.
    public var message: String
    /// When a retry is worth while; 0 if the server does not say.
    public var retryAfterMilliseconds: UInt32
    /// With `outOfRange`: the time to go on from for names and keys, by the server's clock, in milliseconds since
    /// 1970-01-01T00:00:00Z. 0 with any other code.
    public var timeMilliseconds: UInt64

    public init(
        _ code: StatusCode, _ message: String, retryAfterMilliseconds: UInt32 = 0,
        timeMilliseconds: UInt64 = 0
    ) {
        self.init(
            rawCode: code.rawValue, message: message,
            retryAfterMilliseconds: retryAfterMilliseconds, timeMilliseconds: timeMilliseconds)
    }

    init(
        rawCode: UInt32, message: String, retryAfterMilliseconds: UInt32, timeMilliseconds: UInt64
    ) {
        self.rawCode = rawCode
        self.message = message
        self.retryAfterMilliseconds = retryAfterMilliseconds
        self.timeMilliseconds = timeMilliseconds
    }

    /// Nil for a code that this version does not know.
    public var code: StatusCode? { StatusCode(rawValue: rawCode) }

    public var description: String {
        "\(code.map { "\($0)" } ?? "status \(rawCode)"): \(message)"
    }
}
