import AtomicStateProtocol

/// A schema with types that take generic steps, and one that does not.
let seatsDescription = SchemaDescription(
    name: "seats", fingerprint: "",
    entities: [
        .init(
            name: "Organization", key: .string(byteCountMax: 8),
            fields: [.init(name: "licensed", kind: .int)],
            derived: [
                .init(name: "used", kind: .int),
                .init(name: "fewest", kind: .int, isOptional: true),
            ]),
        .init(
            name: "Team", key: .uint,
            fields: [
                .init(name: "org", kind: .reference(entity: 0)),
                .init(name: "name", kind: .string(byteCountMax: 8)),
                .init(name: "seats", kind: .int),
                .init(name: "fee", kind: .decimal(scale: 2), isOptional: true),
                .init(name: "renewal", kind: .timestamp, isOptional: true),
            ],
            derived: [], isGeneric: true, uniqueKeys: [[0, 1]]),
        .init(name: "Note", key: .uuid, fields: [], derived: [], isGeneric: true),
    ],
    operations: [
        .init(
            name: "license",
            parameters: [
                .init(name: "org", kind: .reference(entity: 0)), .init(name: "count", kind: .int),
            ]),
        .init(
            name: "add_seats",
            parameters: [
                .init(name: "team", kind: .reference(entity: 1)), .init(name: "count", kind: .int),
            ]),
    ],
    text: "")
