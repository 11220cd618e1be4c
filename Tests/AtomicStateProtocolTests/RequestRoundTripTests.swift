import AtomicStateProtocol
import Testing

@Suite struct RequestRoundTripTests {
    @Test(arguments: [0, 1, 1 << 40, .max] as [UInt64])
    func idsComeBack(id: UInt64) throws {
        for request in Samples.requests {
            #expect(try decodeRequest(Samples.bytes(of: request, id: id)).id == id)
        }
    }

    @Test func hello() throws {
        let request = try decodeRequest(
            Samples.bytes(of: .hello(client: "ein Gerät", schemaFingerprint: "00ff")))
        guard case .hello(let hello) = request.body else {
            Issue.record("\(request.body)")
            return
        }
        #expect(hello.client == "ein Gerät")
        #expect(hello.schemaFingerprint == "00ff")
        #expect(hello.versionMin == ProtocolLimits.version)
        #expect(hello.versionMax == ProtocolLimits.version)
    }

    @Test func submit() throws {
        let runs = [Samples.wordRun, Samples.textRun, Samples.stepRun]
        let request = try decodeRequest(
            Samples.bytes(of: .submit(runs, timeoutMilliseconds: 250)))
        guard case .submit(let submit) = request.body else {
            Issue.record("\(request.body)")
            return
        }
        #expect(submit.timeoutMilliseconds == 250)
        #expect(!submit.isAtomic)
        #expect(submit.transactionCount == 9)
        #expect(submit.runs.count == 3)
        for (decoded, run) in zip(submit.runs, runs) {
            #expect(Int(decoded.operation) == run.operation)
            #expect(decoded.steps == run.steps)
            #expect(decoded.transactionCount == run.transactionCount)
            #expect(decoded.columns.map(Column.init) == run.arguments)
        }
        #expect(
            submit.runs.map { $0.columns.map(\.isText) }
                == [[false, false], [true, false], [true, false]])
    }

    @Test func atomicSubmit() throws {
        let request = try decodeRequest(
            Samples.bytes(of: .submit([Samples.wordRun], isAtomic: true, timeoutMilliseconds: 0)))
        guard case .submit(let submit) = request.body else {
            Issue.record("\(request.body)")
            return
        }
        #expect(submit.isAtomic)
    }

    @Test func submitWithoutRuns() throws {
        let request = try decodeRequest(Samples.bytes(of: .submit([], timeoutMilliseconds: 0)))
        guard case .submit(let submit) = request.body else {
            Issue.record("\(request.body)")
            return
        }
        #expect(submit.runs.isEmpty)
        #expect(submit.transactionCount == 0)
    }

    @Test(arguments: [Samples.textColumn, Column(words: [5, .max]), Column()])
    func get(keys: Column) throws {
        let request = try decodeRequest(Samples.bytes(of: .get(entity: 3, keys: keys)))
        guard case .get(let get) = request.body else {
            Issue.record("\(request.body)")
            return
        }
        #expect(get.entity == 3)
        #expect(Column(get.keys) == keys)
    }

    @Test func bodilessRequests() throws {
        guard case .describe = try decodeRequest(Samples.bytes(of: RequestBody.describe)).body,
            case .health = try decodeRequest(Samples.bytes(of: RequestBody.health)).body,
            case .ping = try decodeRequest(Samples.bytes(of: RequestBody.ping)).body
        else {
            Issue.record("a request came back as another")
            return
        }
    }
}
