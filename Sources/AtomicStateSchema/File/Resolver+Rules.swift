/// Rules and effects: parsed, and checked against the declarations.
extension Resolver {
    func condition(of declaration: DerivedDeclaration, _ derived: DerivedValue?) -> Expression? {
        guard let text = declaration.condition, let derived else { return nil }
        return checkedRule(text, in: .condition(onEntity: derived.source))
    }

    func invariants(ofEntity index: Int) -> [Invariant] {
        declaration.entities[index].invariants.compactMap { invariant in
            let rule = invariant.rule.flatMap { checkedRule($0, in: .invariant(ofEntity: index)) }
            guard let id = invariant.id, let rule else { return nil }
            return Invariant(
                id: id.text, rule: rule, message: invariant.message, location: id.location)
        }
    }

    func operation(_ declaration: OperationDeclaration) -> Operation {
        let parameters = declaration.parameters.map { ($0, type(of: $0)) }
        let scope = Scope.operation(parameters: parameters.map { ($0.name.text, $1) })
        var checker = Checker(catalog: catalog, log: log, scope: scope)
        return Operation(
            name: declaration.name.text,
            parameters: parameters.compactMap { parameter, type in
                type.map {
                    Parameter(
                        name: parameter.name.text, type: $0,
                        maximumByteCount: parameter.maximumByteCount,
                        location: parameter.name.location)
                }
            },
            requirements: declaration.requirements.compactMap { requirement(of: $0, in: scope) },
            effects: declaration.effects.compactMap { text in
                log.reporting { () throws(Diagnostic) in try SyntaxParser.effect(text) }
                    .flatMap { checker.effect($0) }
            },
            location: declaration.name.location)
    }

    private func requirement(of declaration: RuleDeclaration, in scope: Scope) -> Requirement? {
        let rule = declaration.rule.flatMap { checkedRule($0, in: scope) }
        guard let id = declaration.id, let rule else { return nil }
        return Requirement(
            id: id.text, rule: rule, message: declaration.message, location: id.location)
    }

    private func checkedRule(_ text: LocatedText, in scope: Scope) -> Expression? {
        log.reporting { () throws(Diagnostic) in try SyntaxParser.expression(text) }
            .flatMap { Checker(catalog: catalog, log: log, scope: scope).rule($0) }
    }
}
