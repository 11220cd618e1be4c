internal import AtomicStateEngine
internal import AtomicStateProtocol
internal import AtomicStateSchema
internal import Synchronization

/// Checks requests against the schema, and turns outcomes into responses: everything between a
/// connection and the sequencer. Used by all event loops.
final class RequestService: Sendable {
    let compiled: CompiledSchema
    private let description: SchemaDescription
    private let pipeline: CommitPipeline
    private let rememberedOutcomeCount: Int
    let clock: Clock
    let connections: ConnectionTable
    private let replyEstimate: ReplyEstimate
    private let processorSleep: ProcessorSleep?
    private let isDraining = Atomic<Bool>(false)

    private static let isShuttingDown = Status(
        .unavailable, "the server is shutting down; nothing was done", retryAfterMilliseconds: 1_000
    )

    init(
        compiled: CompiledSchema, pipeline: CommitPipeline, rememberedOutcomeCount: Int,
        connections: ConnectionTable, processorSleep: ProcessorSleep? = nil, clock: Clock = .system
    ) {
        self.compiled = compiled
        self.connections = connections
        replyEstimate = ReplyEstimate(compiled.schema)
        description = SchemaDescription(compiled)
        self.pipeline = pipeline
        self.rememberedOutcomeCount = rememberedOutcomeCount
        self.processorSleep = processorSleep
        self.clock = clock
    }

    var statistics: Statistics { pipeline.statistics }
    private var health: HealthReporter { pipeline.health }

    /// From now on nothing new is queued.
    func drain() {
        isDraining.store(true, ordering: .releasing)
    }

    enum Admission {
        case answer(ResponseBody)
        /// It will be answered when the writer has carried it out.
        case queued(WorkItem)
    }

    /// - Throws: why the client and this server do not fit.
    func greet(_ hello: DecodedRequest.Hello) throws(Status) -> ServerGreeting {
        guard
            (hello.versionMin...max(hello.versionMin, hello.versionMax))
                .contains(ProtocolLimits.version)
        else {
            throw Status(
                .failedPrecondition,
                "protocol versions \(hello.versionMin) to \(hello.versionMax): expected one range "
                    + "with \(ProtocolLimits.version) in it")
        }
        guard hello.schemaFingerprint.isEmpty || hello.schemaFingerprint == compiled.fingerprint
        else {
            throw Status(
                .failedPrecondition,
                "schema \(beginning(of: hello.schemaFingerprint)): expected \(compiled.fingerprint)"
            )
        }
        return ServerGreeting(
            version: ProtocolLimits.version, server: serverVersion, role: "primary",
            schemaName: compiled.schema.name,
            schemaFingerprint: compiled.fingerprint,
            frameByteCountMax: ProtocolLimits.frameByteCountMax,
            batchTransactionCountMax: ProtocolLimits.batchTransactionCountMax,
            requestsInFlightMax: ProtocolLimits.requestsInFlightMax,
            keyByteCountMax: EngineLimits.keyByteCountMax,
            rememberedOutcomeCount: rememberedOutcomeCount, health: health.status,
            milliseconds: nameMilliseconds)
    }

    /// As much of a client's text as is repeated to it, and logged.
    private func beginning(of text: String) -> String {
        String(decoding: text.utf8.prefix(ServerLimits.repeatedTextByteCountMax), as: UTF8.self)
    }

    /// The server's clock does not step back, even if the system's does.
    private var nameMilliseconds: UInt64 {
        max(
            clock.wallMicroseconds / 1_000,
            statistics.nameMilliseconds.load(ordering: .relaxed))
    }

    /// Whether the queue takes another request. If not, the connection is told when it does.
    func hasRoom(for connection: Connection) -> Bool {
        pipeline.sequencer.hasRoom(for: connection)
    }

    /// Nobody is there any more to be told what becomes of those that were not carried out yet.
    func abandonRequests(of connection: Connection) -> [WorkItem] {
        pipeline.sequencer.abandonRequests(of: connection)
    }

    /// - Parameter isLight: whether the request did not have to wait for room in the queue.
    func admit(
        _ request: DecodedRequest, from connection: Connection, isLight: Bool
    ) -> Admission {
        do throws(Status) {
            switch request.body {
            case .hello:
                throw Status(.failedPrecondition, "a hello was sent already")
            case .submit(let submit):
                try health.requireRoom()
                let (runs, forms) = try engineRuns(submit.runs)
                return try queue(
                    .submit(runs, isAtomic: submit.isAtomic, name: submit.name), request,
                    connection,
                    timeoutMilliseconds: submit.timeoutMilliseconds,
                    transactionCount: submit.transactionCount, forms: forms,
                    byteCount: runs.count * ServerLimits.runByteCount,
                    replyByteCount: replyEstimate.submit(
                        transactionCount: submit.transactionCount), isLight: isLight)
            case .get(let get):
                let keyCount = get.keys.valueCount
                return try queue(
                    try lookUp(get), request, connection, timeoutMilliseconds: 0,
                    transactionCount: keyCount, forms: [], byteCount: 0,
                    replyByteCount: replyEstimate.get(type: Int(get.entity), keyCount: keyCount),
                    isLight: isLight)
            case .describe: return .answer(.describe(description))
            case .health: return .answer(.health(try health.report()))
            case .ping: return .answer(.pong)
            case .invalid(let status): throw status
            }
        } catch {
            statistics.refusedRequestCount.add(1, ordering: .relaxed)
            return .answer(.failure(error))
        }
    }

    /// Takes the writer's steps, in the turn that the sequencer left to a connection's event loop.
    func takeWritersTurn() {
        pipeline.writer.runInPlace()
    }

    private func queue(
        _ kind: WorkItem.Kind, _ request: DecodedRequest, _ connection: Connection,
        timeoutMilliseconds: UInt32, transactionCount: Int, forms: [[TransactionStep]],
        byteCount: Int, replyByteCount: Int, isLight: Bool
    ) throws(Status) -> Admission {
        guard !isDraining.load(ordering: .acquiring) else { throw Self.isShuttingDown }
        processorSleep?.noteWork()
        let deadline =
            timeoutMilliseconds == 0
            ? nil : clock.monotonicNanoseconds + UInt64(timeoutMilliseconds) * 1_000_000
        let item = WorkItem(
            kind: kind, request: request, connection: connection, deadline: deadline,
            transactionCount: transactionCount, byteCount: request.byteCount + byteCount,
            replyByteCount: replyByteCount, isLight: isLight, forms: forms[...])
        guard pipeline.enqueue(item) else { throw Self.isShuttingDown }
        return .queued(item)
    }
}

// MARK: Responses

extension RequestService {
    func response(for answer: WorkItem.Answer) -> ResponseBody {
        switch answer {
        case .failure(let status): .failure(status)
        case .outcome(let outcome): outcome.response(compiled.schema)
        case .told(let reply): .submit(reply)
        case .remembered(let reply): .encodedSubmit(reply.bytes)
        case .read(let result): .get(GetReply(result))
        }
    }
}
