import AtomicStateEngine
import AtomicStateSchema
import ReferenceModel
import Testing

extension Engine {
    /// Expects every entity to be as the model has it, and no other.
    func compare(with model: ReferenceModel, _ name: String) throws {
        try #require(lastSequence == model.sequence, "\(name)")
        try #require(entityCount == model.entityCount, "\(name)")
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

extension ReferenceModel.Form {
    init(_ form: TransactionRun.Form) {
        self =
            switch form {
            case .operation(let index): .operation(index)
            case .steps(let steps): .steps(steps)
            }
    }
}
