@testable import AtomicStateProtocol
import Testing

@Suite struct ResponseRoundTripTests {
    @Test(arguments: [0, 1, 1 << 40, .max] as [UInt64])
    func idsComeBack(id: UInt64) throws {
        for response in Samples.responses {
            #expect(try decodeResponse(Samples.bytes(of: response, id: id)).id == id)
        }
    }

    @Test(arguments: StatusCode.allCases)
    func failure(code: StatusCode) throws {
        let status = Status(code, "what is wrong", retryAfterMilliseconds: 20)
        guard case .failure(let decoded) = try decoded(.failure(status)) else {
            Issue.record("no failure")
            return
        }
        #expect(decoded == status)
        #expect(decoded.code == code)
    }

    @Test func hello() throws {
        guard case .hello(let decoded) = try decoded(.hello(Samples.greeting)) else {
            Issue.record("no greeting")
            return
        }
        #expect(decoded == Samples.greeting)
    }

    @Test func submitAllAccepted() throws {
        let reply = SubmitReply(firstSequence: .max, acceptedCount: 8_000, rejections: [])
        guard case .submit(let decoded) = try decoded(.submit(reply)) else {
            Issue.record("no reply to a submit")
            return
        }
        #expect(decoded.firstSequence == .max)
        #expect(decoded.acceptedCount == 8_000)
        #expect(decoded.rejections.isEmpty)
    }

    @Test func submitWithRejections() throws {
        let bare = Rejection(
            index: 65_535, code: .max, rule: "", entityType: "", entityKey: "", message: "",
            observations: [], retryCanHelp: false)
        let reply = SubmitReply(
            firstSequence: 0, acceptedCount: 0, rejections: [Samples.rejection, bare])
        guard case .submit(let decoded) = try decoded(.submit(reply)) else {
            Issue.record("no reply to a submit")
            return
        }
        #expect(decoded.rejections == reply.rejections)
    }

    /// NUL is a character like any other.
    @Test func submitWithNULs() throws {
        var rejection = Samples.rejection
        rejection.entityKey = "a\0b"
        rejection.observations[0].value = "\0"
        let reply = SubmitReply(
            firstSequence: 0, acceptedCount: 0, rejections: [rejection, Samples.rejection],
            duplicates: [.init(index: 3, sequence: 1 << 40)])
        guard case .submit(let decoded) = try decoded(.submit(reply)) else {
            Issue.record("no reply to a submit")
            return
        }
        let remembered = try reply.encoded.withUnsafeBytes { try SubmitReply(decoding: $0) }
        for each in [decoded, remembered] {
            #expect(each.rejections == reply.rejections)
            #expect(each.duplicates == reply.duplicates)
        }
    }

    @Test(arguments: [0, 1, 1_000])
    func encodedSubmitIsSentAsItWas(rejectionCount: Int) {
        let reply = SubmitReply(
            firstSequence: 41, acceptedCount: 2,
            rejections: Array(repeating: Samples.rejection, count: rejectionCount))
        #expect(
            Samples.bytes(of: .encodedSubmit(reply.encoded), id: 7)
                == Samples.bytes(of: .submit(reply), id: 7))
    }

    @Test func get() throws {
        let columns = [
            Column(words: [0, .max]), Samples.textColumn, Column(), Samples.timeColumn,
            Samples.optionalColumn,
        ]
        let reply = GetReply(found: [true, false, true], versions: [7, .max], columns: columns)
        guard case .get(let decoded) = try decoded(.get(reply)) else {
            Issue.record("no reply to a get")
            return
        }
        #expect(decoded.found == reply.found)
        #expect(decoded.versions == reply.versions)
        #expect(decoded.columns == columns)
        #expect(decoded.columns[1].strings == ["first", "", "dritte, größer"])
    }

    @Test func describe() throws {
        guard case .describe(let decoded) = try decoded(.describe(Samples.schema)) else {
            Issue.record("no description")
            return
        }
        #expect(decoded == Samples.schema)
    }

    @Test func health() throws {
        guard case .health(let decoded) = try decoded(.health(Samples.health)) else {
            Issue.record("no health")
            return
        }
        #expect(decoded == Samples.health)
    }

    private func decoded(_ body: ResponseBody) throws -> ResponseBody {
        try decodeResponse(Samples.bytes(of: body)).body
    }
}
