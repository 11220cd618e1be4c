/// What a rule about a whole transaction reads.
extension Checker {
    static let formOfDelta = "'delta' is called as delta(Type.member) or delta(Type)"

    func delta(of argument: Syntax, _ name: Name) -> Expression? {
        guard scope.reach == .changes else {
            return reject(name.location, "'delta' is for transaction_invariants")
        }
        let typeName: Name, memberName: Name?
        switch argument.kind {
        case .identifier(let type):
            (typeName, memberName) = (Name(text: type, location: argument.location), nil)
        case .member(of: let base, let member):
            guard case .identifier(let type) = base.kind else {
                return reject(argument.location, Self.formOfDelta)
            }
            typeName = Name(text: type, location: base.location)
            memberName = Name(text: member, location: argument.location)
        default: return reject(argument.location, Self.formOfDelta)
        }
        guard let entity = catalog.index(ofEntity: typeName.text) else {
            let hint = Suggestion.hint(
                for: typeName.text, among: catalog.entities.map(\.name))
            return reject(
                typeName.location, "unknown type \(Suggestion.quoted(typeName.text))\(hint)")
        }
        guard let memberName else {
            return Expression(.delta(entity: entity, nil), type: .int, location: name.location)
        }
        let declaration = catalog.entities[entity]
        let member: Member, type: ValueType
        switch declaration.member(named: memberName.text)?.kind {
        case .field(let index, let fieldType, _, _): (member, type) = (.field(index), fieldType)
        case .derived(let index, let derivedType, isOptional: false):
            (member, type) = (.derived(index), derivedType)
        case .derived:
            return reject(
                memberName.location, "'delta' adds up; there is no sum of what may have no value")
        case .broken: return nil
        case nil:
            return reject(
                memberName.location,
                declaration.unknownField(
                    memberName.text, among: declaration.members.map(\.name)))
        }
        switch type {
        case .int, .decimal:
            return Expression(
                .delta(entity: entity, member), type: type, location: name.location)
        default:
            return reject(
                memberName.location,
                "'delta' needs int or decimal; this is \(catalog.name(of: type))")
        }
    }
}
