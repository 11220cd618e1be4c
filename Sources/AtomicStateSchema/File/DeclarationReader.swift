/// Reads the file's form:
///
///     schema: 1
///     name: <name>
///     entities:   { <Type>: { key, fields, derived, unique, invariants, generic } }
///     operations: { <name>: { parameters, require, effects } }
///     transaction_invariants: [ { id, rule, message, only | except } ]
///
/// It reports everything that can be said without knowing the other declarations.
struct DeclarationReader {
    let source: SourceText
    let log: DiagnosticLog

    func schema(_ root: YAMLNode) -> SchemaDeclaration? {
        let file = KeyedMap(
            root, "a schema", at: root.location,
            keys: ["schema", "name", "entities", "operations", "transaction_invariants"], log: log)
        guard let file else { return nil }
        if let version = file.required("schema") { checkVersion(version) }
        let name = file.required("name").flatMap { self.name($0, "the schema's name") }
        if let name { check(name, .lowercase, "a schema") }
        let entities = file.required("entities").map(self.entities) ?? []
        let operations = file["operations"].map(self.operations) ?? []
        let transactionInvariants = file["transaction_invariants"].map(self.transactionInvariants)
        return name.map {
            SchemaDeclaration(
                name: $0.text, entities: entities, operations: operations,
                transactionInvariants: transactionInvariants ?? [])
        }
    }

    private func checkVersion(_ node: YAMLNode) {
        guard case .scalar(let scalar) = node.content, scalar.style == .plain, scalar.text == "1"
        else {
            log.report(
                node.location, "this version reads 'schema: 1'; found \(node.description)")
            return
        }
    }

    private func entities(_ node: YAMLNode) -> [EntityDeclaration] {
        let entries = entries(node, "entities", limit: Limits.Declaration.entityCount)
        if entries?.isEmpty == true {
            log.report(node.location, "a schema needs at least one entity")
        }
        return (entries ?? []).compactMap(entity)
    }

    private func entity(_ entry: YAMLEntry) -> EntityDeclaration? {
        check(entry.key, .capitalized, "an entity")
        let map = KeyedMap(
            entry.value, "an entity", at: entry.key.location,
            keys: ["key", "fields", "derived", "unique", "invariants", "generic"], log: log)
        guard let map else { return EntityDeclaration(name: entry.key) }
        let fields = map["fields"].flatMap {
            entries($0, "fields", limit: Limits.Declaration.fieldCountPerEntity)
        }
        let derived = map["derived"].flatMap {
            entries($0, "derived values", limit: Limits.Declaration.derivedCountPerEntity)
        }
        let invariants = map["invariants"].map {
            rules($0, "an invariant", limit: Limits.Declaration.invariantCountPerEntity)
        }
        refuseDuplicates((fields ?? []).map(\.key) + (derived ?? []).map(\.key), "name")
        return EntityDeclaration(
            name: entry.key,
            keyType: map.required("key").flatMap(keyType),
            fields: (fields ?? []).map { value($0, .field) },
            derived: (derived ?? []).map(self.derived),
            uniqueKeys: map["unique"].map(uniqueKeys) ?? [],
            invariants: invariants ?? [],
            isGeneric: map["generic"].map { isTrue($0, "'generic'") } ?? false)
    }

    /// A list whose items are a field, or a list of fields.
    private func uniqueKeys(_ node: YAMLNode) -> [[Name]] {
        let items = items(
            node, "unique keys", limit: Limits.Declaration.uniqueKeyCountPerEntity)
        return (items ?? []).compactMap { item in
            guard case .list = item.content else {
                return name(item, "a field of a unique key").map { [$0] }
            }
            let limit = Limits.Declaration.fieldCountPerUniqueKey
            let fields = (self.items(item, "fields of a unique key", limit: limit) ?? [])
                .compactMap { name($0, "a field of a unique key") }
            if fields.isEmpty { log.report(item.location, "a unique key needs a field") }
            refuseDuplicates(fields, "field")
            return fields.isEmpty ? nil : fields
        }
    }

    private func keyType(_ node: YAMLNode) -> KeyType? {
        guard let name = name(node, "the type of a key") else { return nil }
        if let type = KeyType(rawValue: name.text) { return type }
        let names = KeyType.allCases.map(\.rawValue)
        let hint = Suggestion.hint(for: name.text, among: names)
        log.report(node.location, "unknown key type \(Suggestion.quoted(name.text))\(hint)")
        return nil
    }

    private func derived(_ entry: YAMLEntry) -> DerivedDeclaration {
        check(entry.key, .lowercase, "a derived value")
        let map = KeyedMap(
            entry.value, "a derived value", at: entry.key.location,
            keys: ["sum", "count", "min", "max", "by", "where"], log: log)
        guard let map else {
            return DerivedDeclaration(name: entry.key, function: nil, groupBy: nil, condition: nil)
        }
        return DerivedDeclaration(
            name: entry.key,
            function: derivedFunction(map, of: entry.key),
            groupBy: map.required("by").flatMap { name($0, "'by'") },
            condition: map["where"].flatMap { ruleText($0, "a rule") })
    }

    private func derivedFunction(_ map: KeyedMap, of name: Name) -> DerivedDeclaration.Function? {
        let folds = DerivedDeclaration.Fold.allCases.compactMap { fold in
            map[fold.rawValue].map { (fold, $0) }
        }
        switch (folds.count, map["count"]) {
        case (1, nil): return fold(folds[0].0, folds[0].1)
        case (0, let count?): return self.name(count, "'count'").map { .count(type: $0) }
        default:
            log.report(name.location, "a derived value has one of 'sum', 'count', 'min' and 'max'")
            return nil
        }
    }

    private func fold(_ fold: DerivedDeclaration.Fold, _ node: YAMLNode)
        -> DerivedDeclaration.Function?
    {
        guard let path = text(node, "'\(fold)'") else { return nil }
        let located = source.locate(path, at: node.location)
        let parts = path.text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) else {
            log.report(node.location, "'\(fold)' names a member of a type, as in Team.seats")
            return nil
        }
        let member = located.locations[parts[0].unicodeScalars.count + 1]
        return .fold(
            fold, type: Name(text: String(parts[0]), location: located.start),
            member: Name(text: String(parts[1]), location: member))
    }
}
