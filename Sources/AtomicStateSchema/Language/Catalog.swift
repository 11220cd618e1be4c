/// The declared types of entities, as far as rules can see them.
///
/// A declaration with a mistake stays in the catalog without a type, so that the rules that name it
/// don't report the same mistake again.
struct Catalog: Sendable {
    struct Entity: Sendable {
        var name: String
        /// Nil if the declaration of the key is broken.
        var keyType: KeyType?
        var members: [Member] = []

        func member(named name: String) -> Member? {
            members.first { $0.name == name }
        }

        var fieldNames: [String] {
            members.compactMap { member in
                switch member.kind {
                case .field, .broken: member.name
                case .derived: nil
                }
            }
        }

        /// The message for a name that is none of `names`.
        func unknownField(_ field: String, among names: [String]) -> String {
            let hint = Suggestion.hint(for: field, among: names)
            return "unknown field \(Suggestion.quoted(field)) of \(name)\(hint)"
        }
    }

    struct Member: Sendable {
        enum Kind: Sendable {
            /// Without a default, `create` has to name the field unless it is optional.
            case field(Int, ValueType, isOptional: Bool, default: Literal?)
            case derived(Int, ValueType, isOptional: Bool)
            case broken
        }

        var name: String
        var kind: Kind
    }

    var entities: [Entity]

    func index(ofEntity name: String) -> Int? {
        entities.firstIndex { $0.name == name }
    }

    /// How a message names a type.
    func name(of type: ValueType) -> String {
        switch type {
        case .bool: "bool"
        case .int: "int"
        case .uint: "uint"
        case .decimal(let scale): "decimal(\(scale))"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .uuid: "uuid"
        case .timestamp: "timestamp"
        case .duration: "duration"
        case .null: "null"
        case .enumeration: "enum"
        case .entity(let index): entities[index].name
        case .list(let element?): "list of \(name(of: element))"
        case .list(nil): "empty list"
        }
    }
}
