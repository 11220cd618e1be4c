import AtomicStateClient
import AtomicStateProtocol
import Foundation
import SeededRandom

/// Clients that work at the same time, each over a connection of its own. None begins before all are
/// connected.
///
/// - Parameter body: gets the client, its number and its own random numbers.
/// - Returns: the results in the order of the clients.
func concurrently<Result: Sendable>(
    _ server: ServerProcess, clientCount: Int, seed: UInt64,
    _ body:
        @escaping @Sendable (AtomicStateClient, Int, inout SeededGenerator) async throws -> Result
) async throws -> [Result] {
    var clients: [AtomicStateClient] = []
    for _ in 0..<clientCount { clients.append(try await server.connect()) }
    return try await withThrowingTaskGroup(of: (Int, Result).self) { group in
        for (number, client) in clients.enumerated() {
            group.addTask {
                var random = SeededGenerator(state: seed &+ UInt64(number))
                let result = try await body(client, number, &random)
                await client.close()
                return (number, result)
            }
        }
        var results: [(number: Int, Result)] = []
        for try await result in group { results.append(result) }
        return results.sorted { $0.number < $1.number }.map { $0.1 }
    }
}

/// Runs what blocks its thread, such as a `RawConnection`, on a thread of its own.
func onThread<Result: Sendable>(
    _ body: @escaping @Sendable () throws -> Result
) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        Thread { continuation.resume(with: Swift.Result { try body() }) }.start()
    }
}

/// What was submitted, and what became of it.
struct Attempt<Request: Sendable>: Sendable {
    let request: Request
    let outcome: TransactionOutcome

    var sequence: UInt64? {
        if case .accepted(let sequence) = outcome { sequence } else { nil }
    }

    var rejection: Rejection? {
        if case .rejected(let rejection) = outcome { rejection } else { nil }
    }
}

extension Sequence {
    func accepted<Request>() -> [Request] where Element == Attempt<Request> {
        filter { $0.outcome.isAccepted }.map(\.request)
    }

    func rejections<Request>() -> [Rejection] where Element == Attempt<Request> {
        compactMap(\.rejection)
    }
}
