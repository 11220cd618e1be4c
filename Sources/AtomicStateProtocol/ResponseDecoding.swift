internal import CProtocol

/// A response as a client receives it.
package struct DecodedResponse: Sendable {
    package let id: UInt64
    package let body: ResponseBody
}

extension DecodedResponse {
    /// - Parameter bytes: one message, without its frame's header.
    /// - Throws: `internal` for bytes that are no response of this protocol version.
    package init(_ bytes: UnsafeRawBufferPointer) throws(Status) {
        if let (id, reply) = try? Self.readSubmitReply(bytes) {
            self.init(id: id, body: .submit(reply))
        } else {
            try self.init(readingWithProtobufC: bytes)
        }
    }

    /// The same for any form that a message may have.
    init(readingWithProtobufC bytes: UnsafeRawBufferPointer) throws(Status) {
        var arena = Arena()
        let unpacked = arena.withAllocator { allocator in
            atomicstate__v1__response__unpack(
                allocator, bytes.count, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
        }
        guard let message = unpacked?.pointee else {
            throw Status(.internal, "the server sent \(bytes.count) bytes that are no Response")
        }
        self.init(id: message.id, body: try ResponseBody(message))
        withExtendedLifetime(arena) {}
    }
}

extension ResponseBody {
    fileprivate init(_ message: Atomicstate__V1__Response) throws(Status) {
        if let status = message.status?.pointee {
            self = .failure(
                Status(
                    rawCode: status.code, message: text(status.message),
                    retryAfterMilliseconds: status.retry_after_milliseconds,
                    timeMilliseconds: status.time_milliseconds))
            return
        }
        switch message.body_case {
        case ATOMICSTATE__V1__RESPONSE__BODY_HELLO:
            self = .hello(ServerGreeting(message.hello.pointee))
        case ATOMICSTATE__V1__RESPONSE__BODY_SUBMIT:
            self = .submit(try SubmitReply(message.submit.pointee))
        case ATOMICSTATE__V1__RESPONSE__BODY_GET:
            let reply = message.get.pointee
            self = .get(
                GetReply(
                    found: array(reply.found, reply.n_found).map { $0 != 0 },
                    versions: array(reply.versions, reply.n_versions),
                    columns: try messages(reply.columns, reply.n_columns).map {
                        (column) throws(Status) in try Column(column)
                    }))
        case ATOMICSTATE__V1__RESPONSE__BODY_DESCRIBE:
            self = .describe(try SchemaDescription(message.describe.pointee))
        case ATOMICSTATE__V1__RESPONSE__BODY_HEALTH:
            self = .health(HealthReply(message.health.pointee))
        case ATOMICSTATE__V1__RESPONSE__BODY_PONG:
            self = .pong
        default:
            throw Status(.internal, "the server sent a response of a kind that is unknown here")
        }
    }
}

// SAFETY (both): protobuf-c's arrays hold as many elements as their count says.
private func array<Element>(_ start: UnsafeMutablePointer<Element>?, _ count: Int) -> [Element] {
    Array(UnsafeBufferPointer(start: start, count: count))
}

private func messages<Message>(
    _ start: UnsafeMutablePointer<UnsafeMutablePointer<Message>?>?, _ count: Int
) -> [Message] {
    UnsafeBufferPointer(start: start, count: count).compactMap { $0?.pointee }
}

extension Column {
    fileprivate init(_ message: Atomicstate__V1__Column) throws(Status) {
        words = array(message.words, message.n_words)
        text = array(message.text.data, message.text.len)
        lengths = array(message.lengths, message.n_lengths)
        nanoseconds = array(message.nanoseconds, message.n_nanoseconds)
        present = array(message.present, message.n_present).map { $0 != 0 }
        let byteCount = lengths.reduce(into: 0) { $0 += Int($1) }
        guard byteCount == text.count else {
            throw Status(
                .internal,
                "the server sent lengths that add up to \(byteCount) for \(text.count) bytes of text"
            )
        }
    }
}

extension SubmitReply {
    /// - Parameter bytes: what `encoded` gave.
    /// - Throws: `internal` for bytes that are no reply.
    package init(decoding bytes: UnsafeRawBufferPointer) throws(Status) {
        if let reply = try? SubmitReply(WireReader(bytes)) {
            self = reply
            return
        }
        var arena = Arena()
        let unpacked = arena.withAllocator { allocator in
            atomicstate__v1__submit_reply__unpack(
                allocator, bytes.count, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
        }
        guard let message = unpacked?.pointee else {
            throw Status(.internal, "\(bytes.count) bytes that are no SubmitReply")
        }
        try self.init(message)
        withExtendedLifetime(arena) {}
    }

    fileprivate init(_ message: Atomicstate__V1__SubmitReply) throws(Status) {
        let sequences = array(message.duplicate_sequences, message.n_duplicate_sequences)
        guard sequences.count == message.n_duplicates else {
            throw Status(
                .internal,
                "the server sent \(sequences.count) sequences for \(message.n_duplicates) duplicates"
            )
        }
        self.init(
            firstSequence: message.first_sequence, acceptedCount: Int(message.accepted),
            rejections: messages(message.rejections, message.n_rejections).map(Rejection.init),
            duplicates: zip(array(message.duplicates, message.n_duplicates), sequences).map {
                Duplicate(index: Int($0), sequence: $1)
            })
    }
}

extension Rejection {
    fileprivate init(_ message: Atomicstate__V1__Rejection) {
        self.init(
            index: Int(message.index), code: message.code,
            rule: AtomicStateProtocol.text(message.rule),
            entityType: AtomicStateProtocol.text(message.entity_type),
            entityKey: AtomicStateProtocol.text(message.entity_key),
            message: AtomicStateProtocol.text(message.message),
            observations: messages(message.observations, message.n_observations).map {
                Observation(
                    name: AtomicStateProtocol.text($0.name),
                    value: AtomicStateProtocol.text($0.value),
                    before: AtomicStateProtocol.text($0.before))
            },
            retryCanHelp: message.retry_can_help != 0,
            value: AtomicStateProtocol.text(message.value),
            limit: AtomicStateProtocol.text(message.limit))
    }
}

extension ServerGreeting {
    fileprivate init(_ message: Atomicstate__V1__HelloReply) {
        let limits = message.limits?.pointee
        self.init(
            version: message.version, server: text(message.server), role: text(message.role),
            schemaName: text(message.schema_name),
            schemaFingerprint: text(message.schema_fingerprint),
            frameByteCountMax: limits.map { Int($0.frame_bytes_max) }
                ?? ProtocolLimits.frameByteCountMax,
            batchTransactionCountMax: limits.map { Int($0.batch_transactions_max) }
                ?? ProtocolLimits.batchTransactionCountMax,
            requestsInFlightMax: limits.map { Int($0.requests_in_flight_max) }
                ?? ProtocolLimits.requestsInFlightMax,
            keyByteCountMax: limits.map { Int($0.key_bytes_max) } ?? 0,
            rememberedOutcomeCount: limits.map { Int(clamping: $0.remembered_outcomes) } ?? 0,
            health: text(message.health), milliseconds: message.time_milliseconds)
    }
}

extension HealthReply {
    fileprivate init(_ message: Atomicstate__V1__HealthReply) {
        self.init(
            status: text(message.status), durableSequence: message.durable_sequence,
            queuedTransactionCount: message.queued_transactions,
            columnFamilies: messages(message.column_families, message.n_column_families).map {
                ColumnFamilyHealth(
                    name: text($0.name), level0FileCount: $0.level0_files,
                    pendingCompactionByteCount: $0.pending_compaction_bytes,
                    memtableByteCount: $0.memtable_bytes)
            },
            writesStopped: message.writes_stopped != 0,
            delayedWriteRate: message.delayed_write_rate,
            backgroundErrorCount: message.background_errors,
            runningCompactionCount: message.running_compactions,
            runningFlushCount: message.running_flushes,
            forgottenUntilMilliseconds: message.forgotten_until_milliseconds)
    }
}

extension SchemaDescription {
    fileprivate init(_ message: Atomicstate__V1__DescribeReply) throws(Status) {
        var entities: [Entity] = []
        for entity in messages(message.entities, message.n_entities) {
            entities.append(
                Entity(
                    name: AtomicStateProtocol.text(entity.name), key: try ValueKind(entity.key),
                    fields: try Member.members(entity.fields, entity.n_fields),
                    derived: try Member.members(entity.derived, entity.n_derived),
                    isGeneric: entity.generic != 0,
                    uniqueKeys: messages(entity.unique, entity.n_unique).map { key in
                        array(key.fields, key.n_fields).map { Int($0) }
                    }))
        }
        var operations: [Operation] = []
        for operation in messages(message.operations, message.n_operations) {
            operations.append(
                Operation(
                    name: AtomicStateProtocol.text(operation.name),
                    parameters: try Member.members(operation.parameters, operation.n_parameters)))
        }
        self.init(
            name: AtomicStateProtocol.text(message.name),
            fingerprint: AtomicStateProtocol.text(message.fingerprint), entities: entities,
            operations: operations, text: AtomicStateProtocol.text(message.text))
    }
}

extension SchemaDescription.Member {
    fileprivate static func members(
        _ start: UnsafeMutablePointer<UnsafeMutablePointer<Atomicstate__V1__MemberDescription>?>?,
        _ count: Int
    ) throws(Status) -> [Self] {
        var members: [Self] = []
        for message in messages(start, count) {
            members.append(
                Self(
                    name: text(message.name), kind: try SchemaDescription.ValueKind(message.type),
                    isOptional: message.optional != 0))
        }
        return members
    }
}

extension SchemaDescription.ValueKind {
    fileprivate init(
        _ message: UnsafeMutablePointer<Atomicstate__V1__TypeDescription>?
    ) throws(Status) {
        guard let type = message?.pointee else {
            throw Status(.internal, "the server described a member without a type")
        }
        switch type.kind {
        case ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__BOOL: self = .bool
        case ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__INT: self = .int
        case ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__UINT: self = .uint
        case ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__DECIMAL:
            self = .decimal(scale: Int(type.scale))
        case ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__STRING:
            self = .string(byteCountMax: Int(type.bytes_max))
        case ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__BYTES:
            self = .bytes(byteCountMax: Int(type.bytes_max))
        case ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__UUID: self = .uuid
        case ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__TIMESTAMP: self = .timestamp
        case ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__DURATION: self = .duration
        case ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__ENUM:
            let names = UnsafeBufferPointer(start: type.values, count: type.n_values)
            self = .enumeration(values: names.map { text($0) })
        case ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__REFERENCE:
            self = .reference(entity: Int(type.entity))
        default:
            throw Status(
                .internal, "the server described a type of kind \(type.kind), unknown here")
        }
    }
}
