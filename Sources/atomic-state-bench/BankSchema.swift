internal import AtomicStateClient
internal import AtomicStateProtocol

/// Where the server's schema has what the scenario needs of examples/bank.yaml.
struct BankSchema: Sendable {
    /// Indices as requests carry them.
    let account: Int
    let open: Int
    let deposit: Int
    let transfer: Int
    /// Among the columns of a reply to a get.
    private let balanceColumn: Int

    init(_ schema: SchemaDescription) throws {
        account = try schema.entityIndex(named: "Account")
        let entity = schema.entities[account]
        let money = SchemaDescription.ValueKind.decimal(scale: 2)
        guard entity.key == .uint,
            let balance = entity.fields.firstIndex(of: .init(name: "balance", kind: money))
        else {
            throw BenchError.otherSchema(
                expected: "Account with a key of type uint64 and a balance with two decimals",
                found: "another Account")
        }
        balanceColumn = balance

        let reference = SchemaDescription.ValueKind.reference(entity: account)
        open = try schema.index(
            ofOperation: "open", ("account", .uint), ("owner", nil), ("credit_limit", money))
        deposit = try schema.index(
            ofOperation: "deposit", ("account", reference), ("amount", money))
        transfer = try schema.index(
            ofOperation: "transfer", ("from", reference), ("to", reference), ("amount", money))
    }

    /// The balance of each account that was asked for, in cents; nil for one that does not exist.
    func balances(in reply: GetReply, accountCount: Int) throws -> [Int64?] {
        try reply.integers(ofColumn: balanceColumn, count: accountCount)
    }
}
