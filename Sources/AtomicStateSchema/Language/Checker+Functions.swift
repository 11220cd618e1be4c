internal import AtomicStateValues

/// CEL's functions and conversions (https://github.com/google/cel-spec, "Standard Environment").
extension Checker {
    /// The functions that a rule can call.
    private static let functions =
        ["size", "startsWith", "endsWith", "contains", "has", "delta"] + conversions.keys.sorted()
        + timeParts.keys.sorted()

    /// The types that functions convert to, by name.
    private static let conversions: [String: ValueType] = [
        "bool": .bool, "int": .int, "uint": .uint, "double": .double, "string": .string,
        "bytes": .bytes, "timestamp": .timestamp, "duration": .duration, "uuid": .uuid,
    ]

    private static let timeParts: [String: TimePart] = [
        "getFullYear": .fullYear, "getMonth": .month, "getDayOfMonth": .dayOfMonth,
        "getDate": .date,
        "getDayOfWeek": .dayOfWeek, "getDayOfYear": .dayOfYear, "getHours": .hours,
        "getMinutes": .minutes, "getSeconds": .seconds, "getMilliseconds": .milliseconds,
    ]

    /// Functions and macros that CEL has or that the design foresees, and why there are none.
    private static let unsupported: [String: String] = {
        var reasons = [
            "dyn": "every value of a rule has a type that is known when it is loaded",
            "matches": "there is no library for RE2's syntax that this server could rely on",
        ]
        for name in ["all", "exists", "exists_one", "filter", "map"] {
            reasons[name] = "rules don't loop; state a limit over many entities as a derived value"
        }
        for name in ["max", "min"] {
            reasons[name] = "CEL has no such function; write a < b ? a : b"
        }
        reasons["type"] = reasons["dyn"]
        reasons["now"] = "the commit time is written 'now'"
        return reasons
    }()

    func call(_ name: Name, _ receiver: Syntax?, _ arguments: [Syntax]) -> Expression? {
        switch (name.text, receiver, arguments.count) {
        case ("has", nil, 1): return presence(arguments[0], name)
        case ("size", nil, 1): return size(of: arguments[0], name)
        case ("size", let value?, 0): return size(of: value, name)
        case ("startsWith", let text?, 1): return test(.startsWith, text, arguments[0], name)
        case ("endsWith", let text?, 1): return test(.endsWith, text, arguments[0], name)
        case ("contains", let text?, 1): return test(.contains, text, arguments[0], name)
        case ("delta", nil, 1): return delta(of: arguments[0], name)
        case ("delta", _, _): return reject(name.location, Self.formOfDelta)
        case ("has", _, _): return reject(name.location, "'has' is called as has(entity.field)")
        case ("size", _, _): return reject(name.location, "'size' is called as size(value)")
        case ("startsWith", _, _), ("endsWith", _, _), ("contains", _, _):
            return reject(name.location, "'\(name.text)' is called as text.\(name.text)(part)")
        default: break
        }
        if let type = Self.conversions[name.text] {
            guard receiver == nil, arguments.count == 1 else {
                return reject(name.location, "'\(name.text)' is called as \(name.text)(value)")
            }
            return conversion(to: type, arguments[0], name)
        }
        if let part = Self.timeParts[name.text] {
            guard let receiver, arguments.count <= 1 else {
                return reject(
                    name.location,
                    "'\(name.text)' is called as time.\(name.text)() or with a time zone")
            }
            return timePart(part, of: receiver, zone: arguments.first, name)
        }
        if let reason = Self.unsupported[name.text] {
            return reject(name.location, "'\(name.text)' can't be called: \(reason)")
        }
        let hint = Suggestion.hint(for: name.text, among: Self.functions)
        return reject(name.location, "unknown function \(Suggestion.quoted(name.text))\(hint)")
    }

    private func presence(_ argument: Syntax, _ name: Name) -> Expression? {
        guard case .member = argument.kind else {
            return reject(name.location, "'has' asks for a field, as in has(self.note)")
        }
        guard let member = check(argument) else { return nil }
        switch member.kind {
        case .field(of: let entity, let index) where isOptional(member):
            return Expression(
                .has(.field(index), of: entity), type: .bool, location: name.location)
        case .derived(of: let entity, let index) where isOptional(member):
            return Expression(
                .has(.derived(index), of: entity), type: .bool, location: name.location)
        default:
            // Always, once it is reached: what leads to it may be without a value.
            let kind: Expression.Kind =
                passesOptional(member) ? .compare(.equal, member, member) : .literal(.bool(true))
            return Expression(kind, type: .bool, location: name.location)
        }
    }

    /// Whether the way to a member leads over one that may be without a value.
    private func passesOptional(_ member: Expression) -> Bool {
        switch member.kind {
        case .field(of: let owner, _), .derived(of: let owner, _), .key(of: let owner):
            isOptional(owner) || passesOptional(owner)
        default: false
        }
    }

    /// Whether the expression is a member that may be without a value.
    func isOptional(_ expression: Expression) -> Bool {
        switch expression.kind {
        case .field(of: let owner, let field):
            members(of: owner).contains { member in
                if case .field(field, _, isOptional: true, _) = member.kind { true } else { false }
            }
        case .derived(of: let owner, let derived):
            members(of: owner).contains { member in
                if case .derived(derived, _, isOptional: true) = member.kind { true } else { false }
            }
        default: false
        }
    }

    private func members(of owner: Expression) -> [Catalog.Member] {
        guard case .entity(let entity) = owner.type else { return [] }
        return catalog.entities[entity].members
    }

    private func size(of value: Syntax, _ name: Name) -> Expression? {
        guard let value = check(value) else { return nil }
        switch value.type {
        case .string, .bytes, .list:
            return Expression(.call(.size, [value]), type: .int, location: name.location)
        default:
            return reject(
                value.location,
                "'size' needs string, bytes or a list; this is \(catalog.name(of: value.type))")
        }
    }

    private func test(
        _ function: Expression.Function, _ text: Syntax, _ part: Syntax, _ name: Name
    ) -> Expression? {
        let need = "'\(name.text)'"
        let operands = both(
            check(text).flatMap { expect(.string, $0, need) },
            check(part).flatMap { expect(.string, $0, need) })
        guard let (text, part) = operands else { return nil }
        return Expression(.call(function, [text, part]), type: .bool, location: name.location)
    }
}

// MARK: Times

extension Checker {
    private func timePart(_ part: TimePart, of value: Syntax, zone: Syntax?, _ name: Name)
        -> Expression?
    {
        let value = check(value)
        let zone = zone.map(timeZone)
        guard let value else { return nil }
        switch value.type {
        case .timestamp:
            var operands = [value]
            if let zone {
                guard let zone else { return nil }
                operands.append(zone)
            }
            return Expression(
                .call(.timePart(part), operands), type: .int, location: name.location)
        case .duration where part.isOfDuration && zone == nil:
            return Expression(.call(.timePart(part), [value]), type: .int, location: name.location)
        case .duration:
            return reject(name.location, "a duration has no '\(name.text)' and no time zone")
        default:
            return reject(
                value.location,
                "'\(name.text)' needs a timestamp; this is \(catalog.name(of: value.type))")
        }
    }

    private func timeZone(_ zone: Syntax) -> Expression? {
        guard let zone = check(zone).flatMap({ expect(.string, $0, "a time zone") }) else {
            return nil
        }
        if case .literal(.string(let text)) = zone.kind, TimeZoneOffset.seconds(text) == nil {
            return reject(
                zone.location,
                "\(Suggestion.quoted(text)) is not a time zone; expected 'UTC' or an offset as "
                    + "'+05:45': the rules of named zones change, and outcomes must not")
        }
        return zone
    }
}

// MARK: Conversions

extension Checker {
    private func conversion(to type: ValueType, _ argument: Syntax, _ name: Name) -> Expression? {
        guard let argument = check(argument) else { return nil }
        guard type.canBeConverted(from: argument.type) else {
            return reject(
                argument.location,
                "'\(name.text)' does not convert \(catalog.name(of: argument.type))")
        }
        switch (argument.kind, argument.type, type) {
        case (_, .int, .int), (_, .uint, .uint): return argument
        case (.literal, .int, .uint), (.literal, .uint, .int): return convert(argument, to: type)
        case (.literal(.string(let text)), _, .timestamp):
            return constant(text, .timestamp, type, "2009-02-13T23:31:30Z", at: argument.location)
        case (.literal(.string(let text)), _, .duration):
            return constant(text, .duration, type, "1h30m", at: argument.location)
        case (.literal(.string), _, .uuid): return convert(argument, to: .uuid)
        default: return Expression(.convert(argument), type: type, location: name.location)
        }
    }

    /// A mistake in a constant is one of the schema, not of the transactions that would meet it.
    private func constant(
        _ text: String, _ kind: TimeKind, _ type: ValueType, _ example: String,
        at location: SourceLocation
    ) -> Expression? {
        guard let value = kind.parse(text) else {
            return reject(
                location,
                "\(Suggestion.quoted(text)) is not a \(kind), which is written as in \(example), "
                    + "or is out of range")
        }
        return Expression(.literal(.time(value)), type: type, location: location)
    }
}

extension ValueType {
    /// Whether the function of this type's name takes the type.
    fileprivate func canBeConverted(from source: ValueType) -> Bool {
        switch (self, source) {
        case (.bool, .bool), (.bool, .string): true
        case (.int, .int), (.int, .uint), (.int, .double), (.int, .decimal), (.int, .string),
            (.int, .timestamp):
            true
        case (.uint, .int), (.uint, .uint), (.uint, .double), (.uint, .decimal), (.uint, .string):
            true
        case (.double, .int), (.double, .uint), (.double, .double), (.double, .decimal),
            (.double, .string):
            true
        case (.string, .entity), (.string, .list), (.string, .null): false
        case (.string, _): true
        case (.bytes, .bytes), (.bytes, .string), (.bytes, .uuid): true
        case (.timestamp, .timestamp), (.timestamp, .int), (.timestamp, .string): true
        case (.duration, .duration), (.duration, .string): true
        case (.uuid, .uuid), (.uuid, .string): true
        default: false
        }
    }
}

extension TimePart {
    fileprivate var isOfDuration: Bool {
        switch self {
        case .hours, .minutes, .seconds, .milliseconds: true
        case .fullYear, .month, .dayOfMonth, .date, .dayOfWeek, .dayOfYear: false
        }
    }
}
