extension Schema {
    /// The rules that no values of their types make true, and those that all make true, and types that
    /// can have no entities: most likely they don't say what was meant. In the order of the file, each at the smallest part that is enough
    /// to see it.
    ///
    /// A rule is warned of only if it is certain. One that is false or fails with an error, whatever the
    /// values, is never true; one that is true or fails is not always true, as its error rejects. Each
    /// rule is looked at on its own: that other rules leave no values for it is nothing to warn of.
    package var warnings: [Diagnostic] {
        let warnings =
            entities.flatMap(warnings) + operations.flatMap(warnings)
            + transactionInvariants.compactMap(warning) + creationWarnings
        return warnings.sorted { first, second in
            (first.location.line, first.location.column)
                < (second.location.line, second.location.column)
        }
    }

    private func warnings(of entity: EntityType) -> [Diagnostic] {
        let conditions = entity.derived.compactMap { derived -> Diagnostic? in
            guard let condition = derived.condition else { return nil }
            let source = entities[derived.source].name
            return warning(
                about: condition, "the 'where' of '\(derived.name)'",
                ifNeverTrue: "no \(source) takes part", ifAlwaysTrue: "every \(source) takes part")
        }
        let invariants = entity.invariants.compactMap { invariant in
            warning(
                about: invariant.rule, "'\(invariant.id)'",
                ifNeverTrue: "no \(entity.name) that it is judged for satisfies it",
                ifAlwaysTrue: "it rejects nothing")
        }
        return conditions + invariants
    }

    private func warning(about invariant: TransactionInvariant) -> Diagnostic? {
        warning(
            about: invariant.rule, "'\(invariant.id)'",
            ifNeverTrue: "every transaction that it is judged for is rejected",
            ifAlwaysTrue: "it rejects nothing")
    }

    private func warnings(of operation: Operation) -> [Diagnostic] {
        operation.requirements.compactMap { requirement in
            warning(
                about: requirement.rule, parameters: operation.parameters, "'\(requirement.id)'",
                ifNeverTrue: "every '\(operation.name)' is rejected",
                ifAlwaysTrue: "it rejects nothing")
        }
    }

    private func warning(
        about rule: Expression, parameters: [Parameter] = [], _ name: String,
        ifNeverTrue: String, ifAlwaysTrue: String
    ) -> Diagnostic? {
        var analyzer = RuleAnalyzer(schema: self, parameters: parameters)
        guard let (finding, cause) = analyzer.finding(about: rule) else { return nil }
        switch finding {
        case .neverTrue:
            return Diagnostic(cause.location, "\(name) can never be true: \(ifNeverTrue)")
        case .alwaysTrue:
            return Diagnostic(cause.location, "\(name) is always true: \(ifAlwaysTrue)")
        }
    }
}
