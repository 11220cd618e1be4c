/// Finds out whether one connection alone sends requests, each after the answer to the one before.
///
/// What comes while an event loop waits for the disk is not seen until then. So it waits now and then
/// without need, in order to see whether more than one request is sent at a time.
struct LoneSender {
    private var connection: ObjectIdentifier?
    private var requestCount = 0

    /// - Returns: whether the request is such a connection's.
    mutating func note(from connection: ObjectIdentifier, serverIsIdle: Bool) -> Bool {
        let isAnother = self.connection != connection
        self.connection = connection
        if isAnother || !serverIsIdle || requestCount == ServerLimits.loneRequestCountMax {
            requestCount = 0
        }
        requestCount += 1
        return requestCount > ServerLimits.loneRequestCountMin
    }
}
