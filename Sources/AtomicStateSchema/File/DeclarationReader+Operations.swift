/// Operations, and the rules that they share their form with.
extension DeclarationReader {
    func operations(_ node: YAMLNode) -> [OperationDeclaration] {
        (entries(node, "operations", limit: Limits.Declaration.operationCount) ?? []).map(operation)
    }

    private func operation(_ entry: YAMLEntry) -> OperationDeclaration {
        check(entry.key, .lowercase, "an operation")
        var operation = OperationDeclaration(
            name: entry.key, parameters: [], requirements: [], effects: [])
        let map = KeyedMap(
            entry.value, "an operation", at: entry.key.location,
            keys: ["parameters", "require", "effects"], log: log)
        guard let map else { return operation }
        if let node = map["parameters"] {
            let limit = Limits.Declaration.parameterCountPerOperation
            operation.parameters = (entries(node, "parameters", limit: limit) ?? []).map {
                value($0, .parameter)
            }
        }
        if let node = map["require"] {
            operation.requirements = rules(
                node, "a requirement", limit: Limits.Declaration.requirementCountPerOperation)
        }
        if let node = map.required("effects") {
            operation.effects = effects(node)
        }
        return operation
    }

    private func effects(_ node: YAMLNode) -> [LocatedText] {
        let items = items(node, "effects", limit: Limits.Declaration.effectCountPerOperation)
        if items?.isEmpty == true { log.report(node.location, "an operation needs an effect") }
        return (items ?? []).compactMap { ruleText($0, "an effect") }
    }

    /// A list of `{ id, rule, message }`.
    func rules(_ node: YAMLNode, _ what: String, limit: Int) -> [RuleDeclaration] {
        let rules = (items(node, "rules", limit: limit) ?? []).compactMap { rule($0, what) }
        refuseDuplicates(rules.compactMap(\.id), "id")
        return rules
    }

    private func rule(_ node: YAMLNode, _ what: String) -> RuleDeclaration? {
        let map = KeyedMap(
            node, what, at: node.location, keys: ["id", "rule", "message"], log: log)
        guard let map else { return nil }
        let id = map.required("id").flatMap { self.name($0, "'id'") }
        if let id { check(id, .lowercase, what) }
        return RuleDeclaration(
            id: id,
            rule: map.required("rule").flatMap { ruleText($0, "a rule") },
            message: map["message"].flatMap(message))
    }

    private func message(_ node: YAMLNode) -> String? {
        guard let message = text(node, "'message'")?.text else { return nil }
        let longest = Limits.Declaration.messageByteCount
        if message.utf8.count > longest {
            log.report(node.location, "a message has at most \(longest) bytes")
        }
        return message
    }

    /// The text of a rule or an effect.
    func ruleText(_ node: YAMLNode, _ what: String) -> LocatedText? {
        switch node.content {
        case .scalar(let scalar) where scalar.text.utf8.count > Limits.Rule.byteCount:
            log.report(node.location, "\(what) has at most \(Limits.Rule.byteCount) bytes")
            return nil
        case .scalar(let scalar):
            return source.locate(scalar, at: node.location)
        case .list, .map:
            log.report(
                node.location,
                "\(what) is one text; found \(node.description). Put it in quotes, or after '|'")
            return nil
        }
    }
}
