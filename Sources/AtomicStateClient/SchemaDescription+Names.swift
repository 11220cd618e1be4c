public import AtomicStateProtocol

extension SchemaDescription {
    /// The index of an operation, as `Run.operation` needs it.
    public func operationIndex(named name: String) throws(ArgumentError) -> Int {
        guard let index = operations.firstIndex(where: { $0.name == name }) else {
            throw .unknownOperation(name, known: operations.map(\.name))
        }
        return index
    }

    /// The index of an entity, as `AtomicStateClient.get(entity:keys:)` needs it.
    public func entityIndex(named name: String) throws(ArgumentError) -> Int {
        guard let index = entities.firstIndex(where: { $0.name == name }) else {
            throw .unknownEntity(name, known: entities.map(\.name))
        }
        return index
    }

    /// The kind in which values travel: a reference as its target's key, the others as themselves.
    func transported(_ kind: ValueKind) -> ValueKind {
        if case .reference(let entity) = kind { entities[entity].key } else { kind }
    }

    /// A server's word is not trusted: afterwards, every index of the schema can be followed.
    func requireResolvableReferences() throws(Status) {
        let members =
            entities.flatMap { $0.fields + $0.derived } + operations.flatMap(\.parameters)
        for member in members {
            guard case .reference(let entity) = member.kind else { continue }
            guard entities.indices.contains(entity) else {
                throw Status(
                    .internal, "'\(member.name)' refers to entity \(entity) of \(entities.count)")
            }
        }
        for entity in entities {
            if case .reference = entity.key {
                throw Status(.internal, "the key of '\(entity.name)' is a reference")
            }
            for field in entity.uniqueKeys.joined() where !entity.fields.indices.contains(field) {
                throw Status(
                    .internal,
                    "a unique key of '\(entity.name)' refers to field \(field) of "
                        + "\(entity.fields.count)")
            }
        }
    }
}
