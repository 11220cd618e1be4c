/// The schema as clients need it: names, types, and the order that indices refer to.
public struct SchemaDescription: Sendable, Equatable {
    public var name: String
    public var fingerprint: String
    public var entities: [Entity]
    public var operations: [Operation]
    /// The schema file itself.
    public var text: String

    public init(
        name: String, fingerprint: String, entities: [Entity], operations: [Operation], text: String
    ) {
        self.name = name
        self.fingerprint = fingerprint
        self.entities = entities
        self.operations = operations
        self.text = text
    }

    public struct Entity: Sendable, Equatable {
        public var name: String
        public var key: ValueKind
        public var fields: [Member]
        public var derived: [Member]
        /// Whether transactions may create, update and delete entities of the type by steps.
        public var isGeneric: Bool
        /// Fields, by index, whose values, taken together, no two entities of the type share.
        public var uniqueKeys: [[Int]]

        public init(
            name: String, key: ValueKind, fields: [Member], derived: [Member],
            isGeneric: Bool = false, uniqueKeys: [[Int]] = []
        ) {
            self.name = name
            self.key = key
            self.fields = fields
            self.derived = derived
            self.isGeneric = isGeneric
            self.uniqueKeys = uniqueKeys
        }
    }

    public struct Operation: Sendable, Equatable {
        public var name: String
        public var parameters: [Member]

        public init(name: String, parameters: [Member]) {
            self.name = name
            self.parameters = parameters
        }
    }

    public struct Member: Sendable, Equatable {
        public var name: String
        public var kind: ValueKind
        /// Whether there may be no value: of an optional field, and of a derived minimum or maximum
        /// over no entities.
        public var isOptional: Bool

        public init(name: String, kind: ValueKind, isOptional: Bool = false) {
            self.name = name
            self.kind = kind
            self.isOptional = isOptional
        }
    }

    public enum ValueKind: Sendable, Equatable {
        case bool, int, uint
        case decimal(scale: Int)
        case string(byteCountMax: Int)
        case bytes(byteCountMax: Int)
        case uuid, timestamp, duration
        case enumeration(values: [String])
        /// The key of an entity of `entities[index]`.
        case reference(entity: Int)
    }
}
