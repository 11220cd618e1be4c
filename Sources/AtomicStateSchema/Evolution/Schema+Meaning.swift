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
        let mirror = Mirror(reflecting: value)
        if mirror.displayStyle == .set {
            // Its order is another one for each set.
            let elements = mirror.children.map { child in
                var text = ""
                append(child.value, to: &text)
                return text
            }
            text += "{\(elements.sorted().joined(separator: ","))}"
            return
        }
        let children = mirror.children
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
