/// Names that a schema can't declare, because the rule language gives or may give them a meaning.
enum ReservedNames {
    /// Words that can't be an identifier in CEL
    /// (https://github.com/google/cel-spec, "Syntax", RESERVED).
    static let language: Set<String> = [
        "as", "break", "const", "continue", "else", "false", "for", "function", "if", "import",
        "in", "let", "loop", "namespace", "null", "package", "return", "true", "var", "void",
        "while",
    ]

    /// Words that the rules of a schema bind, or will.
    static let schema: Set<String> = ["self", "oldSelf", "key", "now"]

    static func contains(_ name: String) -> Bool {
        language.contains(name) || schema.contains(name)
    }
}
