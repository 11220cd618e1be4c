/// The shapes that declarations are made of: names, texts, lists and maps from names.
extension DeclarationReader {
    enum NameStyle {
        case lowercase, capitalized

        var pattern: String {
            switch self {
            case .lowercase: "[a-z_][a-z0-9_]*"
            case .capitalized: "[A-Z][A-Za-z0-9]*"
            }
        }

        func matches(_ name: String) -> Bool {
            guard let head = name.unicodeScalars.first else { return false }
            let tail = name.unicodeScalars.dropFirst()
            return switch self {
            case .lowercase:
                (head == "_" || ("a"..."z").contains(head))
                    && tail.allSatisfy { $0 == "_" || ("a"..."z").contains($0) || $0.isDigit }
            case .capitalized:
                ("A"..."Z").contains(head)
                    && tail.allSatisfy { $0 != "_" && ($0.isIdentifierHead || $0.isDigit) }
            }
        }
    }

    /// Reports a name that can't be declared. The declaration stands anyway, so that what refers to
    /// it is not reported too.
    func check(_ name: Name, _ style: NameStyle, _ what: String) {
        let longest = Limits.Declaration.identifierByteCount
        if name.text.utf8.count > longest {
            log.report(
                name.location, "\(Suggestion.quoted(name.text)) is longer than \(longest) bytes")
        } else if !style.matches(name.text) {
            log.report(
                name.location, "'\(name.text)' can't name \(what); a name matches \(style.pattern)")
        } else if ReservedNames.contains(name.text) {
            log.report(name.location, "'\(name.text)' is reserved and can't name \(what)")
        }
    }

    /// Reports every name after the first of its kind.
    func refuseDuplicates(_ names: [Name], _ what: String) {
        var seen: Set<String> = []
        for name in names where !seen.insert(name.text).inserted {
            log.report(name.location, "the \(what) '\(name.text)' is declared twice")
        }
    }

    func text(_ node: YAMLNode, _ what: String) -> YAMLScalar? {
        if case .scalar(let scalar) = node.content, !scalar.isNull { return scalar }
        log.report(node.location, "\(what) is a text; found \(node.description)")
        return nil
    }

    func name(_ node: YAMLNode, _ what: String) -> Name? {
        text(node, what).map { Name(text: $0.text, location: node.location) }
    }

    /// An integer within `range`, written plainly.
    func integer(_ node: YAMLNode, _ what: String, in range: ClosedRange<Int>) -> Int? {
        if case .scalar(let scalar) = node.content, scalar.style == .plain,
            let value = Int(scalar.text), range.contains(value)
        {
            return value
        }
        log.report(
            node.location,
            "\(what) is \(range.lowerBound) to \(range.upperBound); found \(node.description)")
        return nil
    }

    /// The entries of a map from names. What is beyond the limit is reported, and not looked at.
    func entries(_ node: YAMLNode, _ what: String, limit: Int) -> [YAMLEntry]? {
        guard case .map(let entries) = node.content else {
            log.report(node.location, "\(what) are a map from names; found \(node.description)")
            return nil
        }
        if entries.count > limit {
            log.report(entries[limit].key.location, "too many \(what); the limit is \(limit)")
        }
        return Array(entries.prefix(limit))
    }

    /// The items of a list. What is beyond the limit is reported, and not looked at.
    func items(_ node: YAMLNode, _ what: String, limit: Int) -> [YAMLNode]? {
        guard case .list(let items) = node.content else {
            log.report(node.location, "\(what) are a list; found \(node.description)")
            return nil
        }
        if items.count > limit {
            log.report(items[limit].location, "too many \(what); the limit is \(limit)")
        }
        return Array(items.prefix(limit))
    }
}
