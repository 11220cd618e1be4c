public import AtomicStateProtocol

/// An entity as it was read, with its values as text: decimals with all their fraction digits,
/// enumerations by name, references as the key of their target, bytes in hexadecimal digits.
public struct EntityState: Sendable, Equatable {
    public let key: String
    /// The sequence of the last transaction that changed the entity's fields. That a derived value changed does
    /// not count.
    public let version: UInt64
    /// The fields and then the derived values, in the schema's order.
    public let values: [Value]

    public struct Value: Sendable, Equatable {
        public let name: String
        /// Nil for an optional field without a value, and for a minimum or maximum over no entities.
        public let text: String?
    }

    /// The value of a field or derived value; nil where there is none, and for a name that the schema
    /// does not have.
    public subscript(name: String) -> String? {
        values.first { $0.name == name }.flatMap(\.text)
    }
}

extension SchemaDescription {
    /// What a reply says, one entry for each key of the request; nil where there is no such entity.
    ///
    /// - Throws: `internal` for a reply that contradicts the request or the schema.
    public func states(
        of entity: Entity, keys: [String], in reply: GetReply
    ) throws(Status) -> [EntityState?] {
        let members = entity.fields + entity.derived
        let foundCount = reply.found.count(where: { $0 })
        guard reply.found.count == keys.count, reply.versions.count == foundCount,
            reply.columns.count == members.count
        else {
            throw Status(.internal, "the server sent a reply that does not fit \(keys.count) keys")
        }
        var columns: [[String?]] = []
        for (member, column) in zip(members, reply.columns) {
            columns.append(
                try texts(of: column, member: member, count: foundCount))
        }
        var row = 0
        return zip(keys, reply.found).map { key, isFound in
            guard isFound else { return nil }
            defer { row += 1 }
            return EntityState(
                key: key, version: reply.versions[row],
                values: zip(members, columns).map { .init(name: $0.name, text: $1[row]) })
        }
    }
}
