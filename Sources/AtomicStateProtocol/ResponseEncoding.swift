internal import CProtocol

/// A response as a server sends it.
package enum ResponseBody: Sendable {
    case failure(Status)
    case hello(ServerGreeting)
    case submit(SubmitReply)
    /// A `SubmitReply` as `encoded` returned it.
    case encodedSubmit([UInt8])
    case get(GetReply)
    case describe(SchemaDescription)
    case health(HealthReply)
    case pong

    /// The frame, header included, that carries the response to request `id`.
    package func encodeFrame(id: UInt64, write: FrameWriter) {
        let arena = Arena()
        let message = arena.message(atomicstate__v1__response__init) { message in
            message.id = id
            fill(&message, arena)
        }
        writeFrame(of: message, with: write)
        withExtendedLifetime(arena) {}
    }

    private func fill(_ message: inout Atomicstate__V1__Response, _ arena: Arena) {
        switch self {
        case .failure(let status):
            message.status = arena.message(atomicstate__v1__status__init) {
                $0.code = status.rawCode
                $0.message = arena.string(status.message)
                $0.retry_after_milliseconds = status.retryAfterMilliseconds
            }
        case .hello(let greeting):
            message.body_case = ATOMICSTATE__V1__RESPONSE__BODY_HELLO
            message.hello = arena.greeting(greeting)
        case .submit(let reply):
            message.body_case = ATOMICSTATE__V1__RESPONSE__BODY_SUBMIT
            message.submit = arena.submitReply(reply)
        case .encodedSubmit(let bytes):
            message.base.n_unknown_fields = 1
            message.base.unknown_fields = arena.encodedField(
                "submit", of: atomicstate__v1__response__descriptor, bytes)
        case .get(let reply):
            message.body_case = ATOMICSTATE__V1__RESPONSE__BODY_GET
            message.get = arena.message(atomicstate__v1__get_reply__init) {
                $0.n_found = reply.found.count
                $0.found = arena.copy(reply.found.map { $0 ? 1 : 0 as protobuf_c_boolean })
                $0.n_versions = reply.versions.count
                $0.versions = arena.copy(reply.versions)
                $0.n_columns = reply.columns.count
                $0.columns = arena.pointers(reply.columns.map { arena.column($0) })
            }
        case .describe(let description):
            message.body_case = ATOMICSTATE__V1__RESPONSE__BODY_DESCRIBE
            message.describe = arena.description(description)
        case .health(let health):
            message.body_case = ATOMICSTATE__V1__RESPONSE__BODY_HEALTH
            message.health = arena.health(health)
        case .pong:
            message.body_case = ATOMICSTATE__V1__RESPONSE__BODY_PONG
            message.pong = arena.message(atomicstate__v1__pong__init) { _ in }
        }
    }
}

extension Arena {
    /// A message that is there in bytes, as the value of a field: protobuf-c writes what it does not know as
    /// it is.
    fileprivate func encodedField(
        _ name: String, of descriptor: ProtobufCMessageDescriptor, _ bytes: [UInt8]
    ) -> UnsafeMutablePointer<ProtobufCMessageUnknownField> {
        guard
            let field = withUnsafePointer(
                to: descriptor, { protobuf_c_message_descriptor_get_field_by_name($0, name) })
        else { preconditionFailure("\(name) is a field of the message") }
        // Seven bits to a byte, the lowest first: https://protobuf.dev/programming-guides/encoding/#varints
        var value: [UInt8] = []
        var length = bytes.count
        while length > 0x7F {
            value.append(UInt8(truncatingIfNeeded: length) | 0x80)
            length >>= 7
        }
        value.append(UInt8(length))
        value += bytes
        let unknown = array(of: ProtobufCMessageUnknownField.self, count: 1)
        unknown.initialize(
            to: ProtobufCMessageUnknownField(
                tag: field.pointee.id, wire_type: PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
                len: value.count, data: copy(value)))
        return unknown
    }

    fileprivate func greeting(
        _ greeting: ServerGreeting
    ) -> UnsafeMutablePointer<Atomicstate__V1__HelloReply> {
        message(atomicstate__v1__hello_reply__init) {
            $0.version = greeting.version
            $0.server = string(greeting.server)
            $0.role = string(greeting.role)
            $0.schema_name = string(greeting.schemaName)
            $0.schema_fingerprint = string(greeting.schemaFingerprint)
            $0.limits = message(atomicstate__v1__server_limits__init) {
                $0.frame_bytes_max = UInt32(greeting.frameByteCountMax)
                $0.batch_transactions_max = UInt32(greeting.batchTransactionCountMax)
                $0.requests_in_flight_max = UInt32(greeting.requestsInFlightMax)
                $0.key_bytes_max = UInt32(greeting.keyByteCountMax)
                $0.remembered_outcomes = UInt64(greeting.rememberedOutcomeCount)
            }
            $0.health = string(greeting.health)
            $0.time_milliseconds = greeting.milliseconds
        }
    }

    fileprivate func health(
        _ health: HealthReply
    ) -> UnsafeMutablePointer<Atomicstate__V1__HealthReply> {
        message(atomicstate__v1__health_reply__init) {
            $0.status = string(health.status)
            $0.durable_sequence = health.durableSequence
            $0.queued_transactions = health.queuedTransactionCount
            $0.n_column_families = health.columnFamilies.count
            $0.column_families = pointers(
                health.columnFamilies.map { family in
                    message(atomicstate__v1__column_family_health__init) {
                        $0.name = string(family.name)
                        $0.level0_files = family.level0FileCount
                        $0.pending_compaction_bytes = family.pendingCompactionByteCount
                        $0.memtable_bytes = family.memtableByteCount
                    }
                })
            $0.writes_stopped = health.writesStopped ? 1 : 0
            $0.delayed_write_rate = health.delayedWriteRate
            $0.background_errors = health.backgroundErrorCount
            $0.running_compactions = health.runningCompactionCount
            $0.running_flushes = health.runningFlushCount
            $0.forgotten_until_milliseconds = health.forgottenUntilMilliseconds
        }
    }

    fileprivate func description(
        _ description: SchemaDescription
    ) -> UnsafeMutablePointer<Atomicstate__V1__DescribeReply> {
        message(atomicstate__v1__describe_reply__init) {
            $0.name = string(description.name)
            $0.fingerprint = string(description.fingerprint)
            $0.n_entities = description.entities.count
            $0.entities = pointers(
                description.entities.map { entity in
                    message(atomicstate__v1__entity_description__init) {
                        $0.name = string(entity.name)
                        $0.key = kind(entity.key)
                        $0.n_fields = entity.fields.count
                        $0.fields = pointers(entity.fields.map { member($0) })
                        $0.n_derived = entity.derived.count
                        $0.derived = pointers(entity.derived.map { member($0) })
                        $0.generic = entity.isGeneric ? 1 : 0
                        $0.n_unique = entity.uniqueKeys.count
                        $0.unique = pointers(entity.uniqueKeys.map { uniqueKey($0) })
                    }
                })
            $0.n_operations = description.operations.count
            $0.operations = pointers(
                description.operations.map { operation in
                    message(atomicstate__v1__operation_description__init) {
                        $0.name = string(operation.name)
                        $0.n_parameters = operation.parameters.count
                        $0.parameters = pointers(operation.parameters.map { member($0) })
                    }
                })
            $0.text = string(description.text)
        }
    }

    private func uniqueKey(
        _ fields: [Int]
    ) -> UnsafeMutablePointer<Atomicstate__V1__UniqueKey> {
        message(atomicstate__v1__unique_key__init) {
            $0.n_fields = fields.count
            $0.fields = copy(fields.map { UInt32($0) })
        }
    }

    private func member(
        _ member: SchemaDescription.Member
    ) -> UnsafeMutablePointer<Atomicstate__V1__MemberDescription> {
        message(atomicstate__v1__member_description__init) {
            $0.name = string(member.name)
            $0.type = kind(member.kind)
            $0.optional = member.isOptional ? 1 : 0
        }
    }

    private func kind(
        _ kind: SchemaDescription.ValueKind
    ) -> UnsafeMutablePointer<Atomicstate__V1__TypeDescription> {
        message(atomicstate__v1__type_description__init) {
            switch kind {
            case .bool: $0.kind = ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__BOOL
            case .int: $0.kind = ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__INT
            case .uint: $0.kind = ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__UINT
            case .decimal(let scale):
                $0.kind = ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__DECIMAL
                $0.scale = UInt32(scale)
            case .string(let byteCountMax):
                $0.kind = ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__STRING
                $0.bytes_max = UInt32(byteCountMax)
            case .bytes(let byteCountMax):
                $0.kind = ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__BYTES
                $0.bytes_max = UInt32(byteCountMax)
            case .uuid: $0.kind = ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__UUID
            case .timestamp: $0.kind = ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__TIMESTAMP
            case .duration: $0.kind = ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__DURATION
            case .enumeration(let values):
                $0.kind = ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__ENUM
                $0.n_values = values.count
                let names = array(of: UnsafeMutablePointer<CChar>?.self, count: values.count)
                for (index, value) in values.enumerated() { names[index] = string(value) }
                $0.values = names
            case .reference(let entity):
                $0.kind = ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__REFERENCE
                $0.entity = UInt32(entity)
            }
        }
    }
}
