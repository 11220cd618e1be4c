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
        writeFrame(of: Request(id: id, body: self), with: write)
    }
}

private struct Request: WireMessage {
    let id: UInt64
    let body: RequestBody

    func encode(into sink: inout some WireSink) {
        sink.varint(1, id)
        switch body {
        case .hello(let client, let schemaFingerprint):
            sink.message(2, Hello(client: client, schemaFingerprint: schemaFingerprint))
        case .submit(let runs, let isAtomic, let timeoutMilliseconds, let name):
            sink.message(
                3,
                Submit(
                    runs: runs, timeoutMilliseconds: timeoutMilliseconds, isAtomic: isAtomic,
                    name: name))
        case .get(let entity, let keys): sink.message(4, Get(entity: entity, keys: keys))
        case .describe: sink.message(5, EmptyMessage())
        case .health: sink.message(6, EmptyMessage())
        case .ping: sink.message(7, EmptyMessage())
        }
    }
}

struct EmptyMessage: WireMessage {
    func encode(into sink: inout some WireSink) {}
}

private struct Hello: WireMessage {
    let client: String
    let schemaFingerprint: String

    func encode(into sink: inout some WireSink) {
        sink.varint(1, ProtocolLimits.version)
        sink.varint(2, ProtocolLimits.version)
        sink.string(3, client)
        sink.string(4, schemaFingerprint)
    }
}

private struct Get: WireMessage {
    let entity: Int
    let keys: Column

    func encode(into sink: inout some WireSink) {
        sink.varint(1, entity)
        sink.message(2, keys)
    }
}

private struct Submit: WireMessage {
    let runs: [Run]
    let timeoutMilliseconds: UInt32
    let isAtomic: Bool
    let name: BatchName?

    func encode(into sink: inout some WireSink) {
        sink.messages(1, runs)
        sink.varint(2, timeoutMilliseconds)
        sink.bool(3, isAtomic)
        if let name { sink.message(4, name) }
    }
}

extension BatchName: WireMessage {
    func encode(into sink: inout some WireSink) {
        sink.fixed64(1, producer)
        sink.varint(2, number)
        sink.varint(3, sentMilliseconds)
    }
}

extension Run: WireMessage {
    func encode(into sink: inout some WireSink) {
        sink.varint(1, operation)
        sink.varint(2, transactionCount)
        sink.messages(3, arguments)
        sink.messages(4, steps)
        sink.bytes(5, byteCount: IdempotencyKey.byteCount * idempotencyKeys.count) { memory in
            for (index, key) in idempotencyKeys.enumerated() {
                let offset = IdempotencyKey.byteCount * index
                memory.storeBytes(of: key.high.bigEndian, toByteOffset: offset, as: UInt64.self)
                memory.storeBytes(of: key.low.bigEndian, toByteOffset: offset + 8, as: UInt64.self)
            }
        }
    }
}

extension Column: WireMessage {
    func encode(into sink: inout some WireSink) {
        sink.packedFixed(1, words)
        sink.bytes(2, text)
        sink.packedVarints(3, lengths)
        sink.packedFixed(4, nanoseconds)
        sink.packedBools(5, present)
    }
}

// MARK: Steps

extension Step: WireMessage {
    func encode(into sink: inout some WireSink) {
        switch self {
        case .operation(let operation): sink.oneofVarint(1, operation)
        case .create(let entity, let fields):
            sink.message(2, Create(entity: entity, fields: fields))
        case .update(let entity, let changes, let expectsVersion):
            sink.message(
                3, Update(entity: entity, changes: changes, expectsVersion: expectsVersion))
        case .delete(let entity, let expectsVersion):
            sink.message(4, Delete(entity: entity, expectsVersion: expectsVersion))
        }
    }

    private struct Create: WireMessage {
        let entity: Int
        let fields: [Int]

        func encode(into sink: inout some WireSink) {
            sink.varint(1, entity)
            sink.packedVarints(2, fields)
        }
    }

    private struct Update: WireMessage {
        let entity: Int
        let changes: [FieldChange]
        let expectsVersion: Bool

        func encode(into sink: inout some WireSink) {
            sink.varint(1, entity)
            sink.messages(2, changes)
            sink.bool(3, expectsVersion)
        }
    }

    private struct Delete: WireMessage {
        let entity: Int
        let expectsVersion: Bool

        func encode(into sink: inout some WireSink) {
            sink.varint(1, entity)
            sink.bool(2, expectsVersion)
        }
    }
}

extension Step.FieldChange: WireMessage {
    func encode(into sink: inout some WireSink) {
        sink.varint(1, field)
        sink.varint(2, wireKind.rawValue)
    }

    private var wireKind: Atomicstate__V1__FieldChange__Kind {
        switch kind {
        case .set: ATOMICSTATE__V1__FIELD_CHANGE__KIND__SET
        case .add: ATOMICSTATE__V1__FIELD_CHANGE__KIND__ADD
        case .clear: ATOMICSTATE__V1__FIELD_CHANGE__KIND__CLEAR
        }
    }
}

// MARK: Frames

/// Provides memory for a frame: is given its byte count, calls the closure with that many bytes.
package typealias FrameWriter = (
    _ byteCount: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Void
) -> Void

func writeFrame(of message: some WireMessage, with write: FrameWriter) {
    let byteCount = message.encodedByteCount
    write(FrameHeader.byteCount + byteCount) { frame in
        frame[0] = 0
        frame.storeBytes(of: UInt32(byteCount).bigEndian, toByteOffset: 1, as: UInt32.self)
        message.encode(to: UnsafeMutableRawBufferPointer(rebasing: frame[FrameHeader.byteCount...]))
    }
}
