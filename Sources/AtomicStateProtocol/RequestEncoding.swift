package import AtomicStateValues
internal import CProtocol

/// A request as a client sends it.
package enum RequestBody: Sendable {
    case hello(client: String, schemaFingerprint: String)
    case submit(
        [Run], isAtomic: Bool = false, timeoutMilliseconds: UInt32, name: BatchName? = nil)
    case get(entity: Int, keys: Column)
    case describe
    case health
    case ping

    /// The frame, header included, that carries the request.
    ///
    /// - Parameter write: receives the frame's byte count, and hands its closure that much memory.
    package func encodeFrame(id: UInt64, write: FrameWriter) {
        let arena = Arena()
        let message = arena.message(atomicstate__v1__request__init) { message in
            message.id = id
            fill(&message, arena)
        }
        writeFrame(of: message, with: write)
        withExtendedLifetime(arena) {}
    }

    private func fill(_ message: inout Atomicstate__V1__Request, _ arena: Arena) {
        switch self {
        case .hello(let client, let fingerprint):
            message.body_case = ATOMICSTATE__V1__REQUEST__BODY_HELLO
            message.hello = arena.message(atomicstate__v1__hello__init) {
                $0.version_min = ProtocolLimits.version
                $0.version_max = ProtocolLimits.version
                $0.client = arena.string(client)
                $0.schema_fingerprint = arena.string(fingerprint)
            }
        case .submit(let runs, let isAtomic, let timeoutMilliseconds, let name):
            message.body_case = ATOMICSTATE__V1__REQUEST__BODY_SUBMIT
            message.submit = arena.message(atomicstate__v1__submit__init) {
                $0.n_runs = runs.count
                $0.runs = arena.pointers(runs.map { arena.run($0) })
                $0.timeout_milliseconds = timeoutMilliseconds
                $0.atomic = isAtomic ? 1 : 0
                if let name { $0.name = arena.name(name) }
            }
        case .get(let entity, let keys):
            message.body_case = ATOMICSTATE__V1__REQUEST__BODY_GET
            message.get = arena.message(atomicstate__v1__get__init) {
                $0.entity = UInt32(entity)
                $0.keys = arena.column(keys)
            }
        case .describe:
            message.body_case = ATOMICSTATE__V1__REQUEST__BODY_DESCRIBE
            message.describe = arena.message(atomicstate__v1__describe__init) { _ in }
        case .health:
            message.body_case = ATOMICSTATE__V1__REQUEST__BODY_HEALTH
            message.health = arena.message(atomicstate__v1__health__init) { _ in }
        case .ping:
            message.body_case = ATOMICSTATE__V1__REQUEST__BODY_PING
            message.ping = arena.message(atomicstate__v1__ping__init) { _ in }
        }
    }
}

extension Arena {
    fileprivate func run(_ run: Run) -> UnsafeMutablePointer<Atomicstate__V1__Run> {
        message(atomicstate__v1__run__init) {
            $0.operation = UInt32(run.operation)
            $0.count = UInt32(run.transactionCount)
            $0.n_arguments = run.arguments.count
            $0.arguments = pointers(run.arguments.map { column($0) })
            $0.n_steps = run.steps.count
            $0.steps = pointers(run.steps.map { step($0) })
            $0.idempotency_keys = keys(run.idempotencyKeys)
        }
    }

    private func keys(_ keys: [IdempotencyKey]) -> ProtobufCBinaryData {
        let words = array(of: UInt64.self, count: 2 * keys.count)
        for (index, key) in keys.enumerated() {
            words[2 * index] = key.high.bigEndian
            words[2 * index + 1] = key.low.bigEndian
        }
        let byteCount = IdempotencyKey.byteCount * keys.count
        // SAFETY: the arena's memory is plain, and has as many bytes.
        return ProtobufCBinaryData(
            len: byteCount,
            data: UnsafeMutableRawPointer(words).assumingMemoryBound(to: UInt8.self))
    }

    fileprivate func name(_ name: BatchName) -> UnsafeMutablePointer<Atomicstate__V1__BatchName> {
        message(atomicstate__v1__batch_name__init) {
            $0.producer = name.producer
            $0.number = name.number
            $0.sent_milliseconds = name.sentMilliseconds
        }
    }

    private func step(_ step: Step) -> UnsafeMutablePointer<Atomicstate__V1__Step> {
        message(atomicstate__v1__step__init) {
            switch step {
            case .operation(let operation):
                $0.step_case = ATOMICSTATE__V1__STEP__STEP_OPERATION
                $0.operation = UInt32(operation)
            case .create(let entity, let fields):
                $0.step_case = ATOMICSTATE__V1__STEP__STEP_CREATE
                $0.create = message(atomicstate__v1__create_step__init) {
                    $0.entity = UInt32(entity)
                    $0.n_fields = fields.count
                    $0.fields = copy(fields.map { UInt32($0) })
                }
            case .update(let entity, let changes, let expectsVersion):
                $0.step_case = ATOMICSTATE__V1__STEP__STEP_UPDATE
                $0.update = message(atomicstate__v1__update_step__init) {
                    $0.entity = UInt32(entity)
                    $0.n_changes = changes.count
                    $0.changes = pointers(changes.map { change($0) })
                    $0.expects_version = expectsVersion ? 1 : 0
                }
            case .delete(let entity, let expectsVersion):
                $0.step_case = ATOMICSTATE__V1__STEP__STEP_DELETE
                $0.delete_ = message(atomicstate__v1__delete_step__init) {
                    $0.entity = UInt32(entity)
                    $0.expects_version = expectsVersion ? 1 : 0
                }
            }
        }
    }

    private func change(
        _ change: Step.FieldChange
    ) -> UnsafeMutablePointer<Atomicstate__V1__FieldChange> {
        message(atomicstate__v1__field_change__init) {
            $0.field = UInt32(change.field)
            switch change.kind {
            case .set: $0.kind = ATOMICSTATE__V1__FIELD_CHANGE__KIND__SET
            case .add: $0.kind = ATOMICSTATE__V1__FIELD_CHANGE__KIND__ADD
            case .clear: $0.kind = ATOMICSTATE__V1__FIELD_CHANGE__KIND__CLEAR
            }
        }
    }

    func column(_ column: Column) -> UnsafeMutablePointer<Atomicstate__V1__Column> {
        message(atomicstate__v1__column__init) {
            $0.n_words = column.words.count
            $0.words = copy(column.words)
            $0.text = ProtobufCBinaryData(len: column.text.count, data: copy(column.text))
            $0.n_lengths = column.lengths.count
            $0.lengths = copy(column.lengths)
            $0.n_nanoseconds = column.nanoseconds.count
            $0.nanoseconds = copy(column.nanoseconds)
            $0.n_present = column.present.count
            $0.present = copy(column.present.map { $0 ? 1 : 0 })
        }
    }
}

/// Provides memory for a frame: is given its byte count, calls the closure with that many bytes.
package typealias FrameWriter = (
    _ byteCount: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Void
) -> Void

/// Writes the frame of a message; `message` is any generated message.
func writeFrame(of message: UnsafeMutableRawPointer, with write: FrameWriter) {
    // SAFETY: every generated message starts with its ProtobufCMessage.
    let base = UnsafePointer(message.assumingMemoryBound(to: ProtobufCMessage.self))
    let byteCount = protobuf_c_message_get_packed_size(base)
    write(FrameHeader.byteCount + byteCount) { frame in
        frame[0] = 0
        frame.storeBytes(of: UInt32(byteCount).bigEndian, toByteOffset: 1, as: UInt32.self)
        // SAFETY: the writer hands out as many bytes as it was asked for, which are at least five.
        let payload = frame.baseAddress!.advanced(by: FrameHeader.byteCount)
        let packed = protobuf_c_message_pack(base, payload.assumingMemoryBound(to: UInt8.self))
        precondition(packed == byteCount, "protobuf-c packs as much as it announced")
    }
}
