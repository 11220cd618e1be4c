import Testing

@testable import AtomicStateProtocol

@Suite struct MalformedMessageTests {
    // MARK: Bytes that are cut

    /// A message's body comes last, so that no part of a message is a message.
    @Test func everyPrefixOfARequestIsRefused() {
        for request in Samples.requests {
            let bytes = Samples.bytes(of: request)
            for byteCount in bytes.indices {
                let status = #expect(throws: Status.self) {
                    try decodeRequest(Array(bytes[..<byteCount]))
                }
                #expect(status?.code == .invalidArgument || status?.code == .unimplemented)
            }
        }
    }

    @Test func everyPrefixOfAResponseIsRefused() {
        for response in Samples.responses {
            let bytes = Samples.bytes(of: response)
            for byteCount in bytes.indices {
                let status = #expect(throws: Status.self) {
                    try decodeResponse(Array(bytes[..<byteCount]))
                }
                #expect(status?.code == .internal)
            }
        }
    }

    // MARK: Bytes that are changed

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func changedRequestsAreRefusedOrConsistent(seed: UInt64) throws {
        var mutator = MessageMutator(seed: seed)
        var refusedCount = 0
        var decodedCount = 0
        for bytes in Samples.requests.map({ Samples.bytes(of: $0) }) {
            for _ in 0..<2_000 {
                do {
                    try requireConsistent(try decodeRequest(mutator.mutation(of: bytes)))
                    decodedCount += 1
                } catch let status as Status {
                    #expect(!status.message.isEmpty)
                    refusedCount += 1
                }
            }
        }
        #expect(refusedCount > 100)
        #expect(decodedCount > 100)
    }

    @Test(arguments: [5, 6, 7, 8] as [UInt64])
    func changedResponsesAreRefusedOrDecoded(seed: UInt64) {
        var mutator = MessageMutator(seed: seed)
        var refusedCount = 0
        var decodedCount = 0
        for bytes in Samples.responses.map({ Samples.bytes(of: $0) }) {
            for _ in 0..<2_000 {
                do throws(Status) {
                    _ = try decodeResponse(mutator.mutation(of: bytes))
                    decodedCount += 1
                } catch {
                    #expect(error.code == .internal)
                    refusedCount += 1
                }
            }
        }
        #expect(refusedCount > 100)
        #expect(decodedCount > 100)
    }

    /// What the server relies on once a request is decoded. Every value is read, so that a view
    /// beyond its memory would be noticed.
    private func requireConsistent(_ request: DecodedRequest) throws {
        switch request.body {
        case .submit(let submit):
            #expect(submit.transactionCount <= ProtocolLimits.batchTransactionCountMax)
            #expect(submit.transactionCount == submit.runs.reduce(0) { $0 + $1.transactionCount })
            for run in submit.runs {
                #expect(run.transactionCount > 0)
                #expect(run.steps.isEmpty || run.operation == 0)
                #expect(run.steps.count <= ProtocolLimits.transactionStepCountMax)
                for column in run.columns {
                    #expect(column.valueCount == run.transactionCount)
                    requireConsistent(column)
                }
            }
        case .get(let get): requireConsistent(get.keys)
        case .hello, .describe, .health, .ping, .invalid: break
        }
    }

    private func requireConsistent(_ view: ColumnView) {
        let column = Column(view)
        #expect(column.words.isEmpty || column.lengths.isEmpty)
        #expect(column.lengths.reduce(0) { $0 + Int($1) } == column.text.count)
        #expect(column.strings.count == column.lengths.count)
    }
}
