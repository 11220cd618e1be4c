/// A checked schema: every name is resolved to an index, every expression has a type.
///
/// The order of every array is the order of the schema file, and indices into them are stable for
/// one version of a schema.
package struct Schema: Sendable {
    package var name: String
    package var entities: [EntityType]
    package var operations: [Operation]
    package var transactionInvariants: [TransactionInvariant]

    package init(
        name: String, entities: [EntityType], operations: [Operation],
        transactionInvariants: [TransactionInvariant]
    ) {
        self.name = name
        self.entities = entities
        self.operations = operations
        self.transactionInvariants = transactionInvariants
    }
}

/// A declared type of entity.
package struct EntityType: Sendable {
    package var name: String
    package var keyType: KeyType
    package var fields: [Field]
    package var derived: [DerivedValue]
    package var uniqueKeys: [UniqueKey]
    package var invariants: [Rule]
    /// Whether clients may create, update and delete its entities without a declared operation.
    package var isGeneric: Bool
    package var location: SourceLocation

    package init(
        name: String, keyType: KeyType, fields: [Field], derived: [DerivedValue],
        uniqueKeys: [UniqueKey], invariants: [Rule], isGeneric: Bool,
        location: SourceLocation
    ) {
        self.name = name
        self.keyType = keyType
        self.fields = fields
        self.derived = derived
        self.uniqueKeys = uniqueKeys
        self.invariants = invariants
        self.isGeneric = isGeneric
        self.location = location
    }
}

/// A member of an entity type, by its index among its kind.
package enum Member: Hashable, Sendable {
    case field(Int)
    case derived(Int)
}

/// Fields whose values no two entities of a type have in common. An entity without a value in one of
/// them is compared with none.
package struct UniqueKey: Sendable {
    /// `unique(org, name)`
    package var id: String
    /// By index, each once, in the order of the schema file.
    package var fields: [Int]
    package var location: SourceLocation

    package init(id: String, fields: [Int], location: SourceLocation) {
        self.id = id
        self.fields = fields
        self.location = location
    }
}

package struct Field: Sendable {
    package var name: String
    package var type: ValueType
    /// Whether the field may be without a value.
    package var isOptional: Bool
    /// The value that `create` gives a field it does not name; nil if it has to name it.
    package var defaultValue: Literal?
    /// The most bytes that a `string` or `bytes` field holds; nil for other types.
    package var maximumByteCount: Int?
    package var location: SourceLocation

    package init(
        name: String, type: ValueType, isOptional: Bool = false, defaultValue: Literal?,
        maximumByteCount: Int?, location: SourceLocation
    ) {
        self.name = name
        self.type = type
        self.isOptional = isOptional
        self.defaultValue = defaultValue
        self.maximumByteCount = maximumByteCount
        self.location = location
    }
}

/// A value of all entities of another type that refer to this one.
package struct DerivedValue: Sendable {
    package enum Function: Sendable, Hashable {
        /// The sum of a numeric member of the source. A member without a value counts as 0.
        case sum(Member)
        case count
        /// The least or greatest value of a member of the source, which is a number or a time. There
        /// is none if no entity takes part, or none of those that do has a value.
        case minimum(Member)
        case maximum(Member)

        /// What it is computed from, if from a member.
        package var operand: Member? {
            switch self {
            case .sum(let member), .minimum(let member), .maximum(let member): member
            case .count: nil
            }
        }

        /// Whether it may be without a value.
        package var isOptional: Bool {
            switch self {
            case .minimum, .maximum: true
            case .sum, .count: false
            }
        }
    }

    package var name: String
    package var function: Function
    /// The type whose entities are counted or summed, as an index into `Schema.entities`.
    package var source: Int
    /// The field of the source that refers to the entity that holds this value.
    package var groupBy: Int
    /// Which of the source's entities take part, over `self` of the source type; nil for all.
    package var condition: Expression?
    /// `int` for a count, otherwise the operand's.
    package var type: ValueType
    package var location: SourceLocation

    package init(
        name: String, function: Function, source: Int, groupBy: Int, condition: Expression?,
        type: ValueType, location: SourceLocation
    ) {
        self.name = name
        self.function = function
        self.source = source
        self.groupBy = groupBy
        self.condition = condition
        self.type = type
        self.location = location
    }
}

/// A rule with its name: of an entity type, one that holds for every entity after every transaction; of
/// an operation, one that has to hold before its effects.
package struct Rule: Sendable {
    package var id: String
    package var rule: Expression
    package var message: MessageTemplate?
    package var location: SourceLocation

    package init(
        id: String, rule: Expression, message: MessageTemplate?, location: SourceLocation
    ) {
        self.id = id
        self.rule = rule
        self.message = message
        self.location = location
    }
}

/// What a rejection says to a person.
package struct MessageTemplate: Sendable {
    package enum Part: Sendable {
        case text(String)
        /// A value that the rule could read, as it is for the rejected transaction.
        case value(Expression)
    }

    package var parts: [Part]

    package init(parts: [Part]) {
        self.parts = parts
    }
}

/// A rule about what a whole transaction changes: an expression over `delta`s.
package struct TransactionInvariant: Sendable {
    package enum Scope: Sendable {
        case all
        /// Transactions with a step that is one of these operations.
        case only(Set<Int>)
        /// Transactions with a step that is none of these operations.
        case except(Set<Int>)
    }

    package var id: String
    package var rule: Expression
    package var message: MessageTemplate?
    package var scope: Scope
    package var location: SourceLocation

    package init(
        id: String, rule: Expression, message: MessageTemplate?, scope: Scope,
        location: SourceLocation
    ) {
        self.id = id
        self.rule = rule
        self.message = message
        self.scope = scope
        self.location = location
    }
}

/// A named transaction that clients can call.
package struct Operation: Sendable {
    package var name: String
    package var parameters: [Parameter]
    /// Judged in order before the effects, on the state that the transaction finds.
    package var requirements: [Rule]
    /// Applied in order, each seeing the ones before.
    package var effects: [Effect]
    package var location: SourceLocation

    package init(
        name: String, parameters: [Parameter], requirements: [Rule], effects: [Effect],
        location: SourceLocation
    ) {
        self.name = name
        self.parameters = parameters
        self.requirements = requirements
        self.effects = effects
        self.location = location
    }
}

package struct Parameter: Sendable {
    package var name: String
    /// Never a list, a double or null. `entity` means that the argument is the key of an entity that has to exist.
    package var type: ValueType
    /// The most bytes that a `string` or `bytes` argument holds; nil for other types.
    package var maximumByteCount: Int?
    package var location: SourceLocation

    package init(name: String, type: ValueType, maximumByteCount: Int?, location: SourceLocation) {
        self.name = name
        self.type = type
        self.maximumByteCount = maximumByteCount
        self.location = location
    }
}

/// One step of an operation.
package struct Effect: Sendable {
    package enum Kind: Sendable {
        /// `entity.field = value`; `+=` and `-=` arrive here as `entity.field = entity.field ± value`.
        /// `value` has exactly the field's type, or is null for an optional field.
        case assign(entity: Expression, field: Int, value: Expression)
        /// `values` holds one expression for each field of the type, in field order, defaults
        /// filled in; each has exactly its field's type, or is null for an optional field. `key` has
        /// the type of the entity's key.
        case create(entity: Int, key: Expression, values: [Expression])
        case delete(entity: Expression)
        /// Fails unless the entity's version, the sequence of its last change, is the one given.
        case expectVersion(entity: Expression, version: Expression)
    }

    package var kind: Kind
    package var location: SourceLocation

    package init(kind: Kind, location: SourceLocation) {
        self.kind = kind
        self.location = location
    }
}
