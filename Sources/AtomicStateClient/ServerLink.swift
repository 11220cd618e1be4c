internal import AtomicStateProtocol
internal import AtomicStateValues
internal import NIOCore
internal import Synchronization

/// Carries requests out over as many connections as it takes, one at a time.
final class ServerLink: Sendable {
    /// How long to wait is told to it, so that a test need not.
    typealias Pause = @Sendable (Duration) async throws -> Void

    /// What every connection is made with.
    struct Configuration: Sendable {
        let address: ServerAddress
        let clientName: String
        /// For a connection to be made, and again for the server to greet.
        let timeout: TimeAmount
        let eventLoopGroup: any EventLoopGroup
        let policy: RetryPolicy
        let pause: Pause

        /// For the server to take what is sent: one that pauses because its disk does is not gone. And calls have to be
        /// repeated on another connection before their time is over.
        var patience: TimeAmount { TimeAmount(policy.deadline / 2) }
    }

    private struct State {
        var connection: Connection
        /// Attempts to connect since a server has greeted.
        var failureCount = 0
        var isClosed = false
    }

    let greeting: ServerGreeting
    let clock: ServerClock
    private let configuration: Configuration
    private let state: Mutex<State>

    private init(
        _ configuration: Configuration, greeting: ServerGreeting, clock: ServerClock,
        connection: Connection
    ) {
        self.configuration = configuration
        self.greeting = greeting
        self.clock = clock
        state = Mutex(State(connection: connection))
    }

    /// Connects and shakes hands.
    ///
    /// - Parameter schemaFingerprint: empty for any schema; later connections are refused by another
    ///   schema than the first one's in any case.
    static func open(
        _ configuration: Configuration, schemaFingerprint: String
    ) async throws -> ServerLink {
        let connection = Connection(on: configuration.eventLoopGroup.next())
        let clock = ServerClock()
        do {
            let greeting = try await connection.open(
                to: configuration.address, client: configuration.clientName,
                schemaFingerprint: schemaFingerprint, timeout: configuration.timeout,
                patience: configuration.patience)
            clock.set(to: greeting.milliseconds)
            return ServerLink(
                configuration, greeting: greeting, clock: clock, connection: connection)
        } catch {
            await connection.close()
            throw error
        }
    }

    func close() async {
        let connection = state.withLock { state in
            state.isClosed = true
            return state.connection
        }
        await connection.close()
    }

    /// Has the request carried out, in as many attempts as it takes and the policy allows.
    ///
    /// - Parameters:
    ///   - name: what to call the request in an error.
    ///   - within: the time for it; nil for the policy's.
    ///   - reply: what it expects of the response; nil if that is of another kind.
    /// - Throws: as `AtomicStateClient` says.
    func reply<Reply>(
        to request: RequestBody, _ name: String, within: Duration?,
        _ reply: (ResponseBody) -> Reply?
    ) async throws -> Reply {
        let deadline = NIODeadline.now() + TimeAmount(within ?? configuration.policy.deadline)
        var request = request
        var attempts = CallAttempts(
            configuration.policy, deadline: deadline, name: request.batchName)
        while true {
            let response: ResponseBody
            do throws(AttemptFailure) {
                response = try await self.connection().response(
                    to: request, deadline: deadline, messageByteCountMax: greeting.frameByteCountMax
                )
            } catch {
                try await prepareRetry(of: &request, &attempts, error)
                continue
            }
            guard let reply = reply(response) else {
                throw attempts.misunderstood(unexpectedResponse(to: name))
            }
            return reply
        }
    }

    /// - Throws: if there is to be none.
    private func prepareRetry(
        of request: inout RequestBody, _ attempts: inout CallAttempts, _ failure: AttemptFailure
    ) async throws {
        if case .status(let status) = failure, status.timeMilliseconds > 0 {
            clock.set(to: status.timeMilliseconds)
        }
        var random = SystemRandomNumberGenerator()
        switch attempts.next(after: failure, now: .now(), using: &random) {
        case .retry(let delay):
            do {
                try await configuration.pause(delay)
            } catch {
                try await prepareRetry(of: &request, &attempts, .cancelled(wasSent: false))
            }
        case .rename:
            let name = clock.nextName()
            attempts.rename(to: name)
            request = request.named(name)
        case .fail(let error): throw error
        }
    }

    /// The connection, or the next one, which may not be open yet.
    private func connection() throws(AttemptFailure) -> Connection {
        try state.withLock { state throws(AttemptFailure) in
            guard !state.isClosed else { throw .connection(.closed, wasSent: false) }
            guard state.connection.isEnded else { return state.connection }
            state.failureCount = state.connection.isGreeted ? 0 : state.failureCount + 1
            let connection = Connection(on: configuration.eventLoopGroup.next())
            open(connection, afterFailures: state.failureCount)
            state.connection = connection
            return connection
        }
    }

    /// Callers share the attempt: their requests wait in the connection, or are refused by it.
    private func open(_ connection: Connection, afterFailures failureCount: Int) {
        Task { [configuration, clock, fingerprint = greeting.schemaFingerprint] in
            do {
                if failureCount > 0 {
                    var random = SystemRandomNumberGenerator()
                    try await configuration.pause(
                        configuration.policy.delay(afterFailures: failureCount, using: &random))
                }
                let greeting = try await connection.open(
                    to: configuration.address, client: configuration.clientName,
                    schemaFingerprint: fingerprint, timeout: configuration.timeout,
                    patience: configuration.patience)
                clock.set(to: greeting.milliseconds)
            } catch let error as ConnectionError {
                connection.end(error)
            } catch let status as Status where status.code == .failedPrecondition {
                connection.end(.refused(status))
            } catch {
                connection.end(.unreachable(configuration.address, reason: "\(error)"))
            }
        }
    }
}

extension RequestBody {
    fileprivate var batchName: BatchName? {
        if case .submit(_, isAtomic: _, timeoutMilliseconds: _, let name) = self {
            name
        } else {
            nil
        }
    }

    fileprivate func named(_ name: BatchName) -> RequestBody {
        guard case .submit(let runs, let isAtomic, let timeoutMilliseconds, name: _) = self else {
            return self
        }
        return .submit(
            runs, isAtomic: isAtomic, timeoutMilliseconds: timeoutMilliseconds, name: name)
    }
}
