internal import AtomicStateEngine
internal import AtomicStateProtocol
internal import AtomicStateSchema
internal import Synchronization

/// Checks requests against the schema, and turns outcomes into responses: everything between a
/// connection and the sequencer. Used by all event loops.
final class RequestService: Sendable {
    private let compiled: CompiledSchema
    private let description: SchemaDescription
    private let sequencer: Sequencer
    private let health: HealthReporter
    let statistics: Statistics
    private let rememberedOutcomeCount: Int
    let connections: ConnectionTable
    private let replyEstimate: ReplyEstimate
    private let isDraining = Atomic<Bool>(false)

    init(
        compiled: CompiledSchema, sequencer: Sequencer, health: HealthReporter,
        statistics: Statistics, rememberedOutcomeCount: Int, connections: ConnectionTable
    ) {
        self.compiled = compiled
        self.connections = connections
        replyEstimate = ReplyEstimate(compiled.schema)
        description = SchemaDescription(compiled)
        self.sequencer = sequencer
        self.health = health
        self.statistics = statistics
        self.rememberedOutcomeCount = rememberedOutcomeCount
    }

    /// From now on nothing new is queued.
    func drain() {
        isDraining.store(true, ordering: .releasing)
    }

    enum Admission {
        case answer(ResponseBody)
        /// It will be answered when the writer has carried it out.
        case queued(Connection.Load)
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
                "schema \(hello.schemaFingerprint.prefix(ServerLimits.repeatedTextByteCountMax)): expected "
                    + compiled.fingerprint)
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
            milliseconds: wallClockMicroseconds() / 1_000)
    }

    /// Whether the queue takes another request. If not, the connection is told when it does.
    func hasRoom(for connection: Connection) -> Bool {
        sequencer.hasRoom(for: connection)
    }

    func admit(_ request: DecodedRequest, from connection: Connection) -> Admission {
        do throws(Status) {
            switch request.body {
            case .hello:
                throw Status(.failedPrecondition, "a hello was sent already")
            case .submit(let submit):
                let (runs, formCount) = try engineRuns(submit.runs)
                return try queue(
                    .submit(runs, isAtomic: submit.isAtomic, name: submit.name), request, connection,
                    timeoutMilliseconds: submit.timeoutMilliseconds,
                    transactionCount: submit.transactionCount, formCount: formCount,
                    byteCount: runs.count * ServerLimits.runByteCount,
                    replyByteCount: replyEstimate.submit(
                        transactionCount: submit.transactionCount))
            case .get(let get):
                let keyCount = get.keys.valueCount
                return try queue(
                    try lookUp(get), request, connection, timeoutMilliseconds: 0,
                    transactionCount: keyCount, formCount: 0, byteCount: 0,
                    replyByteCount: replyEstimate.get(type: Int(get.entity), keyCount: keyCount))
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

    private func queue(
        _ kind: WorkItem.Kind, _ request: DecodedRequest, _ connection: Connection,
        timeoutMilliseconds: UInt32, transactionCount: Int, formCount: Int, byteCount: Int,
        replyByteCount: Int
    ) throws(Status) -> Admission {
        guard !isDraining.load(ordering: .acquiring) else {
            throw Status(
                .unavailable, "the server is shutting down; nothing was done",
                retryAfterMilliseconds: 1_000)
        }
        let deadline =
            timeoutMilliseconds == 0
            ? nil : monotonicNanoseconds() + UInt64(timeoutMilliseconds) * 1_000_000
        let item = WorkItem(
            kind: kind, request: request, connection: connection, deadline: deadline,
            transactionCount: transactionCount, byteCount: request.byteCount + byteCount)
        sequencer.enqueue(item)
        return .queued(
            Connection.Load(
                byteCount: item.byteCount + replyByteCount,
                transactionCount: transactionCount
                    + formCount * ServerLimits.composedFormTransactionCount))
    }
}

// MARK: Checks against the schema

extension RequestService {
    /// The runs, and of how many different sequences of steps their transactions are.
    private func engineRuns(
        _ runs: [RunView]
    ) throws(Status) -> (runs: [TransactionRun], formCount: Int) {
        guard !runs.isEmpty else {
            throw Status(.invalidArgument, "a batch without runs: expected at least one")
        }
        var forms: Set<[Step]> = []
        var result: [TransactionRun] = []
        result.reserveCapacity(runs.count)
        for (index, run) in runs.enumerated() {
            if !run.steps.isEmpty { forms.insert(run.steps) }
            guard forms.count <= ServerLimits.composedFormCountPerBatchMax else {
                throw Status(
                    .resourceExhausted,
                    "run \(index): a batch has transactions of at most "
                        + "\(ServerLimits.composedFormCountPerBatchMax) different sequences of steps"
                )
            }
            let (form, name, parameters) = try form(of: run, index)
            guard run.columns.count == parameters.count else {
                throw Status(
                    .invalidArgument,
                    "\(name) takes \(parameters.count) arguments, found \(run.columns.count)")
            }
            var arguments: [ArgumentColumn] = []
            arguments.reserveCapacity(run.columns.count)
            for (column, parameter) in zip(run.columns, parameters) {
                arguments.append(
                    try argument(
                        column, isText: isText(parameter.type), isTime: parameter.type.isTime,
                        name: "\(name), \(parameter.name)"))
            }
            result.append(
                TransactionRun(
                    form: form, transactionCount: run.transactionCount, arguments: arguments,
                    idempotencyKeys: run.idempotencyKeys))
        }
        return (result, forms.count)
    }

    /// What the run's transactions consist of, how messages name it, and its parameters.
    private func form(
        of run: RunView, _ index: Int
    ) throws(Status) -> (TransactionRun.Form, String, [Parameter]) {
        guard run.steps.isEmpty else {
            let steps = run.steps.map(TransactionStep.init)
            var parameters: [Parameter] = []
            for (place, step) in steps.enumerated() {
                do throws(StepError) {
                    parameters += try compiled.schema.operation(of: step, at: "steps[\(place)]")
                        .parameters
                } catch {
                    throw Status(.invalidArgument, "run \(index): \(error)")
                }
            }
            return (.steps(steps), "run \(index)", parameters)
        }
        let operations = compiled.schema.operations
        guard run.operation < operations.count else {
            throw Status(
                .notFound,
                "run \(index): operation \(run.operation): the schema has \(operations.count) "
                    + "operations")
        }
        let operation = operations[Int(run.operation)]
        return (
            .operation(Int(run.operation)), "run \(index): \(operation.name)",
            operation.parameters
        )
    }

    private func lookUp(_ get: DecodedRequest.Get) throws(Status) -> WorkItem.Kind {
        let entities = compiled.schema.entities
        guard get.entity < entities.count else {
            throw Status(
                .notFound,
                "entity type \(get.entity): the schema has \(entities.count) types")
        }
        guard (1...ProtocolLimits.batchTransactionCountMax).contains(get.keys.valueCount) else {
            throw Status(
                .invalidArgument,
                "\(get.keys.valueCount) keys: expected 1 to "
                    + "\(ProtocolLimits.batchTransactionCountMax)")
        }
        let type = entities[Int(get.entity)]
        return .get(
            type: Int(get.entity),
            keys: try argument(
                get.keys, isText: type.keyType.isText, isTime: false, name: "keys of \(type.name)"),
            count: get.keys.valueCount)
    }

    private func isText(_ type: ValueType) -> Bool {
        if case .entity(let index) = type { return compiled.schema.entities[index].keyType.isText }
        if case .text = type.form { return true }
        return false
    }

    private func argument(
        _ column: ColumnView, isText: Bool, isTime: Bool, name: String
    ) throws(Status) -> ArgumentColumn {
        guard isTime || column.nanoseconds.isEmpty else {
            throw Status(.invalidArgument, "\(name): nanoseconds for what is no time")
        }
        guard column.isText == isText else {
            throw Status(
                .invalidArgument,
                "\(name): expected \(isText ? "text" : "words"), found "
                    + "\(isText ? "words" : "text")")
        }
        return isText
            ? ArgumentColumn(text: column.text, lengths: column.lengths)
            : ArgumentColumn(
                words: column.words,
                nanoseconds: column.nanoseconds.isEmpty ? nil : column.nanoseconds)
    }
}

extension TransactionStep {
    fileprivate init(_ step: Step) {
        switch step {
        case .operation(let index): self = .operation(index)
        case .create(let entity, let fields): self = .create(type: entity, fields: fields)
        case .update(let entity, let changes, let expectsVersion):
            self = .update(
                type: entity,
                changes: changes.map { FieldChange(field: $0.field, kind: .init($0.kind)) },
                expectsVersion: expectsVersion)
        case .delete(let entity, let expectsVersion):
            self = .delete(type: entity, expectsVersion: expectsVersion)
        }
    }
}

extension TransactionStep.FieldChange.Kind {
    fileprivate init(_ kind: Step.FieldChange.Kind) {
        switch kind {
        case .set: self = .set
        case .add: self = .add
        case .clear: self = .clear
        }
    }
}

extension ValueType {
    fileprivate var isTime: Bool { self == .timestamp || self == .duration }
}

// MARK: Responses

extension RequestService {
    func response(for body: PendingReply.Body) -> ResponseBody {
        switch body {
        case .failure(let status): .failure(status)
        case .outcome(let outcome, of: _): .submit(SubmitReply(outcome, compiled.schema))
        case .told(let reply): .submit(reply)
        case .toldBefore(let reply): .submit(SubmitReply(reply))
        case .read(let result): fitting(GetReply(result))
        }
    }

    /// The reply, unless it is longer than a frame may be.
    private func fitting(_ reply: GetReply) -> ResponseBody {
        let byteCount = reply.columns.reduce(reply.found.count + reply.versions.count * 8) {
            $0 + $1.words.count * 8 + $1.text.count + $1.lengths.count * 5
                + $1.nanoseconds.count * 4 + $1.present.count
        }
        guard byteCount <= ProtocolLimits.frameByteCountMax - 4_096 else {
            return .failure(
                Status(
                    .resourceExhausted,
                    "a reply of \(byteCount) bytes: expected at most "
                        + "\(ProtocolLimits.frameByteCountMax); ask for fewer keys at a time"))
        }
        return .get(reply)
    }
}
