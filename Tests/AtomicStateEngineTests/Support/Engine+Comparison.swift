import AtomicStateEngine
import AtomicStateSchema
import Testing

extension Engine {
    /// Expects every entity to be as the model has it, and no other.
    func compare(with model: ReferenceModel, _ name: String) throws {
        try #require(lastSequence == model.sequence, "\(name)")
        try #require(entityCount == model.state.entities.count, "\(name)")
        for type in program.schema.entities.indices {
            let expected = model.snapshot(ofType: type)
            let found = snapshot(ofType: type, keys: Array(expected.keys))
            for (key, entity) in expected {
                try #require(
                    found[key] == entity, "\(name): \(program.schema.entities[type].name) \(key)")
            }
        }
    }
}
