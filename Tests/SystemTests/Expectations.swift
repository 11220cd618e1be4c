import AtomicStateClient
import AtomicStateProtocol
import Foundation
import Testing

/// Serves a schema on a data folder of its own. At the end the server drains, and the audit finds that
/// the data is intact.
func withServer(
    schema: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: (ServerProcess, AtomicStateClient) async throws -> Void
) async throws {
    try await withTemporaryFolder { folder in
        let data = folder.appending(path: "data")
        let server = try await ServerProcess(schema: schema, data: data)
        let client = try await server.connect()
        try await body(server, client)
        await client.close()
        #expect(await server.end(SIGTERM) == 0, sourceLocation: sourceLocation)
        try expectIntact(data, sourceLocation: sourceLocation)
    }
}

func withExample(
    _ name: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: (ServerProcess, AtomicStateClient) async throws -> Void
) async throws {
    try await withServer(
        schema: repositoryFile("examples/\(name).yaml"), sourceLocation: sourceLocation, body)
}

func expectIntact(_ data: URL, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let audit = try runServerTool(["audit", "--data", data.path])
    // A line before it says so if the journal is not complete any more.
    let verdict = audit.text.split(separator: "\n").last ?? ""
    #expect(verdict.hasPrefix("INTEGRITY_OK"), "\(audit.text)", sourceLocation: sourceLocation)
}

func expectAccepted(
    _ client: AtomicStateClient, _ operation: String, _ arguments: [String: ArgumentValue],
    sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    try await expectAccepted(client, .call(operation, arguments), sourceLocation: sourceLocation)
}

/// One transaction of these steps.
func expectAccepted(
    _ client: AtomicStateClient, _ steps: Transaction.Step...,
    sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let outcome = try await client.submit(Transaction(steps: steps))
    if case .rejected(let rejection) = outcome {
        Issue.record("rejected:\n\(rejection.text)", sourceLocation: sourceLocation)
    }
}

/// One transaction of these steps; `text` is `Rejection.text`.
func expectRejected(
    _ client: AtomicStateClient, _ steps: Transaction.Step..., as text: String,
    sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    switch try await client.submit(Transaction(steps: steps)) {
    case .accepted: Issue.record("accepted", sourceLocation: sourceLocation)
    case .rejected(let rejection):
        #expect(rejection.text == text, sourceLocation: sourceLocation)
    }
}

/// The rejection of one call.
func rejection(
    _ client: AtomicStateClient, _ operation: String, _ arguments: [String: ArgumentValue],
    sourceLocation: SourceLocation = #_sourceLocation
) async throws -> Rejection {
    guard case .rejected(let rejection) = try await client.submit(operation, arguments) else {
        Issue.record("\(operation) was accepted", sourceLocation: sourceLocation)
        throw ServerProcess.Failure(description: "\(operation) was accepted")
    }
    return rejection
}

/// The values of one entity by name; nil where there is none.
func values(
    _ client: AtomicStateClient, _ type: String, _ key: String,
    sourceLocation: SourceLocation = #_sourceLocation
) async throws -> [String: String?] {
    let state = try #require(
        try await client.get(type, keys: [key])[0], sourceLocation: sourceLocation)
    return Dictionary(uniqueKeysWithValues: state.values.map { ($0.name, $0.text) })
}

extension Rejection {
    /// All that it says, in lines:
    ///
    ///     1 licence: 106 seats would be in use, and 100 are licensed
    ///     Organization acme
    ///     self.seats_used = 98 → 106
    ///     self.licensed_seats = 100
    ///     106 against 100
    var text: String {
        var lines = ["\(code) \(rule): \(message)"]
        if !entityType.isEmpty { lines.append("\(entityType) \(entityKey)") }
        lines += observations.map {
            let before = $0.before.isEmpty || $0.before == $0.value ? "" : "\($0.before) → "
            return "\($0.name) = \(before)\($0.value)"
        }
        if !limit.isEmpty { lines.append("\(value) against \(limit)") }
        return lines.joined(separator: "\n")
    }
}

/// How much of a write-ahead log is written: a mark follows, and behind it is room.
func writtenByteCount(ofLog log: Data) -> Int {
    log.range(of: Data("log end\n".utf8), options: .backwards)?.lowerBound ?? log.count
}
