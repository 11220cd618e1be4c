/// Where the values of a schema's entities come from when it takes the place of another one.
///
/// Types, fields and the values of enumerations are the same if their names are. Everything that is
/// not stored, such as rules, operations and derived values, may change in any way: whether the data
/// satisfies it is found out by carrying the change out.
///
/// A type without entities has nothing to lose, and counts as one that is not there yet.
package struct SchemaChange: Sendable {
    /// By type of the new schema: where its entities come from; nil if there are none.
    package let sources: [TypeSource?]

    package struct TypeSource: Sendable {
        /// The type in the old schema, by index.
        package let type: Int
        /// By field of the new type.
        package let fields: [FieldSource]
    }

    package enum FieldSource: Sendable, Hashable {
        /// The old field's value as it is. An optional field may have none, and a text may be longer
        /// than it may be now.
        case field(Int)
        /// The old field's value under its new index; nil for one that is gone.
        case enumeration(Int, indices: [Int?])
        /// The default.
        case constant(Literal)
        /// No value.
        case absent
    }

    /// - Parameter isPopulated: whether there are entities of an old type, by index.
    /// - Throws: everything that would lose or reinterpret what is stored.
    package init(
        from old: Schema, to new: Schema, isPopulated: (Int) -> Bool
    ) throws(SchemaChangeError) {
        var matching = Matching(old: old, new: new)
        var sources = [TypeSource?](repeating: nil, count: new.entities.count)
        for type in old.entities.indices where isPopulated(type) {
            let name = old.entities[type].name
            guard let index = new.entities.firstIndex(where: { $0.name == name }) else {
                matching.refuse(
                    "\(name) is not in the new schema: its entities would be lost",
                    "keep the type; without entities it can go")
                continue
            }
            sources[index] = matching.source(of: new.entities[index], from: type)
        }
        guard matching.refusals.isEmpty else {
            throw SchemaChangeError(refusals: matching.refusals)
        }
        self.sources = sources
    }
}

/// Why a schema can't take the place of another one, whatever values the data has.
package struct SchemaChangeError: Error, Sendable {
    package struct Refusal: Hashable, Sendable, CustomStringConvertible {
        /// In the new schema; nil for what is no longer there.
        package let location: SourceLocation?
        package let reason: String
        /// What to do instead.
        package let advice: String

        package var description: String { "\(reason); \(advice)" }
    }

    package let refusals: [Refusal]
}

/// Finds the counterparts of types, fields and values, and collects what has none.
private struct Matching {
    let old: Schema
    let new: Schema
    private(set) var refusals: [SchemaChangeError.Refusal] = []

    init(old: Schema, new: Schema) {
        self.old = old
        self.new = new
    }

    mutating func refuse(
        _ reason: String, _ advice: String, at location: SourceLocation? = nil
    ) {
        refusals.append(
            SchemaChangeError.Refusal(location: location, reason: reason, advice: advice))
    }

    mutating func source(of type: EntityType, from oldIndex: Int) -> SchemaChange.TypeSource? {
        let oldType = old.entities[oldIndex]
        guard type.keyType == oldType.keyType else {
            refuse(
                "the key of \(type.name) would change from \(oldType.keyType.rawValue) to "
                    + "\(type.keyType.rawValue): its entities could not be found by their keys",
                "declare a new type and create its entities with operations", at: type.location)
            return nil
        }
        for field in oldType.fields
        where !type.fields.contains(where: { $0.name == field.name }) {
            refuse(
                "\(type.name).\(field.name) is not in the new schema: its values would be lost",
                "keep the field, which may go unused; under another name it is another field",
                at: type.location)
        }
        var fields: [SchemaChange.FieldSource] = []
        for field in type.fields {
            let name = "\(type.name).\(field.name)"
            if let index = oldType.fields.firstIndex(where: { $0.name == field.name }) {
                fields.append(source(of: field, name, from: index, oldType.fields[index]))
            } else if let literal = field.defaultValue {
                fields.append(.constant(literal))
            } else {
                if !field.isOptional {
                    refuse(
                        "\(name) is new, and the entities that exist have no value for it",
                        "give it a default or 'optional: true'", at: field.location)
                }
                fields.append(.absent)
            }
        }
        return SchemaChange.TypeSource(type: oldIndex, fields: fields)
    }

    private mutating func source(
        of field: Field, _ name: String, from oldIndex: Int, _ oldField: Field
    ) -> SchemaChange.FieldSource {
        switch (oldField.type, field.type) {
        case (.enumeration(let oldValues), .enumeration(let values)):
            guard oldValues != values else { return .field(oldIndex) }
            return .enumeration(oldIndex, indices: oldValues.map { values.firstIndex(of: $0) })
        case (.entity(let oldTarget), .entity(let target)):
            let (oldName, newName) = (old.entities[oldTarget].name, new.entities[target].name)
            if oldName != newName {
                refuse(
                    "\(name) would refer to \(newName) instead of \(oldName): its references would "
                        + "mean other entities", Self.carryOver, at: field.location)
            }
        case (.decimal(let oldScale), .decimal(let scale)):
            if oldScale != scale {
                refuse(
                    "the scale of \(name) would change from \(oldScale) to \(scale): its values "
                        + "would mean other numbers", Self.carryOver, at: field.location)
            }
        default:
            if oldField.type != field.type {
                refuse(
                    "the type of \(name) would change from \(oldField.type.declaredName) to "
                        + "\(field.type.declaredName): its values would be read as what they are "
                        + "not", Self.carryOver, at: field.location)
            }
        }
        return .field(oldIndex)
    }

    private static let carryOver =
        "add a field under another name, and carry the values over with an operation"
}

extension ValueType {
    /// The word for it in a schema file.
    fileprivate var declaredName: String {
        switch self {
        case .bool: "bool"
        case .int: "int"
        case .uint: "uint64"
        case .decimal: "decimal"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .uuid: "uuid"
        case .timestamp: "timestamp"
        case .duration: "duration"
        case .null: "null"
        case .enumeration: "enum"
        case .entity: "ref"
        case .list: "list"
        }
    }
}
