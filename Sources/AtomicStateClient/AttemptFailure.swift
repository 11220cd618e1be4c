internal import AtomicStateProtocol

/// Why one attempt to have a request carried out failed.
enum AttemptFailure: Error, Equatable {
    /// The server's answer, or the request can't be sent at all: this attempt did nothing.
    case status(Status)
    /// There is no connection, or none any more.
    ///
    /// - Parameter wasSent: whether the server may have got the request.
    case connection(ConnectionError, wasSent: Bool)
    /// The call's deadline has come.
    case deadlinePassed(wasSent: Bool)
    /// The caller's task was cancelled.
    case cancelled(wasSent: Bool)
}
