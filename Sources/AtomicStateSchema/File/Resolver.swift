/// Turns declarations into a schema: names into indices, and rules into checked expressions.
///
/// What was reported is left out, so the result is whole only if nothing was.
struct Resolver {
    let declaration: SchemaDeclaration
    let log: DiagnosticLog
    private(set) var catalog: Catalog

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

    /// In the order of dependence: a field's type may be any entity, a derived value is over fields,
    /// and a rule reads both.
    private mutating func schema() -> Schema {
        let entities = declaration.entities
        let fields = entities.map { $0.fields.map(field) }
        for (index, entity) in entities.enumerated() {
            catalog.entities[index].members = zip(entity.fields, fields[index]).enumerated().map {
                Catalog.Member($1.0.name, field: $1.1, at: $0)
            }
        }
        let derived = entities.indices.map { owner in
            entities[owner].derived.map { derivedValue($0, ofEntity: owner) }
        }
        refuseCrowdedSources(derived.joined().compactMap(\.self))
        for (index, entity) in entities.enumerated() {
            catalog.entities[index].members += zip(entity.derived, derived[index]).enumerated().map
            {
                Catalog.Member($1.0.name, derived: $1.1, at: $0)
            }
        }
        return Schema(
            name: declaration.name,
            entities: entities.indices.compactMap { index in
                entityType(index, fields: fields[index], derived: derived[index])
            },
            operations: declaration.operations.map(operation))
    }

    private func entityType(_ index: Int, fields: [Field?], derived: [DerivedValue?]) -> EntityType?
    {
        let entity = declaration.entities[index]
        let conditions = zip(entity.derived, derived).map { condition(of: $0, $1) }
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
            invariants: invariants, location: entity.name.location)
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
    private func derivedValue(_ declaration: DerivedDeclaration, ofEntity owner: Int)
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

    private func function(_ declared: DerivedDeclaration.Function, over source: Int)
        -> (DerivedValue.Function, ValueType)?
    {
        guard case .sum(_, let name) = declared else { return (.count, .int) }
        guard let (index, type) = self.field(named: name, of: source) else { return nil }
        switch type {
        case .int, .decimal:
            return (.sum(field: index), type)
        case .bool, .uint, .double, .string, .bytes, .uuid, .timestamp, .duration, .null,
            .enumeration, .entity, .list:
            log.report(
                name.location,
                "'sum' needs a field of int or decimal; this is \(catalog.name(of: type))")
            return nil
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

    private func field(named name: Name, of entity: Int) -> (index: Int, type: ValueType)? {
        let entity = catalog.entities[entity]
        switch entity.member(named: name.text)?.kind {
        case .field(let index, let type, _, _): return (index, type)
        case .derived, .broken: return nil
        case nil:
            log.report(name.location, entity.unknownField(name.text, among: entity.fieldNames))
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
        self.init(name: name.text, kind: derived.map { .derived(index, $0.type) } ?? .broken)
    }
}
