import AtomicStateSchema

/// What the engine must do, said slowly: an interpreter of the checked schema that knows nothing of
/// the flat program. State is a dictionary, an undo is a copy from before, a total is a scan.
struct ReferenceModel {
    let schema: Schema
    private(set) var state = ModelState()
    /// The sequence of the last accepted transaction.
    private(set) var sequence: UInt64 = 0

    init(schema: Schema) {
        self.schema = schema
    }

    /// Judges one transaction; nil if it was accepted.
    mutating func execute(operation: Int, arguments: [Argument]) -> ModelRejection? {
        var transaction = ModelTransaction(
            model: self, operation: schema.operations[operation], sequence: sequence + 1)
        do throws(ModelRejection) {
            try transaction.run(arguments)
        } catch {
            return error
        }
        state = transaction.state
        state.forgetDeleted()
        sequence += 1
        return nil
    }
}

/// Why the model rejects a transaction.
struct ModelRejection: Error, Equatable {
    var code: RejectionCode
    var rule: String
    /// Empty, as the key, if it is about no entity.
    var entityType = ""
    var entityKey = ""

    func with(_ code: RejectionCode) -> ModelRejection {
        var other = self
        other.code = code
        return other
    }
}

/// An entity as a reader sees it.
struct EntitySnapshot: Equatable {
    let version: UInt64
    /// The fields, then the totals.
    let values: [Argument]
}

extension ReferenceModel {
    /// Every entity of a type, by key.
    func snapshot(ofType type: Int) throws(RejectionCode) -> [Argument: EntitySnapshot] {
        var entities: [Argument: EntitySnapshot] = [:]
        for (identity, entity) in state.entities where entity.name.type == type {
            var values = entity.fields.map(argument)
            for index in schema.entities[type].derived.indices {
                let total = Total(type: type, index: index)
                let exact = try value(of: total, holder: identity, in: state)
                values.append(.int(Int64(exact)))
            }
            entities[argument(entity.name.key)] = EntitySnapshot(
                version: entity.version, values: values)
        }
        return entities
    }

    /// A value as it travels; a reference is its entity's key.
    func argument(_ value: ModelValue) -> Argument {
        switch value {
        case .bool(let value): .word(value ? 1 : 0)
        case .number(let value): .int(value)
        case .unsigned(let value): .word(value)
        case .text(let scalars): .text(scalars.string)
        case .double(let value): .word(value.bitPattern)
        case .bytes(let bytes): .bytes(bytes)
        case .time(let value): .time(value)
        case .absent: .absent
        case .enumeration(let index): .word(UInt64(index))
        case .entity(let identity): argument(state[identity].name.key)
        }
    }

    /// A key in a rejection, cut where keys end.
    func shown(_ key: Argument, ofType type: Int) -> String {
        if case .bytes(let bytes) = key, schema.entities[type].keyType == .uuid {
            let digits = bytes.prefix(256).map { byte in
                String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
            }
            guard bytes.count == 16 else { return digits.joined() }
            return [0..<4, 4..<6, 6..<8, 8..<10, 10..<16].map { digits[$0].joined() }
                .joined(separator: "-")
        }
        return switch key {
        case .word(let word): String(word)
        case .bytes(let bytes): String(decoding: bytes.prefix(256), as: UTF8.self)
        case .time, .absent: preconditionFailure("no key is a time")
        }
    }
}
