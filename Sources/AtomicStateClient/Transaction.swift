public import AtomicStateValues

/// One unit of work: steps that are carried out in order, each seeing the ones before, and that are
/// accepted or rejected together.
///
///     try await client.submit(
///         Transaction(
///             .call("add_seats", ["team": "core", "count": 2]),
///             .update("Team", "core", set: ["plan": "paid"], expectedVersion: 7)))
///
/// Entities and fields are given by name, values as text, numbers or truth values. All steps but calls
/// need a type with `generic: true` in the schema.
public struct Transaction: Sendable, Hashable {
    public var steps: [Step]
    /// By which the server knows the transaction when it comes again, from whomever and in whatever
    /// batch, and answers with its first outcome. A client repeats its own submits without one; it is
    /// for a process that goes on after this one. See `AtomicStateClient.makeKey`.
    public var key: IdempotencyKey?

    public init(_ steps: Step..., key: IdempotencyKey? = nil) {
        self.init(steps: steps, key: key)
    }

    public init(steps: [Step], key: IdempotencyKey? = nil) {
        self.steps = steps
        self.key = key
    }

    public enum Step: Sendable, Hashable {
        /// Calls an operation, with its arguments by parameter name.
        case call(String, [String: ArgumentValue] = [:])
        /// Creates an entity of a type with a key and values by field name. Other fields take their
        /// default, or no value.
        case create(String, ArgumentValue, [String: ArgumentValue] = [:])
        /// Changes fields of the entity with a key: sets them, adds to them, or leaves them without a
        /// value. With an expected version (`EntityState.version`), the transaction is rejected if the
        /// entity has another one.
        case update(
            String, ArgumentValue, set: [String: ArgumentValue] = [:],
            add: [String: ArgumentValue] = [:], clear: [String] = [],
            expectedVersion: UInt64? = nil)
        /// Deletes the entity with a key; the expected version as with `update`.
        case delete(String, ArgumentValue, expectedVersion: UInt64? = nil)
    }
}
