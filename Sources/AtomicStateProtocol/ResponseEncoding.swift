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
        writeFrame(of: Response(id: id, body: self), with: write)
    }
}

private struct Response: WireMessage {
    let id: UInt64
    let body: ResponseBody

    func encode(into sink: inout some WireSink) {
        sink.varint(1, id)
        switch body {
        case .failure(let status): sink.message(2, status)
        case .hello(let greeting): sink.message(3, greeting)
        case .submit(let reply): sink.message(4, reply)
        case .encodedSubmit(let bytes): sink.message(4, EncodedMessage(bytes: bytes))
        case .get(let reply): sink.message(5, reply)
        case .describe(let description): sink.message(6, description)
        case .health(let health): sink.message(7, health)
        case .pong: sink.message(8, EmptyMessage())
        }
    }
}

extension Status: WireMessage {
    func encode(into sink: inout some WireSink) {
        sink.varint(1, rawCode)
        sink.string(2, message)
        sink.varint(3, retryAfterMilliseconds)
        sink.varint(4, timeMilliseconds)
    }
}

extension ServerGreeting: WireMessage {
    func encode(into sink: inout some WireSink) {
        sink.varint(1, version)
        sink.string(2, server)
        sink.string(3, role)
        sink.string(4, schemaName)
        sink.string(5, schemaFingerprint)
        sink.message(6, Limits(greeting: self))
        sink.string(7, health)
        sink.varint(8, milliseconds)
    }

    private struct Limits: WireMessage {
        let greeting: ServerGreeting

        func encode(into sink: inout some WireSink) {
            sink.varint(1, greeting.frameByteCountMax)
            sink.varint(2, greeting.batchTransactionCountMax)
            sink.varint(3, greeting.requestsInFlightMax)
            sink.varint(4, greeting.keyByteCountMax)
            sink.varint(5, greeting.rememberedOutcomeCount)
        }
    }
}

extension GetReply: WireMessage {
    func encode(into sink: inout some WireSink) {
        sink.packedBools(1, found)
        sink.packedFixed(2, versions)
        sink.messages(3, columns)
    }
}

extension HealthReply: WireMessage {
    func encode(into sink: inout some WireSink) {
        sink.string(1, status)
        sink.varint(2, durableSequence)
        sink.varint(3, queuedTransactionCount)
        sink.messages(4, columnFamilies)
        sink.bool(5, writesStopped)
        sink.varint(6, delayedWriteRate)
        sink.varint(7, backgroundErrorCount)
        sink.varint(8, runningCompactionCount)
        sink.varint(9, runningFlushCount)
        sink.varint(10, forgottenUntilMilliseconds)
    }
}

extension ColumnFamilyHealth: WireMessage {
    func encode(into sink: inout some WireSink) {
        sink.string(1, name)
        sink.varint(2, level0FileCount)
        sink.varint(3, pendingCompactionByteCount)
        sink.varint(4, memtableByteCount)
    }
}

// MARK: The schema

extension SchemaDescription: WireMessage {
    func encode(into sink: inout some WireSink) {
        sink.string(1, name)
        sink.string(2, fingerprint)
        sink.messages(3, entities)
        sink.messages(4, operations)
        sink.string(5, text)
    }
}

extension SchemaDescription.Entity: WireMessage {
    func encode(into sink: inout some WireSink) {
        sink.string(1, name)
        sink.message(2, key)
        sink.messages(3, fields)
        sink.messages(4, derived)
        sink.bool(5, isGeneric)
        sink.messages(6, uniqueKeys.map(UniqueKey.init))
    }

    private struct UniqueKey: WireMessage {
        let fields: [Int]

        func encode(into sink: inout some WireSink) {
            sink.packedVarints(1, fields)
        }
    }
}

extension SchemaDescription.Operation: WireMessage {
    func encode(into sink: inout some WireSink) {
        sink.string(1, name)
        sink.messages(2, parameters)
    }
}

extension SchemaDescription.Member: WireMessage {
    func encode(into sink: inout some WireSink) {
        sink.string(1, name)
        sink.message(2, kind)
        sink.bool(3, isOptional)
    }
}

extension SchemaDescription.ValueKind: WireMessage {
    func encode(into sink: inout some WireSink) {
        sink.varint(1, wireKind.rawValue)
        switch self {
        case .decimal(let scale): sink.varint(2, scale)
        case .enumeration(let values): sink.strings(3, values)
        case .reference(let entity): sink.varint(4, entity)
        case .string(let byteCountMax), .bytes(let byteCountMax): sink.varint(5, byteCountMax)
        case .bool, .int, .uint, .uuid, .timestamp, .duration: break
        }
    }

    private var wireKind: Atomicstate__V1__TypeDescription__Kind {
        switch self {
        case .bool: ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__BOOL
        case .int: ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__INT
        case .uint: ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__UINT
        case .decimal: ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__DECIMAL
        case .string: ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__STRING
        case .enumeration: ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__ENUM
        case .reference: ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__REFERENCE
        case .bytes: ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__BYTES
        case .timestamp: ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__TIMESTAMP
        case .duration: ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__DURATION
        case .uuid: ATOMICSTATE__V1__TYPE_DESCRIPTION__KIND__UUID
        }
    }
}
