/// Why names and values do not fit the schema. Nothing was sent.
public enum ArgumentError: Error, Sendable, Equatable, CustomStringConvertible {
    case unknownOperation(String, known: [String])
    case unknownEntity(String, known: [String])
    case unknownParameter(String, operation: String, known: [String])
    case missingParameter(String, operation: String)
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
        case .invalidValue(let name, let value, let expected):
            "\(name): '\(value)' is not \(expected)"
        }
    }

    private static func list(_ names: [String]) -> String {
        names.isEmpty ? "none, as the schema has none" : names.joined(separator: ", ")
    }
}
