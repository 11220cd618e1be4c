extension Schema {
    /// The types of which there can never be an entity: each needs another one to be there first, its
    /// own among them.
    var uncreatableTypes: [Int] {
        var creatable: Set<Int> = []
        var isGrowing = true
        while isGrowing {
            let found = entities.indices.filter { type in
                !creatable.contains(type) && entities[type].neededTypes.isSubset(of: creatable)
            }
            creatable.formUnion(found)
            isGrowing = !found.isEmpty
        }
        return entities.indices.filter { !creatable.contains($0) }
    }

    /// A warning at each reference that keeps its type from ever being created.
    var creationWarnings: [Diagnostic] {
        let uncreatable = uncreatableTypes
        return uncreatable.flatMap { type -> [Diagnostic] in
            let entity = entities[type]
            return entity.fields.compactMap { field -> Diagnostic? in
                guard case .entity(let target) = field.type, !field.isOptional,
                    uncreatable.contains(target)
                else { return nil }
                return Diagnostic(
                    field.location,
                    "no \(entity.name) can be created unless there is one: '\(field.name)' needs "
                        + "\(target == type ? "another" : "a") \(entities[target].name), which needs "
                        + "one in turn; 'optional: true' lets there be a first one")
            }
        }
    }
}

extension EntityType {
    /// The types that its references refer to from the start.
    fileprivate var neededTypes: Set<Int> {
        Set(
            fields.compactMap { field in
                if case .entity(let target) = field.type, !field.isOptional { target } else { nil }
            })
    }
}
