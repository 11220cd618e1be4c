import Testing

@testable import AtomicStateProtocol

/// Requests that are well-formed messages and yet make no sense.
@Suite struct RequestContradictionTests {
    struct Case: CustomTestStringConvertible {
        let testDescription: String
        let request: RequestBody
        let code: StatusCode
        let message: String

        init(_ name: String, _ request: RequestBody, _ code: StatusCode, _ message: String) {
            testDescription = name
            self.request = request
            self.code = code
            self.message = message
        }
    }

    @Test(arguments: [
        Case(
            "words and text in one column", submit(1, column(words: [1], lengths: [1], text: "a")),
            .invalidArgument, "run 0, argument 0: expected either words or text, found both"),
        Case(
            "text that is too short", submit(2, column(lengths: [1, 2], text: "ab")),
            .invalidArgument,
            "run 0, argument 0: lengths that add up to 3 for 2 bytes of text"),
        Case(
            "text that is too long", submit(1, column(lengths: [1], text: "ab")),
            .invalidArgument,
            "run 0, argument 0: lengths that add up to 1 for 2 bytes of text"),
        Case(
            "text without lengths", submit(1, column(text: "ab")),
            .invalidArgument,
            "run 0, argument 0: lengths that add up to 0 for 2 bytes of text"),
        Case(
            "lengths whose sum is beyond 32 bits",
            submit(2, column(lengths: [.max, .max], text: "ab")),
            .invalidArgument,
            "run 0, argument 0: lengths that add up to 8589934590 for 2 bytes of text"),
        Case(
            "too few values", submit(3, column(words: [1, 2])),
            .invalidArgument, "run 0, argument 0: 2 values for 3 transactions"),
        Case(
            "too many values", submit(1, column(words: [1, 2])),
            .invalidArgument, "run 0, argument 0: 2 values for 1 transactions"),
        Case(
            "too few nanoseconds", submit(2, column(words: [1, 2], nanoseconds: [1])),
            .invalidArgument, "run 0, argument 0: nanoseconds for 1 values, expected 2"),
        Case(
            "nanoseconds of text", submit(1, column(lengths: [1], text: "a", nanoseconds: [1])),
            .invalidArgument, "run 0, argument 0: nanoseconds for 1 values, expected 0"),
        Case(
            "a column without values", submit(1, Column()),
            .invalidArgument, "run 0, argument 0: 0 values for 1 transactions"),
        Case(
            "a run without transactions", submit(0), .invalidArgument,
            "run 0: expected at least one transaction"),
        Case(
            "more transactions than allowed, without columns",
            submit(ProtocolLimits.batchTransactionCountMax + 1),
            .resourceExhausted,
            "a batch of at least 65537 transactions: expected at most 65536"),
        Case(
            "more transactions than allowed, in several runs",
            .submit(
                Array(
                    repeating: Run(
                        operation: 0, transactionCount: .init(UInt32.max), arguments: []),
                    count: 3),
                timeoutMilliseconds: 0),
            .resourceExhausted,
            "a batch of at least 4294967295 transactions: expected at most 65536"),
        Case(
            "keys that contradict themselves",
            .get(entity: 0, keys: column(words: [1], lengths: [0])),
            .invalidArgument, "Get.keys: expected either words or text, found both"),
    ])
    func isRefused(_ example: Case) {
        let status = #expect(throws: Status.self) {
            try decodeRequest(Samples.bytes(of: example.request))
        }
        #expect(status?.code == example.code)
        #expect(status?.message == example.message)
    }

    @Test func theLargestBatchIsDecoded() throws {
        let count = ProtocolLimits.batchTransactionCountMax
        let words = Column(words: Array(repeating: 7, count: count))
        let bytes = Samples.bytes(of: submit(count, words, words, words))
        guard case .submit(let batch) = try decodeRequest(bytes).body else {
            Issue.record("no submit")
            return
        }
        #expect(batch.transactionCount == count)
    }

    @Test func aGetWithoutKeysIsRefused() {
        // Field 1, id 1; field 4, a Get of no bytes.
        let status = #expect(throws: Status.self) { try decodeRequest([0x08, 0x01, 0x22, 0x00]) }
        #expect(status?.code == .invalidArgument)
    }

    @Test(arguments: [[], [0x08, 0x01], [0x08, 0x01, 0x7A, 0x00]] as [[UInt8]])
    func aRequestOfNoKnownKindIsRefused(bytes: [UInt8]) {
        let status = #expect(throws: Status.self) { try decodeRequest(bytes) }
        #expect(status?.code == .unimplemented)
    }

    /// Two bytes on the wire for each empty run, but a whole structure in memory.
    @Test func decodingTakesBoundedMemory() {
        func submit(emptyRunCount: Int) -> [UInt8] {
            let runs = Array(repeating: [0x0A, 0x00] as [UInt8], count: emptyRunCount).flatMap {
                $0
            }
            return [0x1A] + varint(runs.count) + runs
        }
        let few = #expect(throws: Status.self) { try decodeRequest(submit(emptyRunCount: 1_000)) }
        #expect(few?.message == "run 0: expected at least one transaction")
        let many = submit(emptyRunCount: ProtocolLimits.frameByteCountMax / 2 - 8)
        #expect(many.count <= ProtocolLimits.frameByteCountMax)
        let status = #expect(throws: Status.self) { try decodeRequest(many) }
        #expect(status?.code == .resourceExhausted)
        #expect(
            status?.message
                == "a message of \(many.count) bytes that takes more than "
                + "\(ProtocolLimits.decodedByteCountMax) bytes of memory")
        // Whoever said which request it is gets that for an answer, and the connection goes on.
        let isAnswered = ([0x08, 0x07] + many).withUnsafeBytes { bytes in
            if let request = try? DecodedRequest(bytes), case .invalid(let told) = request.body {
                request.id == 7 && told.code == .resourceExhausted
            } else {
                false
            }
        }
        #expect(isAnswered)
        let isUnanswerable = many.withUnsafeBytes { (try? DecodedRequest($0)) == nil }
        #expect(isUnanswerable)
    }

    @Test func anArenaEndsAtItsLimit() {
        var arena = Arena(limit: 1_000)
        #expect(arena.allocate(byteCount: 900) != nil)
        #expect(arena.allocate(byteCount: 200) == nil)
        #expect(arena.allocate(byteCount: 16) != nil)
    }
}

private func submit(_ transactionCount: Int, _ columns: Column...) -> RequestBody {
    .submit(
        [Run(operation: 0, transactionCount: transactionCount, arguments: columns)],
        timeoutMilliseconds: 0)
}

private func column(
    words: [UInt64] = [], lengths: [UInt32] = [], text: String = "", nanoseconds: [UInt32] = []
) -> Column {
    var column = Column(words: words)
    column.lengths = lengths
    column.text = Array(text.utf8)
    column.nanoseconds = nanoseconds
    return column
}

/// https://protobuf.dev/programming-guides/encoding/#varints
private func varint(_ value: Int) -> [UInt8] {
    value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7F) | 0x80] + varint(value >> 7)
}
