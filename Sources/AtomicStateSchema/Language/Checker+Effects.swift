/// Effects: what an operation changes.
extension Checker {
    /// The checked effect. After a `delete`, the scope no longer has the deleted parameter.
    mutating func effect(_ syntax: EffectSyntax) -> Effect? {
        let kind: Effect.Kind?
        switch syntax.kind {
        case .assign(let target, let update, let value):
            kind = assignment(to: target, update, value, at: syntax.location)
        case .create(let type, let key, let fields):
            kind = creation(of: type, key, fields)
        case .delete(let target):
            kind = deletion(of: target)
        }
        return kind.map { Effect(kind: $0, location: syntax.location) }
    }

    private mutating func deletion(of target: Syntax) -> Effect.Kind? {
        guard let entity = check(target) else { return nil }
        guard case .entity = entity.type else {
            return reject(
                entity.location,
                "'delete' needs an entity; this is \(catalog.name(of: entity.type))")
        }
        if case .identifier(let name) = target.kind { scope.markDeleted(name) }
        return .delete(entity: entity)
    }

    private func assignment(
        to target: Syntax, _ update: Expression.ArithmeticOperator?, _ value: Syntax,
        at location: SourceLocation
    ) -> Effect.Kind? {
        let target = assignable(target)
        guard let value = check(value), let (name, entity, field, place) = target else {
            return nil
        }
        let holder = "'\(name)'"
        guard let update else {
            return assigned(value, to: place.type, isOptional: isOptional(place), for: holder).map {
                .assign(entity: entity, field: field, value: $0)
            }
        }
        guard place.type.canBeUpdated(with: update) else {
            return reject(
                location,
                "'\(update.symbol)=' can't change \(holder), which is \(catalog.name(of: place.type))"
            )
        }
        return arithmetic(update, place, value, at: location)
            .flatMap { convert($0, to: place.type, for: holder) }
            .map { .assign(entity: entity, field: field, value: $0) }
    }

    /// `value` as the field holds it; `null` leaves an optional field without a value.
    private func assigned(
        _ value: Expression, to type: ValueType, isOptional: Bool, for holder: String
    ) -> Expression? {
        guard value.type == .null else { return convert(value, to: type, for: holder) }
        if isOptional { return value }
        return reject(
            value.location, "\(holder) always has a value; only an optional field can be null")
    }

    /// The field that an assignment changes: its entity, its index, and its present value.
    private func assignable(_ target: Syntax)
        -> (name: String, entity: Expression, field: Int, place: Expression)?
    {
        guard case .member(_, let name) = target.kind else {
            return reject(
                target.location, "only a field can be assigned, as in account.balance = 0")
        }
        guard let place = check(target) else { return nil }
        switch place.kind {
        case .field(let entity, let field):
            return (name, entity, field, place)
        case .derived:
            return reject(
                place.location,
                "'\(name)' is a derived value; it follows from the entities that it counts")
        default:
            return reject(place.location, "a key can't be assigned; delete and create instead")
        }
    }
}

// MARK: Creation

extension Checker {
    private func creation(
        of type: Name, _ key: Syntax, _ fields: [(name: Name, value: Syntax)]
    ) -> Effect.Kind? {
        let key = check(key)
        let values = fields.map { (name: $0.name, value: check($0.value)) }
        guard let index = catalog.index(ofEntity: type.text) else {
            let hint = Suggestion.hint(for: type.text, among: catalog.entities.map(\.name))
            return reject(type.location, "unknown type \(Suggestion.quoted(type.text))\(hint)")
        }
        let entity = catalog.entities[index]
        let typedKey = key.flatMap { key in
            entity.keyType.flatMap {
                convert(key, to: $0.valueType, for: "the key of \(entity.name)")
            }
        }
        let named = namedValues(values, of: entity)
        let all = allValues(named, of: entity, at: type.location)
        guard let typedKey, let all else { return nil }
        return .create(entity: index, key: typedKey, values: all)
    }

    /// The values that the effect names, converted, by field name; a broken one is nil.
    private func namedValues(
        _ values: [(name: Name, value: Expression?)], of entity: Catalog.Entity
    ) -> [String: Expression?] {
        var named: [String: Expression?] = [:]
        for (name, value) in values {
            if named.keys.contains(name.text) {
                log.report(name.location, "'\(name.text)' is given twice")
                continue
            }
            switch entity.member(named: name.text)?.kind {
            case .field(_, let type, let isOptional, _):
                let converted = value.flatMap {
                    assigned($0, to: type, isOptional: isOptional, for: "'\(name.text)'")
                }
                named.updateValue(converted, forKey: name.text)
            case .derived:
                log.report(name.location, "'\(name.text)' is a derived value; it can't be given")
            case .broken:
                named.updateValue(nil, forKey: name.text)
            case nil:
                log.report(name.location, entity.unknownField(name.text, among: entity.fieldNames))
            }
        }
        return named
    }

    /// One value for each field, in order, defaults filled in.
    private func allValues(
        _ named: [String: Expression?], of entity: Catalog.Entity, at location: SourceLocation
    ) -> [Expression]? {
        var values: [Expression] = []
        var missing: [String] = []
        var isComplete = true
        for member in entity.members {
            guard case .field(_, let type, let isOptional, let fallback) = member.kind else {
                continue
            }
            switch (named[member.name], fallback) {
            case (.some(let value?), _): values.append(value)
            case (.some(nil), _): isComplete = false
            case (nil, let literal?):
                values.append(Expression(.literal(literal), type: type, location: location))
            case (nil, nil) where isOptional:
                values.append(Expression(.literal(.null), type: .null, location: location))
            case (nil, nil): missing.append(member.name)
            }
        }
        guard missing.isEmpty else {
            let names = missing.joined(separator: ", ")
            return reject(location, "'create \(entity.name)' has no value for \(names)")
        }
        return isComplete ? values : nil
    }
}

extension ValueType {
    fileprivate func canBeUpdated(with operation: Expression.ArithmeticOperator) -> Bool {
        switch self {
        case .int, .uint, .decimal, .double, .timestamp, .duration: true
        case .string, .bytes: operation == .add
        case .bool, .uuid, .null, .enumeration, .entity, .list: false
        }
    }
}
