import AtomicStateProtocol

/// Messages of every kind, and their bytes without the frame's header.
enum Samples {
    static let requests: [RequestBody] = [
        .hello(client: "a client", schemaFingerprint: "00ff"),
        .submit([wordRun, textRun], timeoutMilliseconds: 250),
        .submit([stepRun], isAtomic: true, timeoutMilliseconds: 0),
        .get(entity: 3, keys: textColumn),
        .describe, .health, .ping,
    ]

    static let responses: [ResponseBody] = [
        .failure(Status(.resourceExhausted, "busy", retryAfterMilliseconds: 20)),
        .hello(greeting),
        .submit(SubmitReply(firstSequence: 41, acceptedCount: 2, rejections: [rejection])),
        .get(
            GetReply(
                found: [true, false, true], versions: [7, .max],
                columns: [Column(words: [0, .max]), textColumn, optionalColumn])),
        .describe(schema),
        .health(health),
        .pong,
    ]

    static let wordRun = Run(
        operation: 1, transactionCount: 3,
        arguments: [Column(words: [1, 2, .max]), Column(words: [0, 1, 1])])

    static let textRun = Run(
        operation: 0, transactionCount: 3, arguments: [textColumn, timeColumn])

    /// Steps of every kind, with changes of every kind.
    static let stepRun = Run(
        steps: [
            .operation(3), .operation(0), .create(entity: 0, fields: [2, 0]),
            .create(entity: 5, fields: []),
            .update(
                entity: 1,
                changes: [
                    .init(field: 0, kind: .set), .init(field: 7, kind: .add),
                    .init(field: 300, kind: .clear),
                ], expectsVersion: true),
            .update(entity: 0, changes: [.init(field: 1, kind: .set)], expectsVersion: false),
            .delete(entity: 2, expectsVersion: true), .delete(entity: 0, expectsVersion: false),
        ], transactionCount: 3, arguments: [textColumn, Column(words: [1, 2, 3])])

    /// An empty value and one of several bytes a character among them.
    static let textColumn: Column = {
        var column = Column()
        for text in ["first", "", "dritte, größer"] { column.append(text) }
        return column
    }()

    static let timeColumn: Column = {
        var column = Column()
        column.append(seconds: 1_234_567_890, nanoseconds: 5)
        column.append(seconds: -1, nanoseconds: 999_999_999)
        column.append(seconds: 0, nanoseconds: 0)
        return column
    }()

    /// As an optional field is read.
    static let optionalColumn: Column = {
        var column = Column(words: [7, 0])
        column.present = [true, false]
        return column
    }()

    static let rejection = Rejection(
        index: 2, code: 9, rule: "within_credit", entityType: "Account", entityKey: "17",
        message: "no credit",
        observations: [
            .init(name: "self.balance", value: "-1.00", before: "3.50"),
            .init(name: "amount", value: "4.50"),
        ], retryCanHelp: true, value: "-1.00", limit: "0.00")

    static let greeting = ServerGreeting(
        version: 1, server: "a server 1.0", role: "primary", schemaName: "bank",
        schemaFingerprint: "00ff", frameByteCountMax: 1 << 20, batchTransactionCountMax: 8_192,
        requestsInFlightMax: 16,
        keyByteCountMax: 64, rememberedOutcomeCount: 10_000_000, health: "ok",
        milliseconds: 1_700_000_000_123)

    static let health = HealthReply(
        status: "ok", durableSequence: 99, queuedTransactionCount: 3,
        columnFamilies: [
            ColumnFamilyHealth(
                name: "journal", level0FileCount: 1, pendingCompactionByteCount: 2,
                memtableByteCount: 3)
        ],
        writesStopped: true, delayedWriteRate: 6, backgroundErrorCount: 7,
        runningCompactionCount: 4, runningFlushCount: 5,
        forgottenUntilMilliseconds: 1_700_000_000_000)

    static let schema = SchemaDescription(
        name: "bank", fingerprint: "00ff",
        entities: [
            .init(
                name: "Account", key: .uint,
                fields: [
                    .init(name: "owner", kind: .string(byteCountMax: 80)),
                    .init(name: "balance", kind: .decimal(scale: 2)),
                    .init(name: "plan", kind: .enumeration(values: ["free", "paid"])),
                    .init(name: "open", kind: .bool),
                    .init(name: "photo", kind: .bytes(byteCountMax: 9), isOptional: true),
                    .init(name: "id", kind: .uuid),
                    .init(name: "since", kind: .timestamp, isOptional: true),
                    .init(name: "limit", kind: .duration),
                ],
                derived: [
                    .init(name: "count", kind: .int),
                    .init(name: "least", kind: .duration, isOptional: true),
                ], isGeneric: true, uniqueKeys: [[5], [1, 0]]),
            .init(name: "Branch", key: .uuid, fields: [], derived: []),
        ],
        operations: [
            .init(
                name: "close", parameters: [.init(name: "account", kind: .reference(entity: 0))])
        ],
        text: "schema: 1\n")

    static func bytes(of request: RequestBody, id: UInt64 = 1) -> [UInt8] {
        message { request.encodeFrame(id: id, write: $0) }
    }

    static func bytes(of response: ResponseBody, id: UInt64 = 1) -> [UInt8] {
        message { response.encodeFrame(id: id, write: $0) }
    }

    /// The frame that `encode` writes.
    static func frame(_ encode: (FrameWriter) -> Void) -> [UInt8] {
        var frame: [UInt8] = []
        encode { byteCount, fill in
            frame = Array(repeating: 0xAA, count: byteCount)
            frame.withUnsafeMutableBytes { fill($0) }
        }
        return frame
    }

    private static func message(_ encode: (FrameWriter) -> Void) -> [UInt8] {
        Array(frame(encode).dropFirst(FrameHeader.byteCount))
    }
}

/// Decodes a request; one that can be read but not meant counts as refused, too.
func decodeRequest(_ bytes: [UInt8]) throws(Status) -> DecodedRequest {
    let result = bytes.withUnsafeBytes { bytes in
        Result { () throws(Status) in try DecodedRequest(bytes) }
    }
    let request = try result.get()
    if case .invalid(let status) = request.body { throw status }
    return request
}

func decodeResponse(_ bytes: [UInt8]) throws(Status) -> DecodedResponse {
    let result = bytes.withUnsafeBytes { bytes in
        Result { () throws(Status) in try DecodedResponse(bytes) }
    }
    return try result.get()
}

/// A column as a value, to compare it.
extension Column {
    init(_ view: ColumnView) {
        self.init(words: Array(view.words))
        text = Array(view.text)
        lengths = Array(view.lengths)
        nanoseconds = Array(view.nanoseconds)
    }
}
