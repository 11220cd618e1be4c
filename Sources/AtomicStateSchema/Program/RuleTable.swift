extension Schema {
    /// What a rejection shows of a read: the value itself, or the key of the entity it refers to.
    func shown(_ read: Expression) -> Expression {
        guard case .entity(let index) = read.type else { return read }
        return Expression(
            .key(of: read), type: entities[index].keyType.valueType, location: read.location)
    }
}

/// Collects the descriptions that rejections refer to, and names what rules read.
struct RuleTable {
    let schema: Schema
    private let firstIndex: Int
    private(set) var descriptions: [RuleDescription] = []

    /// - Parameter firstIndex: of the first rule that is added: how many there are that are not collected
    ///   here.
    init(schema: Schema, firstIndex: Int = 0) {
        self.schema = schema
        self.firstIndex = firstIndex
    }

    /// Adds a rule and returns its index.
    mutating func add(
        _ kind: RuleDescription.Kind, id: String, message: [RuleDescription.MessagePart]? = nil,
        entity: Int? = nil, observations: [RuleDescription.Observation] = [],
        compared: ValueType? = nil, limit: ValueType? = nil
    ) -> Int {
        descriptions.append(
            RuleDescription(
                kind: kind, id: id, message: message, entity: entity, observations: observations,
                compared: compared, limit: limit))
        return firstIndex + descriptions.count - 1
    }

    /// Each of the reads once. A reference is shown by its entity's key.
    func shown(_ reads: [Expression], parameters: [Parameter]) -> [Expression] {
        var seen: Set<String> = []
        return reads.filter { seen.insert(path($0, parameters: parameters)).inserted }
    }

    /// How the reads are named, in the rule's own words.
    func observations(of reads: [Expression], parameters: [Parameter])
        -> [RuleDescription.Observation]
    {
        reads.map {
            RuleDescription.Observation(
                name: path($0, parameters: parameters), type: schema.shown($0).type)
        }
    }

    func message(
        _ template: MessageTemplate, observing reads: [Expression], parameters: [Parameter]
    ) -> [RuleDescription.MessagePart] {
        let names = reads.map { path($0, parameters: parameters) }
        return template.parts.map { part in
            switch part {
            case .text(let text): return .text(text)
            case .value(let value):
                let name = path(value, parameters: parameters)
                guard let index = names.firstIndex(of: name) else {
                    preconditionFailure("a rule observes what its message shows")
                }
                return .observation(index)
            }
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
        case .now: return "now"
        case .delta(let entity, let member):
            let type = schema.entities[entity]
            switch member {
            case .field(let index): return "delta(\(type.name).\(type.fields[index].name))"
            case .derived(let index): return "delta(\(type.name).\(type.derived[index].name))"
            case nil: return "delta(\(type.name))"
            }
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
