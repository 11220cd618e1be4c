/// Rules and effects: parsed, and checked against the declarations.
extension Resolver {
    func condition(of declaration: DerivedDeclaration, _ derived: DerivedValue?) -> Expression? {
        guard let text = declaration.condition, let derived else { return nil }
        return checkedRule(text, in: .condition(onEntity: derived.source))
    }

    func invariants(ofEntity index: Int) -> [Rule] {
        declaration.entities[index].invariants.compactMap {
            rule(of: $0, in: .invariant(ofEntity: index))
        }
    }

    func transactionInvariant(_ declaration: TransactionRuleDeclaration) -> TransactionInvariant? {
        let scope: TransactionInvariant.Scope =
            switch declaration.scope {
            case .all: .all
            case .only(let names): .only(operations(named: names))
            case .except(let names): .except(operations(named: names))
            }
        return rule(of: declaration.rule, in: .transaction).map {
            TransactionInvariant(
                id: $0.id, rule: $0.rule, message: $0.message, scope: scope, location: $0.location)
        }
    }

    private func operations(named names: [Name]) -> Set<Int> {
        let declared = declaration.operations.map(\.name.text)
        return Set(
            names.compactMap { name in
                if let index = declared.firstIndex(of: name.text) { return index }
                let hint = Suggestion.hint(for: name.text, among: declared)
                log.report(
                    name.location, "unknown operation \(Suggestion.quoted(name.text))\(hint)")
                return nil
            })
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
            requirements: declaration.requirements.compactMap { rule(of: $0, in: scope) },
            effects: declaration.effects.compactMap { text in
                log.reporting { () throws(Diagnostic) in try SyntaxParser.effect(text) }
                    .flatMap { checker.effect($0) }
            },
            location: declaration.name.location)
    }

    private func rule(of declaration: RuleDeclaration, in scope: Scope) -> Rule? {
        let rule = declaration.rule.flatMap { checkedRule($0, in: scope) }
        let message = declaration.message.flatMap { messageTemplate($0, in: scope) }
        guard let id = declaration.id, let rule else { return nil }
        return Rule(id: id.text, rule: rule, message: message, location: id.location)
    }

    private func checkedRule(_ text: LocatedText, in scope: Scope) -> Expression? {
        log.reporting { () throws(Diagnostic) in try SyntaxParser.expression(text) }
            .flatMap { Checker(catalog: catalog, log: log, scope: scope).rule($0) }
    }
}
