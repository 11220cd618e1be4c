/// Collects the descriptions that rejections refer to, and names what rules read.
struct RuleTable {
    let schema: Schema
    private(set) var descriptions: [RuleDescription] = []

    init(schema: Schema) {
        self.schema = schema
    }

    /// Adds a rule and returns its index.
    mutating func add(
        _ kind: RuleDescription.Kind, id: String, message: String? = nil, entity: Int? = nil,
        observations: [RuleDescription.Observation] = []
    ) -> Int {
        descriptions.append(
            RuleDescription(
                kind: kind, id: id, message: message, entity: entity, observations: observations))
        return descriptions.count - 1
    }

    /// What the rule reads, each value once, with its name in the rule's own words. A reference is
    /// shown by its entity's key.
    func reads(
        of rule: Expression, parameters: [Parameter]
    ) -> [(expression: Expression, observation: RuleDescription.Observation)] {
        var seen: Set<String> = []
        return rule.reads.compactMap { read in
            let name = path(read, parameters: parameters)
            guard seen.insert(name).inserted else { return nil }
            var shown = read
            if case .entity(let index) = read.type {
                let keyType = schema.entities[index].keyType.valueType
                shown = Expression(.key(of: read), type: keyType, location: read.location)
            }
            return (shown, RuleDescription.Observation(name: name, type: shown.type))
        }
    }

    private func path(_ expression: Expression, parameters: [Parameter]) -> String {
        switch expression.kind {
        case .selfEntity: return "self"
        case .oldSelfEntity: return "oldSelf"
        case .parameter(let index): return parameters[index].name
        case .field(of: let entity, let index):
            return path(entity, parameters: parameters) + "." + type(of: entity).fields[index].name
        case .derived(of: let entity, let index):
            return path(entity, parameters: parameters) + "." + type(of: entity).derived[index].name
        case .key(of: let entity):
            return path(entity, parameters: parameters) + ".key"
        case .literal, .has, .and, .or, .not, .negate, .arithmetic, .compare, .conditional, .isIn,
            .list, .element, .convert, .call:
            preconditionFailure("only values that are stored have a path")
        }
    }

    private func type(of entity: Expression) -> EntityType {
        guard case .entity(let index) = entity.type else {
            preconditionFailure("the checker admits members of entities only")
        }
        return schema.entities[index]
    }
}
