/// The names that a rule can use, and what it may read through them.
struct Scope: Sendable {
    struct Binding: Sendable {
        var name: String
        var kind: Expression.Kind
        /// Nil if the declaration is broken.
        var type: ValueType?
    }

    /// What a rule may read of an entity.
    enum Reach: Sendable {
        /// An invariant or a `where`: `self`, with derived values. What it reads decides which
        /// transactions it is judged after, so it can't read entities that change without `self`
        /// changing.
        case ownEntity
        /// An operation: everything, through references too.
        case references
        /// A transaction invariant: no entity, but what a transaction changes of all of them.
        case changes
    }

    var bindings: [Binding]
    var reach: Reach
    /// Names that could be expected here, and why they can't be used.
    var unavailable: [String: String]

    /// The rule of an invariant.
    static func invariant(ofEntity index: Int) -> Scope {
        Scope(
            bindings: [
                Binding(name: "self", kind: .selfEntity, type: .entity(index)),
                Binding(name: "oldSelf", kind: .oldSelfEntity, type: .entity(index)),
            ],
            reach: .ownEntity,
            unavailable: ["now": "an invariant holds at any time; 'now' is for operations"])
    }

    /// The `where` of a derived value, over the source's entities.
    static func condition(onEntity index: Int) -> Scope {
        Scope(
            bindings: [Binding(name: "self", kind: .selfEntity, type: .entity(index))],
            reach: .ownEntity,
            unavailable: [
                "oldSelf": "a 'where' rule reads one state; 'oldSelf' is for invariants",
                "now": "a 'where' rule holds at any time; 'now' is for operations",
            ])
    }

    /// The requirements and effects of an operation. A parameter without a type is broken.
    static func operation(parameters: [(name: String, type: ValueType?)]) -> Scope {
        Scope(
            bindings: parameters.enumerated().map { index, parameter in
                Binding(name: parameter.name, kind: .parameter(index), type: parameter.type)
            } + [Binding(name: "now", kind: .now, type: .timestamp)],
            reach: .references,
            unavailable: [
                "self": "an operation reads its parameters; 'self' is for invariants",
                "oldSelf": "an operation reads its parameters; 'oldSelf' is for invariants",
            ])
    }

    /// The rule of a transaction invariant.
    static let transaction: Scope = {
        let reason = "a rule about a transaction reads changes, as in delta(Team.seats)"
        return Scope(
            bindings: [], reach: .changes,
            unavailable: ["self": reason, "oldSelf": reason, "now": reason])
    }()

    /// The effects after `delete name`.
    mutating func markDeleted(_ name: String) {
        bindings.removeAll { $0.name == name }
        unavailable[name] = "'\(name)' is used after an effect that deletes it"
    }
}
