/// One step of a transaction that is put together by its client: a call of a declared operation, or a
/// generic change of one entity of a type that allows it (`generic: true`).
///
/// The steps of a transaction stand or fall together. They are carried out in order, each seeing the
/// ones before; invariants are judged after the last.
package enum TransactionStep: Hashable, Sendable {
    /// An index into `Schema.operations`.
    case operation(Int)
    /// The arguments are the key, then a value for each of the fields, by index. Every other field
    /// takes its default, or stays without a value.
    case create(type: Int, fields: [Int])
    /// The arguments are the key, then the version that the entity is expected to have, if
    /// `expectsVersion`, then a value for each change that has one.
    case update(type: Int, changes: [FieldChange], expectsVersion: Bool)
    /// The arguments are the key, then the expected version, if `expectsVersion`.
    case delete(type: Int, expectsVersion: Bool)

    package struct FieldChange: Hashable, Sendable {
        package enum Kind: UInt8, Sendable {
            /// The field takes the value.
            case set = 1
            /// The value is added, as by `+=`.
            case add = 2
            /// An optional field is left without a value; the change has no argument.
            case clear = 3
        }

        package let field: Int
        package let kind: Kind

        package init(field: Int, kind: Kind) {
            self.field = field
            self.kind = kind
        }
    }
}

/// Why steps can't be carried out: what is wrong with which of them, and what was expected.
package struct StepError: Error, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
