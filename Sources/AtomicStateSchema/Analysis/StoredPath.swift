/// A value that a rule finds the same wherever it reads it, by the way to it.
///
/// What `self` and `oldSelf` lead to are different values, as the transaction may have changed them.
/// Two ways may lead to one entity, of which nothing is concluded.
indirect enum StoredPath: Hashable, Sendable {
    case selfEntity
    case oldSelfEntity
    case parameter(Int)
    case now
    case delta(entity: Int, Member?)
    case field(of: StoredPath, Int)
    case derived(of: StoredPath, Int)
    case key(of: StoredPath)
    /// Of a string or bytes.
    case size(of: StoredPath)

    /// Nil for what is calculated.
    init?(_ expression: Expression) {
        switch expression.kind {
        case .selfEntity: self = .selfEntity
        case .oldSelfEntity: self = .oldSelfEntity
        case .parameter(let index): self = .parameter(index)
        case .now: self = .now
        case .delta(entity: let entity, let member): self = .delta(entity: entity, member)
        case .field(of: let owner, let index):
            guard let owner = StoredPath(owner) else { return nil }
            self = .field(of: owner, index)
        case .derived(of: let owner, let index):
            guard let owner = StoredPath(owner) else { return nil }
            self = .derived(of: owner, index)
        case .key(of: let owner):
            guard let owner = StoredPath(owner) else { return nil }
            self = .key(of: owner)
        case .call(.size, let operands):
            guard let text = StoredPath(operands[0]) else { return nil }
            self = .size(of: text)
        case .literal, .has, .and, .or, .not, .negate, .arithmetic, .compare, .conditional, .isIn,
            .list, .element, .convert, .call:
            return nil
        }
    }
}
