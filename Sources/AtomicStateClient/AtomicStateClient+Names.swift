public import AtomicStateProtocol

/// What became of one transaction.
public enum TransactionOutcome: Sendable, Equatable {
    /// It is durable, at this place in the journal.
    case accepted(sequence: UInt64)
    /// It left no trace.
    case rejected(Rejection)
}

/// Calls by name, for callers that do not build columns themselves.
extension AtomicStateClient {
    /// Submits one transaction, and returns when it is durable or rejected:
    ///
    ///     try await client.submit("transfer", ["from": 1, "to": 2, "amount": "12.50"])
    ///
    /// - Throws: `ArgumentError` for names or values that do not fit the schema, besides what
    ///   `submit(_:timeout:)` throws.
    @discardableResult
    public func submit(
        _ operation: String, _ arguments: [String: ArgumentValue], timeout: Duration? = nil
    ) async throws -> TransactionOutcome {
        let run = try schema.run(operation: operation, transactions: [arguments])
        let reply = try await submit([run], timeout: timeout)
        if let rejection = reply.rejections.first { return .rejected(rejection) }
        guard reply.acceptedCount == 1 else {
            throw Status(.internal, "the server neither accepted nor rejected the transaction")
        }
        return .accepted(sequence: reply.firstSequence)
    }

    /// Reads entities, one entry for each key; nil where there is no such entity.
    ///
    /// - Throws: `ArgumentError` for an unknown entity type or an impossible key, besides what
    ///   `get(entity:keys:)` throws.
    public func get(_ entity: String, keys: [String]) async throws -> [EntityState?] {
        let index = try schema.entityIndex(named: entity)
        let column = try schema.column(ofKeys: keys, entity: entity)
        let reply = try await get(entity: index, keys: column)
        return try schema.states(of: schema.entities[index], keys: keys, in: reply)
    }
}
