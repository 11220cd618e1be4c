/// A schema file as it was read: well formed, but no name is resolved and no rule is parsed.
///
/// A nil stands for something that was reported already.
struct SchemaDeclaration {
    var name: String
    var entities: [EntityDeclaration]
    var operations: [OperationDeclaration]
    var transactionInvariants: [TransactionRuleDeclaration]
}

struct EntityDeclaration {
    var name: Name
    var keyType: KeyType?
    var fields: [ValueDeclaration] = []
    var derived: [DerivedDeclaration] = []
    var uniqueKeys: [[Name]] = []
    var invariants: [RuleDeclaration] = []
    var isGeneric = false
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
        case count(type: Name)
        case fold(Fold, type: Name, member: Name)

        var type: Name {
            switch self {
            case .count(let type), .fold(_, let type, _): type
            }
        }
    }

    /// The functions over a member, as the schema file calls them.
    enum Fold: String, CaseIterable {
        case sum, min, max
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
    var message: LocatedText?
}

struct TransactionRuleDeclaration {
    enum Scope {
        case all
        case only([Name])
        case except([Name])
    }

    var rule: RuleDeclaration
    var scope: Scope
}

struct OperationDeclaration {
    var name: Name
    var parameters: [ValueDeclaration]
    var requirements: [RuleDeclaration]
    var effects: [LocatedText]
}
