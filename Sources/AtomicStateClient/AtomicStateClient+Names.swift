internal import AtomicStateProtocol
public import AtomicStateValues

/// Requests by name, for callers that do not build columns themselves.
extension AtomicStateClient {
    /// Submits one call of an operation, and returns when it is durable or rejected:
    ///
    ///     try await client.submit("transfer", ["from": 1, "to": 2, "amount": "12.50"])
    ///
    /// - Parameter key: see `Transaction.key`.
    /// - Throws: `ArgumentError` for names or values that do not fit the schema, besides what
    ///   `submit(_:atomically:timeout:deadline:)` throws.
    @discardableResult
    public func submit(
        _ operation: String, _ arguments: [String: ArgumentValue], key: IdempotencyKey? = nil,
        timeout: Duration? = nil, deadline: Duration? = nil
    ) async throws -> TransactionOutcome {
        try await submit(
            Transaction(.call(operation, arguments), key: key), timeout: timeout,
            deadline: deadline)
    }

    /// Submits one transaction, and returns when it is durable or rejected.
    ///
    /// - Throws: as `submit(_:_:key:timeout:deadline:)`.
    @discardableResult
    public func submit(
        _ transaction: Transaction, timeout: Duration? = nil, deadline: Duration? = nil
    ) async throws -> TransactionOutcome {
        try await submit([transaction], timeout: timeout, deadline: deadline)[0]
    }

    /// Submits a batch: transactions that are judged each on its own, in order. Returns one outcome
    /// for each.
    ///
    /// - Throws: as `submit(_:_:key:timeout:deadline:)`.
    @discardableResult
    public func submit(
        _ transactions: [Transaction], timeout: Duration? = nil, deadline: Duration? = nil
    ) async throws -> [TransactionOutcome] {
        let reply = try await submit(
            try schema.runs(of: transactions), timeout: timeout, deadline: deadline)
        return try reply.outcomes(transactionCount: transactions.count)
    }

    /// Submits a batch that is all or nothing: transactions that are judged each on its own, in order,
    /// of which none is applied if one is rejected.
    ///
    /// - Throws: as `submit(_:_:key:timeout:deadline:)`, and the status `alreadyExists` for transactions
    ///   that were accepted before, but not together, as their idempotency keys tell: nothing was done.
    @discardableResult
    public func submitAtomically(
        _ transactions: [Transaction], timeout: Duration? = nil, deadline: Duration? = nil
    ) async throws -> AtomicBatchOutcome {
        let reply = try await submit(
            try schema.runs(of: transactions), atomically: true, timeout: timeout,
            deadline: deadline)
        return try reply.atomicOutcome(transactionCount: transactions.count)
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
