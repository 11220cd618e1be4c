/// Why names and values do not fit the schema. Nothing was sent.
public enum ArgumentError: Error, Sendable, Equatable, CustomStringConvertible {
    case unknownOperation(String, known: [String])
    case unknownEntity(String, known: [String])
    case unknownParameter(String, operation: String, known: [String])
    case missingParameter(String, operation: String)
    case emptyTransaction
    /// - Parameter known: the types that steps can create, update and delete.
    case notGeneric(entity: String, known: [String])
    case unknownField(String, entity: String, known: [String])
    case emptyUpdate(entity: String)
    /// A field that one update changes in two ways.
    case fieldChangedTwice(String, entity: String)
    case notAddable(field: String, entity: String)
    /// A field that can't be cleared, as it always has a value.
    case notOptional(field: String, entity: String)
    /// - Parameter name: the parameter's, or "the key of" an entity.
    case invalidValue(name: String, value: String, expected: String)

    public var description: String {
        switch self {
        case .unknownOperation(let name, let known):
            "no operation '\(name)': expected \(Self.list(known))"
        case .unknownEntity(let name, let known):
            "no entity '\(name)': expected \(Self.list(known))"
        case .unknownParameter(let name, let operation, let known):
            "\(operation) has no parameter '\(name)': expected \(Self.list(known))"
        case .missingParameter(let name, let operation):
            "\(operation): the parameter '\(name)' is missing"
        case .emptyTransaction:
            "a transaction without steps: expected at least one"
        case .notGeneric(let entity, let known):
            "\(entity) is changed by operations only: expected a type with 'generic: true', "
                + (known.isEmpty ? "which the schema does not have" : Self.list(known))
        case .unknownField(let name, let entity, let known):
            "\(entity) has no field '\(name)': expected \(Self.list(known))"
        case .emptyUpdate(let entity):
            "an update of \(entity) without changes: expected at least one"
        case .fieldChangedTwice(let field, let entity):
            "\(entity)'s \(field) is changed twice: expected one of set, add and clear"
        case .notAddable(let field, let entity):
            "nothing can be added to \(entity)'s \(field): expected an int, a decimal or a duration"
        case .notOptional(let field, let entity):
            "\(entity)'s \(field) can't be cleared: expected an optional field"
        case .invalidValue(let name, let value, let expected):
            "\(name): '\(value)' is not \(expected)"
        }
    }

    private static func list(_ names: [String]) -> String {
        names.isEmpty ? "none, as the schema has none" : names.joined(separator: ", ")
    }
}
