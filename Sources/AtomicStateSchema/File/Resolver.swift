/// Turns declarations into a schema: names into indices, and rules into checked expressions.
///
/// What was reported is left out, so the result is whole only if nothing was.
struct Resolver {
    let declaration: SchemaDeclaration
    let log: DiagnosticLog
    private(set) var catalog: Catalog
    /// The derived values that are resolved or under way, by owner and index.
    private var derivedValues: [DerivedPlace: DerivedValue?] = [:]

    /// A derived value's owner, by index, and its place there.
    private struct DerivedPlace: Hashable {
        let owner: Int
        let index: Int
    }

    static func schema(_ declaration: SchemaDeclaration, log: DiagnosticLog) -> Schema {
        var resolver = Resolver(declaration, log)
        return resolver.schema()
    }

    private init(_ declaration: SchemaDeclaration, _ log: DiagnosticLog) {
        self.declaration = declaration
        self.log = log
        catalog = Catalog(
            entities: declaration.entities.map { entity in
                Catalog.Entity(name: entity.name.text, keyType: entity.keyType)
            })
    }

    /// In the order of dependence: a field's type may be any entity, a derived value is over fields
    /// and other derived values, and a rule reads both.
    private mutating func schema() -> Schema {
        let entities = declaration.entities
        let fields = entities.map { $0.fields.map(field) }
        for (index, entity) in entities.enumerated() {
            catalog.entities[index].members = zip(entity.fields, fields[index]).enumerated().map {
                Catalog.Member($1.0.name, field: $1.1, at: $0)
            }
        }
        var derived: [[DerivedValue?]] = []
        for owner in entities.indices {
            derived.append(
                entities[owner].derived.indices.map {
                    derivedValue(DerivedPlace(owner: owner, index: $0))
                })
        }
        refuseCrowdedSources(derived.joined().compactMap(\.self))
        for (index, entity) in entities.enumerated() {
            catalog.entities[index].members += zip(entity.derived, derived[index]).enumerated().map
            {
                Catalog.Member($1.0.name, derived: $1.1, at: $0)
            }
        }
        let types = entities.indices.compactMap { index in
            entityType(index, fields: fields[index], derived: derived[index])
        }
        if log.isEmpty { refuseCycles(types) }
        return Schema(
            name: declaration.name, entities: types,
            operations: declaration.operations.map(operation),
            transactionInvariants: declaration.transactionInvariants.compactMap(
                transactionInvariant))
    }

    private func entityType(_ index: Int, fields: [Field?], derived: [DerivedValue?]) -> EntityType?
    {
        let entity = declaration.entities[index]
        let conditions = zip(entity.derived, derived).map { condition(of: $0, $1) }
        let uniqueKeys = entity.uniqueKeys.compactMap { uniqueKey($0, of: index) }
        let invariants = invariants(ofEntity: index)
        guard let keyType = entity.keyType else { return nil }
        return EntityType(
            name: entity.name.text, keyType: keyType,
            fields: fields.compactMap(\.self),
            derived: zip(derived, conditions).compactMap { derived, condition in
                var derived = derived
                derived?.condition = condition
                return derived
            },
            uniqueKeys: uniqueKeys, invariants: invariants, isGeneric: entity.isGeneric,
            location: entity.name.location)
    }
}

// MARK: Values

extension Resolver {
    private func field(_ declaration: ValueDeclaration) -> Field? {
        guard let type = type(of: declaration) else { return nil }
        return Field(
            name: declaration.name.text, type: type, isOptional: declaration.isOptional,
            defaultValue: declaration.defaultValue,
            maximumByteCount: declaration.maximumByteCount, location: declaration.name.location)
    }

    func type(of declaration: ValueDeclaration) -> ValueType? {
        switch declaration.kind {
        case .value(let type): type
        case .reference(let name): entity(named: name).map { .entity($0) }
        case nil: nil
        }
    }

    private func entity(named name: Name) -> Int? {
        if let index = catalog.index(ofEntity: name.text) { return index }
        let hint = Suggestion.hint(for: name.text, among: catalog.entities.map(\.name))
        log.report(name.location, "unknown type \(Suggestion.quoted(name.text))\(hint)")
        return nil
    }

    /// A derived value but for its condition, which can be checked when every name is known.
    private mutating func derivedValue(_ place: DerivedPlace) -> DerivedValue? {
        if let known = derivedValues[place] { return known }
        // One that is computed from itself meets its own absence.
        derivedValues.updateValue(nil, forKey: place)
        let declaration = self.declaration.entities[place.owner].derived[place.index]
        let value = derivedValue(declaration, ofEntity: place.owner)
        derivedValues.updateValue(value, forKey: place)
        return value
    }

    private mutating func derivedValue(_ declaration: DerivedDeclaration, ofEntity owner: Int)
        -> DerivedValue?
    {
        guard let declared = declaration.function, let source = entity(named: declared.type) else {
            return nil
        }
        let groupBy = declaration.groupBy.flatMap { group(by: $0, in: source, ofEntity: owner) }
        guard let (function, type) = function(declared, over: source), let groupBy else {
            return nil
        }
        return DerivedValue(
            name: declaration.name.text, function: function, source: source, groupBy: groupBy,
            condition: nil, type: type, location: declaration.name.location)
    }

    private func uniqueKey(_ names: [Name], of entity: Int) -> UniqueKey? {
        let fields = names.compactMap { field(named: $0, of: entity)?.index }
        guard fields.count == names.count else { return nil }
        return UniqueKey(
            id: "unique(\(names.map(\.text).joined(separator: ", ")))", fields: fields,
            location: names[0].location)
    }

    private func refuseCrowdedSources(_ derived: [DerivedValue]) {
        let limit = Limits.Declaration.derivedCountPerSource
        for (source, values) in Dictionary(grouping: derived, by: \.source) {
            for value in values.dropFirst(limit).prefix(1) {
                let name = catalog.entities[source].name
                log.report(
                    value.location,
                    "\(values.count) derived values are over \(name); the limit is \(limit)")
            }
        }
    }

    private mutating func function(_ declared: DerivedDeclaration.Function, over source: Int)
        -> (DerivedValue.Function, ValueType)?
    {
        guard case .fold(let fold, _, let name) = declared else { return (.count, .int) }
        guard let (member, type) = member(named: name, of: source) else { return nil }
        switch (fold, type) {
        case (.sum, .int), (.sum, .decimal): return (.sum(member), type)
        case (.min, .int), (.min, .decimal), (.min, .timestamp), (.min, .duration):
            return (.minimum(member), type)
        case (.max, .int), (.max, .decimal), (.max, .timestamp), (.max, .duration):
            return (.maximum(member), type)
        default:
            let types = fold == .sum ? "int or decimal" : "int, decimal, timestamp or duration"
            log.report(
                name.location,
                "'\(fold)' needs a member of \(types); this is \(catalog.name(of: type))")
            return nil
        }
    }

    /// A field or derived value of the source.
    private mutating func member(named name: Name, of source: Int) -> (Member, ValueType)? {
        let derived = declaration.entities[source].derived
        guard let index = derived.firstIndex(where: { $0.name.text == name.text }) else {
            return field(named: name, of: source, or: derived.map(\.name.text))
                .map { (.field($0.index), $0.type) }
        }
        let place = DerivedPlace(owner: source, index: index)
        var isUnderWay = false
        if case .some(.none) = derivedValues[place] { isUnderWay = true }
        let value = derivedValue(place)
        if value == nil, isUnderWay, log.isEmpty {
            log.report(
                name.location,
                "\(catalog.entities[source].name).\(name.text) would be computed from itself")
        }
        return value.map { (.derived(index), $0.type) }
    }

    /// Refuses derived values that are computed from themselves by way of a condition.
    private func refuseCycles(_ types: [EntityType]) {
        /// Whether it is known to be sound; false while those that it is computed from are looked at.
        var isSound: [DerivedPlace: Bool] = [:]
        /// - Returns: one that is met on the way from itself.
        func cycle(from place: DerivedPlace) -> DerivedPlace? {
            if let known = isSound[place] { return known ? nil : place }
            isSound[place] = false
            let value = types[place.owner].derived[place.index]
            for input in value.derivedInputs.sorted() {
                let found = cycle(from: DerivedPlace(owner: value.source, index: input))
                if let found { return found }
            }
            isSound[place] = true
            return nil
        }
        for owner in types.indices {
            for index in types[owner].derived.indices {
                guard let found = cycle(from: DerivedPlace(owner: owner, index: index)) else {
                    continue
                }
                let type = types[found.owner]
                let value = type.derived[found.index]
                log.report(
                    value.location, "\(type.name).\(value.name) would be computed from itself")
                return
            }
        }
    }

    private func group(by name: Name, in source: Int, ofEntity owner: Int) -> Int? {
        guard let (index, type) = field(named: name, of: source) else { return nil }
        if type == .entity(owner) { return index }
        let ownerName = catalog.entities[owner].name
        log.report(
            name.location,
            "'by' needs a reference to \(ownerName); this is \(catalog.name(of: type))")
        return nil
    }

    /// - Parameter others: names that would do as well, for the message.
    private func field(
        named name: Name, of entity: Int, or others: [String] = []
    ) -> (index: Int, type: ValueType)? {
        let entity = catalog.entities[entity]
        switch entity.member(named: name.text)?.kind {
        case .field(let index, let type, _, _): return (index, type)
        case .derived:
            log.report(
                name.location, "'\(name.text)' is a derived value; expected a field")
            return nil
        case .broken: return nil
        case nil:
            log.report(
                name.location, entity.unknownField(name.text, among: entity.fieldNames + others))
            return nil
        }
    }
}

extension Catalog.Member {
    fileprivate init(_ name: Name, field: Field?, at index: Int) {
        self.init(
            name: name.text,
            kind: field.map {
                .field(index, $0.type, isOptional: $0.isOptional, default: $0.defaultValue)
            } ?? .broken)
    }

    fileprivate init(_ name: Name, derived: DerivedValue?, at index: Int) {
        self.init(
            name: name.text,
            kind: derived.map {
                .derived(index, $0.type, isOptional: $0.function.isOptional)
            } ?? .broken)
    }
}
