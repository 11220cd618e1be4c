/// Identifiers, members and functions.
extension Checker {
    func identifier(_ name: String, at location: SourceLocation) -> Expression? {
        if let reason = scope.unavailable[name] { return reject(location, reason) }
        guard let binding = scope.bindings.first(where: { $0.name == name }) else {
            let hint = Suggestion.hint(for: name, among: scope.bindings.map(\.name))
            return reject(location, "unknown name \(Suggestion.quoted(name))\(hint)")
        }
        return binding.type.map { Expression(binding.kind, type: $0, location: location) }
    }

    func member(of base: Syntax, _ name: Name) -> Expression? {
        guard let base = check(base), let entity = readableEntity(base, reading: name) else {
            return nil
        }
        let declaration = catalog.entities[entity]
        if name.text == "key" {
            return declaration.keyType.map {
                Expression(.key(of: base), type: $0.valueType, location: name.location)
            }
        }
        switch declaration.member(named: name.text)?.kind {
        case .field(let index, let type, _, _):
            return Expression(.field(of: base, index), type: type, location: name.location)
        case .derived(let index, let type, _):
            return Expression(.derived(of: base, index), type: type, location: name.location)
        case .broken: return nil
        case nil:
            let names = declaration.members.map(\.name) + ["key"]
            return reject(name.location, declaration.unknownField(name.text, among: names))
        }
    }

    /// The type of the entity `base`, if a rule of this scope may read its members.
    private func readableEntity(_ base: Expression, reading name: Name) -> Int? {
        guard case .entity(let entity) = base.type else {
            return reject(
                name.location,
                "'.\(name.text)' needs an entity; this is \(catalog.name(of: base.type))")
        }
        switch base.kind {
        case .selfEntity, .oldSelfEntity, .parameter:
            return entity
        case .field where scope.reach == .references:
            return entity
        case .field(let holder, _):
            return reject(name.location, unreachable(entity, from: holder.type))
        default:
            return reject(
                name.location,
                "a choice between entities has no members; choose between their fields")
        }
    }

    private func unreachable(_ target: Int, from holder: ValueType) -> String {
        let own = catalog.name(of: holder)
        let other = catalog.entities[target].name
        return "a rule of \(own) may read only the \(own) itself, not its \(other); "
            + "state a limit over many \(own) entities on \(other), with a derived value"
    }
}
