import AtomicStateProtocol
import AtomicStateValues

extension InputTarget {
    /// What a new connection sends, from its first byte on.
    static let connection = InputTarget(
        name: "connection",
        seeds: {
            let hello = Depot.hello.frame(id: 0)
            let frames = Depot.requests.enumerated().map { $1.frame(id: UInt64($0)) }
            return [hello, frames[0], hello + frames.flatMap { $0 }, hello + hello]
                + frames.map { hello + $0 } + [Array(hello.dropLast()), [1] + hello.dropFirst()]
        },
        words: { [[0, 0, 0, 0, 0], [0, 0x7F, 0xFF, 0xFF, 0xFF], Depot.hello.frame()] }
    ) { (bytes) throws(Finding) in
        let input = Array(bytes)
        let served = ServedEngine(after: Depot.journal)
        let whole = try served.converse([input[...]])
        let inPieces = try ServedEngine(after: Depot.journal).converse(pieces(of: input))
        try expect(
            whole.bytes == inPieces.bytes && whole.isClosed == inPieces.isClosed,
            "in pieces, the same bytes get another answer")
        try checkEnd(of: whole)
        try checkJournal(of: served)
    }

    /// A message of a client that has said hello.
    static let request = InputTarget(
        name: "request",
        seeds: { Depot.requests.map { $0.message() } },
        words: { Depot.requests.map { Array($0.message().suffix(8)) } }
    ) { (bytes) throws(Finding) in
        if let request = try? DecodedRequest(bytes), let body = RequestBody(request.body) {
            let again = decoded { () throws(Status) in
                let message = body.message(id: request.id)
                return try message.withBytes { (bytes) throws(Status) in
                    try DecodedRequest(bytes)
                }
            }
            guard let again, let bodyAgain = RequestBody(again.body) else {
                throw Finding(description: "a request's own encoding is refused")
            }
            try expect(again.id == request.id, "the request's id becomes \(again.id)")
            try expect(
                "\(bodyAgain)" == "\(body)", "the request is read back otherwise:\n\(bodyAgain)")
        }
        let hello = Depot.hello.frame(id: 0)
        let served = ServedEngine(after: Depot.journal)
        let frame = [0] + withUnsafeBytes(of: UInt32(bytes.count).bigEndian) { Array($0) } + bytes
        let conversation = try served.converse([hello[...], frame[...]])
        try expect(
            conversation.responses.count == 2,
            "\(conversation.responses.count) answers to a hello and a request")
        try checkEnd(of: conversation)
        try checkJournal(of: served)
    }

    /// A message from a server.
    static let response = InputTarget(
        name: "response",
        seeds: {
            let served = ServedEngine(after: Depot.journal)
            let frames = ([Depot.hello] + Depot.requests + Depot.requests).map { $0.frame() }
            let conversation = try served.converse(frames.map { $0[...] })
            return conversation.responses.map { $0.body.message(id: $0.id) }
                + [ResponseBody.failure(Status(.internal, "no")).message(id: 0)]
        },
        words: { [[0x12, 0], [0x1A, 1, 0], [8, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F]] }
    ) { (bytes) throws(Finding) in
        guard let response = try? DecodedResponse(bytes) else { return }
        let message = response.body.message(id: response.id)
        let again = decoded { () throws(Status) in
            try message.withBytes { (bytes) throws(Status) in try DecodedResponse(bytes) }
        }
        guard let again else {
            throw Finding(description: "a response's own encoding is refused")
        }
        try expect(again.id == response.id, "the response's id becomes \(again.id)")
        try expect(
            "\(again.body)" == "\(response.body)", "the response is read back otherwise")
        if case .get(let reply) = response.body {
            for column in reply.columns {
                try expect(
                    column.strings.count == column.lengths.count, "texts and lengths differ")
            }
        }
    }

    /// A server that ends a connection says why.
    private static func checkEnd(of conversation: ServedEngine.Conversation) throws(Finding) {
        guard conversation.isClosed else { return }
        guard case .failure(let reason)? = conversation.responses.last?.body else {
            throw Finding(description: "the connection ends without a reason")
        }
        try expect(!reason.message.isEmpty, "the connection ends with an empty reason")
    }

    /// Short pieces first, so that headers are cut, and then longer ones.
    private static func pieces(of input: [UInt8]) -> [ArraySlice<UInt8>] {
        var pieces: [ArraySlice<UInt8>] = []
        var start = 0
        while start < input.count {
            let end = min(input.count, start + 1 + pieces.count % 7 + start / 16)
            pieces.append(input[start..<end])
            start = end
        }
        return pieces
    }
}

private func decoded<Message>(_ decode: () throws(Status) -> Message) -> Message? {
    try? decode()
}

extension [UInt8] {
    /// The bytes in memory of exactly their size.
    func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
        defer { memory.deallocate() }
        memory.copyBytes(from: self)
        return try body(UnsafeRawBufferPointer(memory))
    }
}

extension ResponseBody {
    fileprivate func message(id: UInt64) -> [UInt8] {
        var message: [UInt8] = []
        encodeFrame(id: id) { byteCount, fill in
            var frame = [UInt8](repeating: 0, count: byteCount)
            frame.withUnsafeMutableBytes { fill($0) }
            message = Array(frame.dropFirst(FrameHeader.byteCount))
        }
        return message
    }
}

extension RequestBody {
    /// What was decoded, as a client would send it; nil for what is refused.
    fileprivate init?(_ body: DecodedRequest.Body) {
        switch body {
        case .hello(let hello):
            self = .hello(client: hello.client, schemaFingerprint: hello.schemaFingerprint)
        case .submit(let submit):
            self = .submit(
                submit.runs.map(Run.init), isAtomic: submit.isAtomic,
                timeoutMilliseconds: submit.timeoutMilliseconds, name: submit.name)
        case .get(let get): self = .get(entity: Int(get.entity), keys: Column(get.keys))
        case .describe: self = .describe
        case .health: self = .health
        case .ping: self = .ping
        case .invalid: return nil
        }
    }
}

extension Run {
    fileprivate init(_ run: RunView) {
        let columns = run.columns.map(Column.init)
        if run.steps.isEmpty {
            self.init(
                operation: Int(run.operation), transactionCount: run.transactionCount,
                arguments: columns)
        } else {
            self.init(
                steps: run.steps, transactionCount: run.transactionCount, arguments: columns)
        }
        let keys = run.idempotencyKeys
        idempotencyKeys = stride(from: 0, to: keys.count, by: IdempotencyKey.byteCount)
            .compactMap { IdempotencyKey(bytes: keys[$0..<($0 + IdempotencyKey.byteCount)]) }
    }
}

extension Column {
    fileprivate init(_ view: ColumnView) {
        self.init(words: Array(view.words))
        text = Array(view.text)
        lengths = Array(view.lengths)
        nanoseconds = Array(view.nanoseconds)
    }
}
