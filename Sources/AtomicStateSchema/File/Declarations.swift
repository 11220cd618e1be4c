/// A schema file as it was read: well formed, but no name is resolved and no rule is parsed.
///
/// A nil stands for something that was reported already.
struct SchemaDeclaration {
    var name: String
    var entities: [EntityDeclaration]
    var operations: [OperationDeclaration]
}

struct EntityDeclaration {
    var name: Name
    var keyType: KeyType?
    var fields: [ValueDeclaration]
    var derived: [DerivedDeclaration]
    var invariants: [RuleDeclaration]
}

/// A field or a parameter.
struct ValueDeclaration {
    enum ValueKind {
        case value(ValueType)
        case reference(Name)
    }

    var name: Name
    var isOptional = false
    var kind: ValueKind?
    var maximumByteCount: Int?
    var defaultValue: Literal?
}

struct DerivedDeclaration {
    enum Function {
        case sum(type: Name, field: Name)
        case count(type: Name)

        var type: Name {
            switch self {
            case .sum(let type, _), .count(let type): type
            }
        }
    }

    var name: Name
    var function: Function?
    var groupBy: Name?
    var condition: LocatedText?
}

/// An invariant or a requirement.
struct RuleDeclaration {
    var id: Name?
    var rule: LocatedText?
    var message: String?
}

struct OperationDeclaration {
    var name: Name
    var parameters: [ValueDeclaration]
    var requirements: [RuleDeclaration]
    var effects: [LocatedText]
}
