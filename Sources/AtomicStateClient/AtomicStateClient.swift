public import AtomicStateProtocol
public import AtomicStateValues
public import NIOCore
public import NIOPosix

/// A session with a server of Atomic State.
///
/// Any number of tasks may use one client at once: their requests share a connection, and up to
/// `greeting.requestsInFlightMax` of them are in flight together; the others wait in order. When the
/// connection is lost, the client makes another one. Submits and gets that are made one after the other
/// are carried out in that order; of those that are made at the same time, the ones that have to be tried
/// again may be carried out later than the others.
///
/// Every call is tried again as the `RetryPolicy` says, and carried out once: each batch has a name, by
/// which the server knows a repetition and answers it as it did the first time. A call throws
///
/// - the server's `Status` if the server refused it, or if the call's deadline passed: nothing was done;
/// - `ConnectionError` if there is no connection: nothing was done;
/// - `CancellationError` if its task was cancelled: nothing was done;
/// - `OutcomeUnknownError` instead of each of these, if it is a submit that the server may have got.
///
/// A server that has another schema by now than at the first connection refuses this client, because
/// runs and keys refer to the schema by index: calls throw `ConnectionError.refused`, or
/// `OutcomeUnknownError` as above. Connect anew then.
public final class AtomicStateClient: Sendable {
    /// What the server said of itself when the first connection was made.
    public let greeting: ServerGreeting
    /// The server's schema.
    public let schema: SchemaDescription
    private let link: ServerLink

    private init(link: ServerLink, schema: SchemaDescription) {
        greeting = link.greeting
        self.link = link
        self.schema = schema
    }

    /// Connects, shakes hands, and reads the schema. This is tried once.
    ///
    /// - Parameters:
    ///   - name: what the server's logs call this client.
    ///   - schemaFingerprint: the schema that the caller was built for, in hexadecimal, if the server
    ///     is to refuse any other.
    ///   - retries: how long and how often calls are tried again.
    ///   - timeout: for a connection to be made, and again for the server to answer.
    ///   - eventLoopGroup: the threads that the connections are served by.
    public static func connect(
        to address: ServerAddress, name: String = "AtomicStateClient",
        schemaFingerprint: String? = nil, retries: RetryPolicy = RetryPolicy(),
        timeout: Duration = .seconds(10),
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) async throws -> AtomicStateClient {
        try await connect(
            ServerLink.Configuration(
                address: address, clientName: name, timeout: TimeAmount(timeout),
                eventLoopGroup: eventLoopGroup, policy: retries,
                pause: { try await Task.sleep(for: $0) }),
            schemaFingerprint: schemaFingerprint)
    }

    static func connect(
        _ configuration: ServerLink.Configuration, schemaFingerprint: String? = nil
    ) async throws -> AtomicStateClient {
        let link = try await ServerLink.open(
            configuration, schemaFingerprint: schemaFingerprint ?? "")
        do {
            let schema = try await link.schema(within: Duration(configuration.timeout))
            return AtomicStateClient(link: link, schema: schema)
        } catch {
            await link.close()
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
    ///   - deadline: how long the call may take with all its attempts; nil for the retry policy's.
    public func submit(
        _ runs: [Run], atomically: Bool = false, timeout: Duration? = nil, deadline: Duration? = nil
    ) async throws -> SubmitReply {
        try requireWellFormed(runs, transactionCountMax: greeting.batchTransactionCountMax)
        let body = RequestBody.submit(
            runs, isAtomic: atomically, timeoutMilliseconds: milliseconds(timeout),
            name: link.clock.nextName())
        return try await link.reply(to: body, "submit", within: deadline) {
            if case .submit(let reply) = $0 { reply } else { nil }
        }
    }

    /// Reads entities by their keys. The reply shows a state that is durable and includes every
    /// transaction that was acknowledged before the call.
    ///
    /// - Parameter entity: an index into `schema.entities`.
    public func get(entity: Int, keys: Column) async throws -> GetReply {
        try requireEncodable(entity, "the entity")
        try requireWellFormed(keys, "the keys")
        return try await link.reply(to: .get(entity: entity, keys: keys), "get", within: nil) {
            if case .get(let reply) = $0 { reply } else { nil }
        }
    }

    /// The schema as the server describes it.
    public func describe() async throws -> SchemaDescription {
        try await link.schema(within: nil)
    }

    public func health() async throws -> HealthReply {
        try await link.reply(to: .health, "health", within: nil) {
            if case .health(let reply) = $0 { reply } else { nil }
        }
    }

    /// Asks for a sign of life.
    public func ping() async throws {
        try await link.reply(to: .ping, "ping", within: nil) {
            if case .pong = $0 { () } else { nil }
        }
    }

    /// A new idempotency key, by the server's clock; see `makeKeys`.
    public func makeKey() -> IdempotencyKey {
        link.clock.nextKeys(1)[0]
    }

    /// New idempotency keys, by the server's clock, for transactions that another process may have to
    /// repeat: keep the keys before the transactions are submitted. Repetitions by this client need none.
    ///
    /// A transaction that comes again with its key and the same content has its first outcome, as long as
    /// the server remembers it (`ServerGreeting.rememberedOutcomeCount`).
    public func makeKeys(_ count: Int) -> [IdempotencyKey] {
        link.clock.nextKeys(count)
    }

    /// Ends the session; calls that are still waiting throw `ConnectionError.closed` or
    /// `OutcomeUnknownError`, at the latest when they would have been tried again.
    public func close() async {
        await link.close()
    }
}

extension ServerLink {
    fileprivate func schema(within limit: Duration?) async throws -> SchemaDescription {
        let schema = try await reply(to: .describe, "describe", within: limit) {
            if case .describe(let schema) = $0 { schema } else { nil }
        }
        try schema.requireResolvableReferences()
        return schema
    }
}

/// Rounded up, as 0 means that there is no deadline.
private func milliseconds(_ timeout: Duration?) -> UInt32 {
    guard let timeout else { return 0 }
    let milliseconds = (timeout / .milliseconds(1)).rounded(.up)
    return UInt32(min(max(milliseconds, 1), Double(UInt32.max)))
}
