import AtomicStateValues
import SeededRandom
import Testing

@testable import AtomicStateProtocol

/// What the decoders here read of a message is what protobuf-c reads of it.
@Suite struct CodecComparisonTests {
    @Test func whatIsHotIsReadHere() throws {
        for message in Self.hotRequests {
            try message.withUnsafeBytes {
                var arena = Arena()
                _ = try DecodedRequest.readSubmit($0, in: &arena)
            }
        }
        for message in Self.hotReplies {
            try message.withUnsafeBytes { _ = try DecodedResponse.readSubmitReply($0) }
        }
    }

    @Test func requestsAsTheyAreWritten() throws {
        for message in Self.hotRequests + Samples.requests.map({ Samples.bytes(of: $0) }) {
            try expectSameRequest(message)
        }
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func changedRequests(seed: UInt64) throws {
        var mutator = MessageMutator(seed: seed)
        for message in Self.hotRequests {
            for _ in 0..<5_000 { try expectSameRequest(mutator.mutation(of: message)) }
        }
    }

    @Test(arguments: [5, 6] as [UInt64])
    func changedReplies(seed: UInt64) throws {
        var mutator = MessageMutator(seed: seed)
        // A sequence of ten bytes, which protobuf-c reads.
        let last = SubmitReply(firstSequence: .max, acceptedCount: 65_536, rejections: [])
        let others = [Samples.bytes(of: ResponseBody.submit(last), id: 1 << 20)]
        for message in Self.hotReplies + others {
            try expectSameResponse(message)
            for _ in 0..<5_000 { try expectSameResponse(mutator.mutation(of: message)) }
        }
    }

    /// Fields twice, fields apart, and numbers in more bytes than they need: all that protobuf allows.
    @Test(
        arguments: [
            // The id twice, and after the body.
            [0x08, 1, 0x08, 2, 0x1A, 0], [0x1A, 0, 0x08, 3],
            // Two submits, which are one: timeouts 5 and 6, the second one's runs behind the first's.
            [0x1A, 6, 0x0A, 2, 0x10, 1, 0x10, 5, 0x1A, 6, 0x0A, 2, 0x10, 1, 0x10, 6],
            // A submit, then a ping: the last one counts; and the other way.
            [0x1A, 0, 0x3A, 0], [0x3A, 0, 0x1A, 0],
            // A timeout in ten bytes, and one beyond 32 bits.
            [0x1A, 11, 0x10, 0x85, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0],
            [0x1A, 6, 0x10, 0x85, 0x80, 0x80, 0x80, 0x10],
            // A tag in two bytes, an unknown field, a field of another type.
            [0x1A, 3, 0x90, 0x00, 5], [0x1A, 3, 0x78, 1, 0], [0x1A, 2, 0x0D, 0],
            // A column's values in two parts, and unpacked.
            [
                0x1A, 26, 0x0A, 24, 0x10, 2, 0x1A, 20, 0x0A, 8, 1, 0, 0, 0, 0, 0, 0, 0,
                0x0A, 8, 2, 0, 0, 0, 0, 0, 0, 0,
            ],
            [
                0x1A, 15, 0x0A, 13, 0x10, 1, 0x1A, 9, 0x09, 1, 0, 0, 0, 0, 0, 0, 0,
            ],
            // Lengths and text, the text twice.
            [0x1A, 14, 0x0A, 12, 0x10, 1, 0x1A, 8, 0x12, 1, 65, 0x12, 0, 0x1A, 1, 0],
        ] as [[UInt8]])
    func unusualForms(message: [UInt8]) throws {
        try expectSameRequest(message)
    }

    private static let hotRequests: [[UInt8]] = {
        var keyed = Samples.textRun
        keyed.idempotencyKeys = (0..<3).map {
            IdempotencyKey(milliseconds: 1_700_000_000_000, high: 7, low: $0)
        }
        let name = BatchName(producer: .max, number: 9, sentMilliseconds: 1_700_000_000_000)
        return [
            RequestBody.submit([Samples.wordRun], timeoutMilliseconds: 0),
            .submit([keyed, Samples.wordRun], timeoutMilliseconds: 30_000, name: name),
            .submit([Samples.textRun], isAtomic: true, timeoutMilliseconds: 1),
        ].map { Samples.bytes(of: $0, id: 300) }
    }()

    private static let hotReplies: [[UInt8]] = {
        // Texts of all lengths that a String stores in its own way, as before, changed, left out and back.
        var rejections = Array(repeating: Samples.rejection, count: 6)
        for index in rejections.indices { rejections[index].index = index }
        rejections[1].message = "no credit, not today and not tomorrow"
        rejections[2].observations = []
        rejections[3].entityKey = "18"
        rejections[4].rule = ""
        rejections[4].observations[1].name = "größe"
        return [
            SubmitReply(firstSequence: 0, acceptedCount: 0, rejections: []),
            SubmitReply(firstSequence: 1, acceptedCount: 1, rejections: []),
            SubmitReply(firstSequence: 1 << 40, acceptedCount: 8_000, rejections: rejections),
            SubmitReply(firstSequence: 1 << 62, acceptedCount: 65_536, rejections: []),
            SubmitReply(
                firstSequence: 5, acceptedCount: 1, rejections: [Samples.rejection],
                duplicates: (0..<3).map { .init(index: 200 * $0, sequence: 1 << 33 + UInt64($0)) }),
        ].map { Samples.bytes(of: ResponseBody.submit($0), id: 1 << 20) }
    }()

    private func expectSameRequest(_ message: [UInt8]) throws {
        let (ours, reference) = message.withUnsafeBytes { bytes in
            (
                described { () throws(Status) in try DecodedRequest(bytes) },
                described { () throws(Status) in try DecodedRequest(readingWithProtobufC: bytes) }
            )
        }
        try #require(ours == reference, "\(message)")
    }

    private func expectSameResponse(_ message: [UInt8]) throws {
        let (ours, reference) = message.withUnsafeBytes { bytes in
            (
                described { () throws(Status) in try DecodedResponse(bytes) },
                described { () throws(Status) in try DecodedResponse(readingWithProtobufC: bytes) }
            )
        }
        try #require(ours == reference, "\(message)")
    }

    private func described(_ decode: () throws(Status) -> DecodedRequest) -> String {
        do throws(Status) {
            let request = try decode()
            if case .get(let get) = request.body {
                return "\(request.id) \(get.entity) \(Column(get.keys))"
            }
            guard case .submit(let submit) = request.body else {
                return "\(request.id) \(request.body)"
            }
            let runs = submit.runs.map { run in
                "\(run.operation) \(run.transactionCount) \(run.steps) "
                    + "\(run.columns.map(Column.init)) \(Array(run.idempotencyKeys))"
            }
            return "\(request.id) \(runs) \(submit.transactionCount) \(submit.isAtomic) "
                + "\(submit.timeoutMilliseconds) \(String(describing: submit.name))"
        } catch {
            return "\(error)"
        }
    }

    private func described(_ decode: () throws(Status) -> DecodedResponse) -> String {
        do throws(Status) {
            let response = try decode()
            guard case .submit(var reply) = response.body else {
                return "\(response.id) \(response.body)"
            }
            reply.rejections = reply.rejections.map(\.cutAtNULs)
            return "\(response.id) \(reply)"
        } catch {
            return "\(error)"
        }
    }
}

extension Rejection {
    /// As protobuf-c has it, whose texts end at a NUL.
    fileprivate var cutAtNULs: Rejection {
        func cut(_ text: String) -> String { String(text.prefix { $0 != "\0" }) }
        var rejection = Rejection(
            index: index, code: code, rule: cut(rule), entityType: cut(entityType),
            entityKey: cut(entityKey), message: cut(message),
            observations: observations.map {
                Observation(name: cut($0.name), value: cut($0.value), before: cut($0.before))
            }, retryCanHelp: retryCanHelp)
        rejection.value = cut(value)
        rejection.limit = cut(limit)
        return rejection
    }
}
