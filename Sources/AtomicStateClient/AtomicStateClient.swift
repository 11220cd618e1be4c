public import AtomicStateProtocol
public import NIOCore
public import NIOPosix

/// A connection to a server of Atomic State.
///
/// Any number of tasks may use one client at once: their requests share the connection, and up to
/// `greeting.requestsInFlightMax` of them are in flight together; the others wait in order. Submits
/// and gets are carried out in the order in which they were sent.
///
/// Every call throws the server's `Status` if the server refused it, `ConnectionError` if there is
/// no connection (any more), and `CancellationError` if its task was cancelled, which does not undo
/// a request that was sent. A client does not reconnect: after `ConnectionError`, connect anew.
public final class AtomicStateClient: Sendable {
    /// What the server said of itself when the connection was made.
    public let greeting: ServerGreeting
    /// The server's schema, as of when the connection was made.
    public let schema: SchemaDescription
    private let connection: Connection

    private init(connection: Connection, greeting: ServerGreeting, schema: SchemaDescription) {
        self.connection = connection
        self.greeting = greeting
        self.schema = schema
    }

    /// Connects, shakes hands, and reads the schema.
    ///
    /// - Parameters:
    ///   - name: what the server's logs call this client.
    ///   - schemaFingerprint: the schema that the caller was built for, in hexadecimal, if the server
    ///     is to refuse any other.
    ///   - timeout: for the connection to be made, and again for the server to answer.
    ///   - eventLoopGroup: the threads that the connection is served by.
    public static func connect(
        to address: ServerAddress, name: String = "AtomicStateClient",
        schemaFingerprint: String? = nil, timeout: Duration = .seconds(10),
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) async throws -> AtomicStateClient {
        let limit = TimeAmount(timeout)
        let connection = try await Connection.open(to: address, on: eventLoopGroup, timeout: limit)
        let alarm = connection.end(
            after: limit,
            reason: .unreachable(address, reason: "it did not answer within \(timeout)"))
        defer { alarm.cancel() }
        do {
            let greeting = try await connection.greeting(
                client: name, schemaFingerprint: schemaFingerprint ?? "")
            connection.widen(to: greeting.requestsInFlightMax)
            let schema = try await connection.schema()
            return AtomicStateClient(connection: connection, greeting: greeting, schema: schema)
        } catch {
            await connection.close()
            throw error
        }
    }

    /// Submits a batch: transactions that are judged each on its own, in order. When this returns,
    /// every accepted one is durable.
    ///
    /// - Parameters:
    ///   - atomically: all or nothing: if one transaction is rejected, none is applied, and the reply
    ///     holds that rejection alone.
    ///   - timeout: how long the batch may wait in the server's queue; after that it is not carried
    ///     out any more, and the call throws `deadlineExceeded`.
    public func submit(
        _ runs: [Run], atomically: Bool = false, timeout: Duration? = nil
    ) async throws -> SubmitReply {
        try requireWellFormed(runs, transactionCountMax: greeting.batchTransactionCountMax)
        let body = RequestBody.submit(
            runs, isAtomic: atomically, timeoutMilliseconds: milliseconds(timeout))
        guard case .submit(let reply) = try await response(to: body) else {
            throw unexpectedResponse(to: "submit")
        }
        return reply
    }

    /// Reads entities by their keys. The reply shows a state that is durable and includes every
    /// transaction that was acknowledged before the call.
    ///
    /// - Parameter entity: an index into `schema.entities`.
    public func get(entity: Int, keys: Column) async throws -> GetReply {
        try requireEncodable(entity, "the entity")
        try requireWellFormed(keys, "the keys")
        guard case .get(let reply) = try await response(to: .get(entity: entity, keys: keys)) else {
            throw unexpectedResponse(to: "get")
        }
        return reply
    }

    /// The schema as it is now.
    public func describe() async throws -> SchemaDescription {
        try await connection.schema()
    }

    public func health() async throws -> HealthReply {
        guard case .health(let reply) = try await response(to: .health) else {
            throw unexpectedResponse(to: "health")
        }
        return reply
    }

    /// Asks for a sign of life.
    public func ping() async throws {
        guard case .pong = try await response(to: .ping) else {
            throw unexpectedResponse(to: "ping")
        }
    }

    /// Ends the connection; calls that are still waiting throw `ConnectionError.closed`.
    public func close() async {
        await connection.close()
    }

    private func response(to body: RequestBody) async throws -> ResponseBody {
        try await connection.response(to: body, messageByteCountMax: greeting.frameByteCountMax)
    }
}

extension Connection {
    fileprivate func greeting(
        client: String, schemaFingerprint: String
    ) async throws -> ServerGreeting {
        let hello = RequestBody.hello(client: client, schemaFingerprint: schemaFingerprint)
        guard case .hello(let greeting) = try await response(to: hello) else {
            throw unexpectedResponse(to: "hello")
        }
        guard greeting.version == ProtocolLimits.version else {
            throw Status(
                .failedPrecondition,
                "the server speaks protocol version \(greeting.version): expected "
                    + "\(ProtocolLimits.version)")
        }
        return greeting
    }

    fileprivate func schema() async throws -> SchemaDescription {
        guard case .describe(let schema) = try await response(to: .describe) else {
            throw unexpectedResponse(to: "describe")
        }
        try schema.requireResolvableReferences()
        return schema
    }
}

private func unexpectedResponse(to request: String) -> Status {
    Status(.internal, "the server answered \(request) with a response of another kind")
}

/// Rounded up, as 0 means that there is no deadline.
private func milliseconds(_ timeout: Duration?) -> UInt32 {
    guard let timeout else { return 0 }
    let milliseconds = (timeout / .milliseconds(1)).rounded(.up)
    return UInt32(min(max(milliseconds, 1), Double(UInt32.max)))
}
