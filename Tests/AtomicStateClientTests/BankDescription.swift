import AtomicStateProtocol

/// A schema with a member of every kind.
let bankDescription = SchemaDescription(
    name: "bank", fingerprint: "00ff",
    entities: [
        .init(
            name: "Account", key: .uint,
            fields: [
                .init(name: "owner", kind: .string(byteCountMax: 8)),
                .init(name: "balance", kind: .decimal(scale: 2)),
                .init(name: "plan", kind: .enumeration(values: ["free", "paid"])),
                .init(name: "isOpen", kind: .bool),
                .init(name: "branch", kind: .reference(entity: 1)),
            ],
            derived: [.init(name: "cards", kind: .int)]),
        .init(name: "Branch", key: .string(byteCountMax: 4), fields: [], derived: []),
    ],
    operations: [
        .init(
            name: "transfer",
            parameters: [
                .init(name: "from", kind: .reference(entity: 0)),
                .init(name: "to", kind: .reference(entity: 0)),
                .init(name: "amount", kind: .decimal(scale: 2)),
            ]),
        .init(
            name: "open",
            parameters: [
                .init(name: "account", kind: .uint),
                .init(name: "owner", kind: .string(byteCountMax: 8)),
                .init(name: "plan", kind: .enumeration(values: ["free", "paid"])),
                .init(name: "isOpen", kind: .bool),
                .init(name: "branch", kind: .reference(entity: 1)),
                .init(name: "cards", kind: .int),
            ]),
    ],
    text: "")
