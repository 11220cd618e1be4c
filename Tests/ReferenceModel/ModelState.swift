import AtomicStateSchema

/// An entity of the reference model.
struct ModelEntity: Sendable {
    /// Tells an entity from one that is created later with the same key.
    typealias Identity = Int

    struct Name: Hashable, Sendable {
        let type: Int
        let key: ModelValue
    }

    let name: Name
    var fields: [ModelValue]
    /// As the last accepted transaction left them, until the one under way settles them.
    var derived: [ModelValue]
    /// The sequence of the last transaction whose effects changed it; 0 until that is accepted.
    var version: UInt64 = 0
    /// False from its deletion on. Until its transaction ends, other names for it may still be read.
    var exists = true
}

/// All entities. A value: whoever changes it may keep a copy from before.
struct ModelState: Sendable {
    var entities: [ModelEntity.Identity: ModelEntity] = [:]
    private var nextIdentity = 0

    init() {}

    /// Those that exist, in no order that means anything.
    var existing: [ModelEntity.Identity: ModelEntity] { entities.filter(\.value.exists) }

    func find(_ name: ModelEntity.Name) -> ModelEntity.Identity? {
        entities.first { $0.value.exists && $0.value.name == name }?.key
    }

    mutating func add(_ entity: ModelEntity) -> ModelEntity.Identity {
        nextIdentity += 1
        entities[nextIdentity] = entity
        return nextIdentity
    }

    mutating func forgetDeleted() {
        if !entities.values.allSatisfy(\.exists) { entities = existing }
    }

    subscript(identity: ModelEntity.Identity) -> ModelEntity {
        get {
            guard let entity = entities[identity] else {
                preconditionFailure("a reference leads to an entity")
            }
            return entity
        }
        set { entities[identity] = newValue }
    }

    func isReferredTo(_ identity: ModelEntity.Identity) -> Bool {
        existing.values.contains { $0.fields.contains(.entity(identity)) }
    }
}
