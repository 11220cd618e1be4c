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
        case .field(let index, let type, _):
            return Expression(.field(of: base, index), type: type, location: name.location)
        case .derived(let index, let type):
            if scope.reach == .ownFields {
                return reject(
                    name.location,
                    "a 'where' rule reads fields; '\(name.text)' is a derived value")
            }
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
                name.location, "a choice between entities has no members; choose between their fields")
        }
    }

    private func unreachable(_ target: Int, from holder: ValueType) -> String {
        let own = catalog.name(of: holder)
        let other = catalog.entities[target].name
        return "a rule of \(own) may read only the \(own) itself, not its \(other); "
            + "state a limit over many \(own) entities on \(other), with a derived value"
    }
}

// MARK: Functions

extension Checker {
    /// The functions of CEL that a rule can call, and how.
    private static let functions = ["size", "startsWith", "endsWith", "contains", "int", "uint"]

    /// Functions and macros that CEL has, or that the design foresees.
    private static let unsupportedFunctions: Set<String> = [
        "all", "bool", "bytes", "delta", "double", "duration", "dyn", "exists", "exists_one",
        "filter", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getFullYear",
        "getHours", "getMilliseconds", "getMinutes", "getMonth", "getSeconds", "has", "map",
        "matches", "max", "min", "now", "string", "timestamp", "type", "uuid",
    ]

    func call(_ name: Name, _ receiver: Syntax?, _ arguments: [Syntax]) -> Expression? {
        switch (name.text, receiver, arguments.count) {
        case ("size", nil, 1): return function(.size, [arguments[0]], name)
        case ("size", let text?, 0): return function(.size, [text], name)
        case ("startsWith", let text?, 1): return function(.startsWith, [text, arguments[0]], name)
        case ("endsWith", let text?, 1): return function(.endsWith, [text, arguments[0]], name)
        case ("contains", let text?, 1): return function(.contains, [text, arguments[0]], name)
        case ("int", nil, 1): return conversion(to: .int, arguments[0], name)
        case ("uint", nil, 1): return conversion(to: .uint, arguments[0], name)
        case ("size", _, _): return reject(name.location, "'size' is called as size(text)")
        case ("int", _, _), ("uint", _, _):
            return reject(name.location, "'\(name.text)' is called as \(name.text)(number)")
        case ("startsWith", _, _), ("endsWith", _, _), ("contains", _, _):
            return reject(name.location, "'\(name.text)' is called as text.\(name.text)(part)")
        case _ where Self.unsupportedFunctions.contains(name.text):
            let expectation = Suggestion.expectation(of: Self.functions)
            return reject(
                name.location, "'\(name.text)' is not supported by this version\(expectation)")
        default:
            let hint = Suggestion.hint(for: name.text, among: Self.functions)
            return reject(name.location, "unknown function \(Suggestion.quoted(name.text))\(hint)")
        }
    }

    private func function(_ function: Expression.Function, _ arguments: [Syntax], _ name: Name)
        -> Expression?
    {
        let texts = arguments
            .map { check($0).flatMap { expect(.string, $0, "'\(name.text)'") } }
            .compactMap(\.self)
        guard texts.count == arguments.count else { return nil }
        let type: ValueType = switch function {
        case .size: .int
        case .startsWith, .endsWith, .contains: .bool
        }
        return Expression(.call(function, texts), type: type, location: name.location)
    }

    private func conversion(to type: ValueType, _ argument: Syntax, _ name: Name) -> Expression? {
        guard let argument = check(argument) else { return nil }
        switch argument.type {
        case .int, .uint:
            if argument.isFlexible || argument.type == type { return convert(argument, to: type) }
            return Expression(.convert(argument), type: type, location: name.location)
        case .bool, .decimal, .string, .enumeration, .entity, .list:
            return reject(
                argument.location,
                "'\(name.text)' converts int and uint; this is \(catalog.name(of: argument.type))")
        }
    }
}
