package import AtomicStateValues
internal import CProtocol

/// A request as a server receives it. It owns the memory that its parts point into, and is used by
/// one thread at a time.
package final class DecodedRequest: @unchecked Sendable {  // Guarded by being handed over.
    package let id: UInt64
    package let body: Body
    /// The memory that the request takes.
    package var byteCount: Int { arena.byteCount }
    private let arena: Arena

    package enum Body {
        case hello(Hello)
        case submit(Submit)
        case get(Get)
        case describe
        case health
        case ping
        /// A request that can be read but not meant: why it is refused.
        case invalid(Status)
    }

    package struct Hello {
        package let versionMin: UInt32
        package let versionMax: UInt32
        package let client: String
        package let schemaFingerprint: String
    }

    package struct Submit {
        package internal(set) var runs: [RunView] = []
        package fileprivate(set) var transactionCount = 0
        /// Whether one rejection rejects the whole batch.
        package internal(set) var isAtomic = false
        /// 0 for no deadline.
        package internal(set) var timeoutMilliseconds: UInt32 = 0
        package internal(set) var name: BatchName?
    }

    package struct Get {
        package let entity: UInt32
        package let keys: ColumnView
    }

    /// - Parameter bytes: one message, without its frame's header.
    /// - Throws: `invalidArgument` for bytes that are no request, `resourceExhausted` for one without an id that
    ///   takes more memory than a request may. What is wrong with a request that can be answered becomes its body.
    package convenience init(_ bytes: UnsafeRawBufferPointer) throws(Status) {
        var arena = Arena(limit: ProtocolLimits.decodedByteCountMax)
        if let (id, submit) = try? Self.readSubmit(bytes, in: &arena) {
            let body = Self.orInvalid { () throws(Status) in .submit(try submit.checked()) }
            self.init(id: id, body, arena)
        } else {
            _ = consume arena  // Not two for one message.
            try self.init(readingWithProtobufC: bytes)
        }
    }

    /// The same for any form that a message may have.
    convenience init(readingWithProtobufC bytes: UnsafeRawBufferPointer) throws(Status) {
        var arena = Arena(limit: ProtocolLimits.decodedByteCountMax)
        let unpacked = arena.withAllocator { allocator in
            atomicstate__v1__request__unpack(
                allocator, bytes.count, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
        }
        guard !arena.isExhausted else {
            let status = Status(
                .resourceExhausted,
                "a message of \(bytes.count) bytes that takes more than "
                    + "\(ProtocolLimits.decodedByteCountMax) bytes of memory")
            guard let id = try? WireReader.requestID(of: bytes) else { throw status }
            self.init(id: id, .invalid(status), Arena(limit: 0))
            return
        }
        guard let message = unpacked?.pointee else {
            throw Status(
                .invalidArgument,
                "\(bytes.count) bytes that are not a Request of Protos/atomic_state.proto")
        }
        let body = Self.orInvalid { () throws(Status) in try Self.body(of: message, in: &arena) }
        self.init(id: message.id, body, arena)
    }

    private init(id: UInt64, _ body: Body, _ arena: consuming Arena) {
        self.id = id
        self.body = body
        self.arena = arena
    }

    private static func orInvalid(_ body: () throws(Status) -> Body) -> Body {
        do throws(Status) {
            return try body()
        } catch {
            return .invalid(error)
        }
    }

    private static func body(
        of message: Atomicstate__V1__Request, in arena: inout Arena
    ) throws(Status) -> Body {
        switch message.body_case {
        case ATOMICSTATE__V1__REQUEST__BODY_HELLO:
            let hello = message.hello.pointee
            return .hello(
                Hello(
                    versionMin: hello.version_min, versionMax: hello.version_max,
                    client: text(hello.client),
                    schemaFingerprint: text(hello.schema_fingerprint)))
        case ATOMICSTATE__V1__REQUEST__BODY_SUBMIT:
            return .submit(try Submit(message.submit.pointee, in: &arena).checked())
        case ATOMICSTATE__V1__REQUEST__BODY_GET:
            let get = message.get.pointee
            guard let column = get.keys else {
                throw Status(.invalidArgument, "Get.keys: expected a column of keys, found none")
            }
            let keys = ColumnView(column.pointee)
            try keys.check(name: "Get.keys")
            return .get(Get(entity: get.entity, keys: keys))
        case ATOMICSTATE__V1__REQUEST__BODY_DESCRIBE: return .describe
        case ATOMICSTATE__V1__REQUEST__BODY_HEALTH: return .health
        case ATOMICSTATE__V1__REQUEST__BODY_PING: return .ping
        default:
            throw Status(
                .unimplemented,
                "a request of no known kind: expected hello, submit, get, describe, health or ping")
        }
    }
}

extension DecodedRequest.Submit {
    fileprivate init(_ message: Atomicstate__V1__Submit, in arena: inout Arena) throws(Status) {
        runs.reserveCapacity(message.n_runs)
        for index in 0..<message.n_runs {
            guard let run = message.runs[index] else { continue }
            runs.append(try RunView(run.pointee, index: index, in: &arena))
        }
        isAtomic = message.atomic != 0
        timeoutMilliseconds = message.timeout_milliseconds
        name = message.name.map { BatchName($0.pointee) }
    }

    fileprivate consuming func checked() throws(Status) -> Self {
        for (index, run) in runs.enumerated() {
            try run.check(index)
            transactionCount += run.transactionCount
            guard transactionCount <= ProtocolLimits.batchTransactionCountMax else {
                throw Status(
                    .resourceExhausted,
                    "a batch of at least \(transactionCount) transactions: expected at most "
                        + "\(ProtocolLimits.batchTransactionCountMax)")
            }
        }
        try name?.check()
        return self
    }
}

/// A run of a request, in the request's memory.
package struct RunView {
    /// Called by every transaction, if there are no steps.
    package internal(set) var operation: UInt32 = 0
    package internal(set) var transactionCount = 0
    /// What every transaction consists of; empty if it is one call of `operation`.
    package fileprivate(set) var steps: [Step] = []
    package internal(set) var columns = UnsafeBufferPointer<ColumnView>(start: nil, count: 0)
    /// Empty, or `IdempotencyKey.byteCount` bytes for each transaction.
    package internal(set) var idempotencyKeys = UnsafeRawBufferPointer(start: nil, count: 0)

    fileprivate init(
        _ message: Atomicstate__V1__Run, index: Int, in arena: inout Arena
    ) throws(Status) {
        operation = message.operation
        transactionCount = Int(message.count)
        steps = try Self.steps(of: message, index: index)
        try requireAtMost(
            ProtocolLimits.runColumnCountMax, message.n_arguments, "columns", of: "run \(index)")
        let arguments = UnsafeBufferPointer(start: message.arguments, count: message.n_arguments)
        guard let columns = try? arena.array(of: ColumnView.self, count: arguments.count) else {
            throw Status(.resourceExhausted, "run \(index): more memory than a request may take")
        }
        let (_, end) = columns.initialize(
            from: arguments.lazy.compactMap { $0?.pointee }.map(ColumnView.init))
        self.columns = UnsafeBufferPointer(rebasing: columns[..<end])
        // SAFETY: the bytes are in the request's memory.
        idempotencyKeys = UnsafeRawBufferPointer(
            start: message.idempotency_keys.data, count: message.idempotency_keys.len)
    }

    fileprivate func check(_ index: Int) throws(Status) {
        guard transactionCount > 0 else {
            throw Status(.invalidArgument, "run \(index): expected at least one transaction")
        }
        for (argument, column) in columns.enumerated() {
            var name: String { "run \(index), argument \(argument)" }
            try column.check(name: name)
            guard column.valueCount == transactionCount else {
                throw Status(
                    .invalidArgument,
                    "\(name): \(column.valueCount) values for \(transactionCount) transactions")
            }
        }
        try requireKeys(idempotencyKeys, count: transactionCount, index)
    }

    private static func steps(
        of message: Atomicstate__V1__Run, index: Int
    ) throws(Status) -> [Step] {
        guard message.n_steps > 0 else { return [] }
        guard message.operation == 0 else {
            throw Status(
                .invalidArgument,
                "run \(index): operation \(message.operation) and \(message.n_steps) steps: expected "
                    + "one or the other")
        }
        try requireAtMost(
            ProtocolLimits.transactionStepCountMax, message.n_steps, "steps", of: "run \(index)")
        var steps: [Step] = []
        steps.reserveCapacity(message.n_steps)
        for position in 0..<message.n_steps {
            guard let step = message.steps[position] else { continue }
            steps.append(try Step(step.pointee, name: "run \(index), step \(position)"))
        }
        return steps
    }
}

private func requireKeys(
    _ bytes: UnsafeRawBufferPointer, count: Int, _ run: Int
) throws(Status) {
    guard !bytes.isEmpty else { return }
    guard bytes.count == count * IdempotencyKey.byteCount else {
        throw Status(
            .invalidArgument,
            "run \(run): \(bytes.count) bytes of idempotency keys for \(count) transactions: expected "
                + "\(IdempotencyKey.byteCount) for each")
    }
    for index in 0..<count {
        let offset = index * IdempotencyKey.byteCount
        let high = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        let low = UInt64(
            bigEndian: bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self))
        guard IdempotencyKey.isValid(high: high, low: low) else {
            throw Status(
                .invalidArgument,
                "run \(run), transaction \(index): expected an idempotency key that is a UUID of "
                    + "version 7")
        }
    }
}

extension BatchName {
    fileprivate init(_ message: Atomicstate__V1__BatchName) {
        self.init(
            producer: message.producer, number: message.number,
            sentMilliseconds: message.sent_milliseconds)
    }

    fileprivate func check() throws(Status) {
        guard number <= Self.numberMax else {
            throw Status(
                .invalidArgument, "a batch's number is \(number): expected one below 2^63")
        }
    }
}

/// A column of a request, in the request's memory.
package struct ColumnView: BitwiseCopyable {
    package internal(set) var words = UnsafeBufferPointer<UInt64>(start: nil, count: 0)
    package internal(set) var text = UnsafeRawBufferPointer(start: nil, count: 0)
    package internal(set) var lengths = UnsafeBufferPointer<UInt32>(start: nil, count: 0)
    package internal(set) var nanoseconds = UnsafeBufferPointer<UInt32>(start: nil, count: 0)

    /// Whether the values are text.
    package var isText: Bool { !lengths.isEmpty }
    package var valueCount: Int { isText ? lengths.count : words.count }

    fileprivate init(_ message: Atomicstate__V1__Column) {
        // SAFETY: protobuf-c's arrays hold as many elements as their count says, and live in the
        // request's arena.
        words = UnsafeBufferPointer(start: message.words, count: message.n_words)
        text = UnsafeRawBufferPointer(start: message.text.data, count: message.text.len)
        lengths = UnsafeBufferPointer(start: message.lengths, count: message.n_lengths)
        nanoseconds = UnsafeBufferPointer(start: message.nanoseconds, count: message.n_nanoseconds)
    }

    fileprivate func check(name: @autoclosure () -> String) throws(Status) {
        guard nanoseconds.isEmpty || nanoseconds.count == words.count else {
            throw Status(
                .invalidArgument,
                "\(name()): nanoseconds for \(nanoseconds.count) values, expected \(words.count)")
        }
        guard words.isEmpty || lengths.isEmpty else {
            throw Status(
                .invalidArgument, "\(name()): expected either words or text, found both")
        }
        let byteCount = lengths.reduce(into: 0) { $0 += Int($1) }
        guard byteCount == text.count else {
            throw Status(
                .invalidArgument,
                "\(name()): lengths that add up to \(byteCount) for \(text.count) bytes of text")
        }
    }
}

/// A string of protobuf-c: never nil but for an empty one.
func text(_ pointer: UnsafePointer<CChar>?) -> String {
    guard let pointer else { return "" }
    return String(cString: pointer)
}
