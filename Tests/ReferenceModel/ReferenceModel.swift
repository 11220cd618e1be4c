package import AtomicStateSchema
import AtomicStateValues

/// What the engine must do, said slowly: an interpreter of the checked schema that knows nothing of
/// the flat program. State is a dictionary, an undo is a copy from before, a derived value is a scan.
package struct ReferenceModel: Sendable {
    /// What a transaction consists of, without its arguments.
    package enum Form: Hashable, Sendable {
        /// An index into `Schema.operations`.
        case operation(Int)
        case steps([TransactionStep])
    }

    package internal(set) var schema: Schema
    private(set) var state = ModelState()
    /// The sequence of the last accepted transaction.
    package private(set) var sequence: UInt64 = 0
    /// The time of the group under way.
    private var microseconds: UInt64 = 0

    package init(schema: Schema) {
        self.schema = schema
    }

    /// What `now` is.
    var now: TimeValue {
        TimeValue(
            seconds: Int64(microseconds / 1_000_000),
            nanoseconds: Int64(microseconds % 1_000_000) * 1_000)
    }

    package mutating func beginGroup(microseconds: UInt64) {
        self.microseconds = max(self.microseconds, microseconds)
    }

    /// Judges one transaction; nil if it was accepted.
    package mutating func execute(
        _ form: Form, arguments: [Argument]
    ) -> ModelRejection? {
        let steps: [ModelStep] =
            switch form {
            case .operation(let index): [ModelStep(calling: index, of: schema)]
            case .steps(let steps):
                steps.enumerated().map { ModelStep($1, at: $0, of: schema) }
            }
        var transaction = ModelTransaction(model: self, steps: steps, sequence: sequence + 1)
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

    /// Judges a batch's transactions in order; the rejections by their places. Of an atomic one the
    /// first is the last.
    package mutating func execute(
        _ transactions: [(form: Form, arguments: [Argument])], isAtomic: Bool
    ) -> [Int: ModelRejection] {
        var rejections: [Int: ModelRejection] = [:]
        let found = self
        for (index, transaction) in transactions.enumerated() {
            let rejection = execute(transaction.form, arguments: transaction.arguments)
            guard let rejection else { continue }
            rejections[index] = rejection
            if isAtomic {
                self = found
                break
            }
        }
        return rejections
    }
}

/// Why the model rejects a transaction.
package struct ModelRejection: Error, Hashable, Sendable {
    package var code: RejectionCode
    package var rule: String
    /// Empty, as the key, if it is about no entity.
    package var entityType: String
    package var entityKey: String

    package init(
        code: RejectionCode, rule: String, entityType: String = "", entityKey: String = ""
    ) {
        self.code = code
        self.rule = rule
        self.entityType = entityType
        self.entityKey = entityKey
    }

    func with(_ code: RejectionCode) -> ModelRejection {
        var other = self
        other.code = code
        return other
    }
}

/// An entity as a reader sees it.
package struct EntitySnapshot: Hashable, Sendable {
    package let version: UInt64
    /// The fields, then the derived values.
    package let values: [Argument]

    package init(version: UInt64, values: [Argument]) {
        self.version = version
        self.values = values
    }
}

extension ReferenceModel {
    package var entityCount: Int { state.entities.count }

    /// Every entity of a type, by key.
    package func snapshot(ofType type: Int) -> [Argument: EntitySnapshot] {
        var entities: [Argument: EntitySnapshot] = [:]
        for entity in state.entities.values where entity.name.type == type {
            entities[argument(entity.name.key)] = snapshot(of: entity)
        }
        return entities
    }

    /// One entity; nil if there is none.
    package func snapshot(ofType type: Int, key: Argument) -> EntitySnapshot? {
        state.entities.values
            .first { $0.name.type == type && argument($0.name.key) == key }
            .map(snapshot)
    }

    private func snapshot(of entity: ModelEntity) -> EntitySnapshot {
        EntitySnapshot(
            version: entity.version, values: (entity.fields + entity.derived).map(argument))
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
