/// A checked schema: every name is resolved to an index, every expression has a type.
///
/// The order of every array is the order of the schema file, and indices into them are stable for
/// one version of a schema.
package struct Schema: Sendable {
    package var name: String
    package var entities: [EntityType]
    package var operations: [Operation]

    package init(name: String, entities: [EntityType], operations: [Operation]) {
        self.name = name
        self.entities = entities
        self.operations = operations
    }
}

/// A declared type of entity.
package struct EntityType: Sendable {
    package var name: String
    package var keyType: KeyType
    package var fields: [Field]
    package var derived: [DerivedValue]
    package var invariants: [Invariant]
    package var location: SourceLocation

    package init(
        name: String, keyType: KeyType, fields: [Field], derived: [DerivedValue],
        invariants: [Invariant], location: SourceLocation
    ) {
        self.name = name
        self.keyType = keyType
        self.fields = fields
        self.derived = derived
        self.invariants = invariants
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

/// A total over the entities of another type that refer to this one.
package struct DerivedValue: Sendable {
    package enum Function: Sendable, Hashable {
        /// The sum of a numeric field of the source, by index.
        case sum(field: Int)
        case count
    }

    package var name: String
    package var function: Function
    /// The type whose entities are counted or summed, as an index into `Schema.entities`.
    package var source: Int
    /// The field of the source that refers to the entity that holds this value.
    package var groupBy: Int
    /// Which of the source's entities take part, over `self` of the source type; nil for all.
    package var condition: Expression?
    /// `int`, or the `decimal` of the summed field.
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

/// A rule that holds for every entity of its type after every transaction.
package struct Invariant: Sendable {
    package var id: String
    package var rule: Expression
    package var message: String?
    package var location: SourceLocation

    package init(id: String, rule: Expression, message: String?, location: SourceLocation) {
        self.id = id
        self.rule = rule
        self.message = message
        self.location = location
    }
}

/// A named transaction that clients can call.
package struct Operation: Sendable {
    package var name: String
    package var parameters: [Parameter]
    /// Judged in order before the effects, on the state that the transaction finds.
    package var requirements: [Requirement]
    /// Applied in order, each seeing the ones before.
    package var effects: [Effect]
    package var location: SourceLocation

    package init(
        name: String, parameters: [Parameter], requirements: [Requirement], effects: [Effect],
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

package struct Requirement: Sendable {
    package var id: String
    package var rule: Expression
    package var message: String?
    package var location: SourceLocation

    package init(id: String, rule: Expression, message: String?, location: SourceLocation) {
        self.id = id
        self.rule = rule
        self.message = message
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
    }

    package var kind: Kind
    package var location: SourceLocation

    package init(kind: Kind, location: SourceLocation) {
        self.kind = kind
        self.location = location
    }
}
