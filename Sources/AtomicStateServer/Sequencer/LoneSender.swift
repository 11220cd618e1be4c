/// Finds out whether one connection alone sends requests, each after the answer to the one before.
///
/// An event loop that carries such requests out does not see what else comes meanwhile. So now and then a
/// few are left to the writer's thread, to see whether there is still one at a time.
struct LoneSender {
    private var connection: ObjectIdentifier?
    private var requestCount = 0

    /// - Returns: whether the request is such a connection's.
    mutating func note(from connection: ObjectIdentifier, serverIsIdle: Bool) -> Bool {
        let isAnother = self.connection != connection
        self.connection = connection
        if isAnother || !serverIsIdle {
            requestCount = 0
        } else if requestCount == ServerLimits.loneRequestCountMax {
            requestCount = ServerLimits.loneRequestCountMin - ServerLimits.loneProofCount
        }
        requestCount += 1
        return requestCount > ServerLimits.loneRequestCountMin
    }
}
