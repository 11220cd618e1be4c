/// A node of a YAML file, with its place. The only form in which the rest of the reader sees YAML.
struct YAMLNode: Sendable {
    enum Content: Sendable {
        case scalar(YAMLScalar)
        case list([YAMLNode])
        case map([YAMLEntry])
    }

    var content: Content
    var location: SourceLocation

    /// How a message names what was found.
    var description: String {
        switch content {
        case .scalar(let scalar) where scalar.isNull: "nothing"
        case .scalar(let scalar): Suggestion.quoted(scalar.text)
        case .list: "a list"
        case .map: "a map"
        }
    }
}

struct YAMLEntry: Sendable {
    var key: Name
    var value: YAMLNode
}

struct YAMLScalar: Sendable {
    enum Style: Sendable {
        case plain, singleQuoted, doubleQuoted
        /// After `|` or `>`.
        case block
    }

    var text: String
    var style: Style

    var isNull: Bool {
        style == .plain && ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// Whether the scalar is a string as YAML sees it; plain text may be a number, a bool or null.
    var isString: Bool {
        guard style == .plain else { return true }
        return !isNull && Double(text) == nil && !["true", "false"].contains(text.lowercased())
    }
}
