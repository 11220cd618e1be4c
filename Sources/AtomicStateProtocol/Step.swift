/// One step of a transaction, without its arguments, which are columns of its run.
///
/// The steps of a transaction are carried out in order, each seeing the ones before, and stand or fall
/// together. All steps but calls need a type with `SchemaDescription.Entity.isGeneric`.
public enum Step: Sendable, Hashable {
    /// A call of an operation, an index into `SchemaDescription.operations`. Its arguments are the
    /// parameters'.
    case operation(Int)
    /// Creates an entity of `SchemaDescription.entities[entity]`. The arguments are its key and a value
    /// for each of the fields, given by index; other fields take their default, or no value.
    case create(entity: Int, fields: [Int])
    /// Changes an entity. The arguments are its key, the version that it has to have, if
    /// `expectsVersion`, and a value for each change but `clear`.
    case update(entity: Int, changes: [FieldChange], expectsVersion: Bool)
    /// Deletes an entity. The arguments are its key and the version that it has to have, if
    /// `expectsVersion`.
    case delete(entity: Int, expectsVersion: Bool)

    public struct FieldChange: Sendable, Hashable {
        /// An index into `SchemaDescription.Entity.fields`.
        public var field: Int
        public var kind: Kind

        public enum Kind: Sendable {
            /// The field gets the value.
            case set
            /// The value is added to the field's: an int, a decimal or a duration.
            case add
            /// The field, which is optional, has no value any more.
            case clear
        }

        public init(field: Int, kind: Kind) {
            self.field = field
            self.kind = kind
        }
    }
}
