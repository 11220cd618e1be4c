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
        KeyedMap(node, what, at: node.location, keys: ["id", "rule", "message"], log: log)
            .map { rule($0, what) }
    }

    private func rule(_ map: KeyedMap, _ what: String) -> RuleDeclaration {
        let id = map.required("id").flatMap { self.name($0, "'id'") }
        if let id { check(id, .lowercase, what) }
        return RuleDeclaration(
            id: id,
            rule: map.required("rule").flatMap { ruleText($0, "a rule") },
            message: map["message"].flatMap(message))
    }

    func transactionInvariants(_ node: YAMLNode) -> [TransactionRuleDeclaration] {
        let limit = Limits.Declaration.transactionInvariantCount
        let rules = (items(node, "transaction invariants", limit: limit) ?? [])
            .compactMap(transactionInvariant)
        refuseDuplicates(rules.compactMap(\.rule.id), "id")
        return rules
    }

    private func transactionInvariant(_ node: YAMLNode) -> TransactionRuleDeclaration? {
        let what = "a transaction invariant"
        let map = KeyedMap(
            node, what, at: node.location, keys: ["id", "rule", "message", "only", "except"],
            log: log)
        guard let map else { return nil }
        let scope: TransactionRuleDeclaration.Scope
        switch (map["only"], map["except"]) {
        case (nil, nil): scope = .all
        case (let node?, nil): scope = .only(operationNames(node, "operations of 'only'"))
        case (nil, let node?): scope = .except(operationNames(node, "operations of 'except'"))
        case (_?, let except?):
            log.report(except.location, "\(what) has 'only' or 'except', not both")
            scope = .all
        }
        return TransactionRuleDeclaration(rule: rule(map, what), scope: scope)
    }

    private func operationNames(_ node: YAMLNode, _ what: String) -> [Name] {
        let items = items(node, what, limit: Limits.Declaration.operationCount)
        if items?.isEmpty == true { log.report(node.location, "\(what) are at least one") }
        return (items ?? []).compactMap { name($0, "the name of an operation") }
    }

    private func message(_ node: YAMLNode) -> LocatedText? {
        guard let message = text(node, "'message'") else { return nil }
        let longest = Limits.Declaration.messageByteCount
        if message.text.utf8.count > longest {
            log.report(node.location, "a message has at most \(longest) bytes")
        }
        return source.locate(message, at: node.location)
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
