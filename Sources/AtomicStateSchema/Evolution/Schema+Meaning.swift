extension Schema {
    /// Everything that the schema says, and nothing about where it says it: two files that differ in
    /// comments or in the form of their YAML alone have the same meaning.
    package var meaning: String {
        var text = ""
        Self.append(self, to: &text)
        return text
    }

    /// By reflection, so that no member of the model can be forgotten.
    private static func append(_ value: Any, to text: inout String) {
        if value is SourceLocation { return }
        let children = Mirror(reflecting: value).children
        guard !children.isEmpty else {
            text += String(reflecting: value)
            return
        }
        text += "("
        for child in children {
            if let label = child.label { text += "\(label):" }
            append(child.value, to: &text)
            text += ","
        }
        text += ")"
    }
}
