internal import AtomicStateClient
internal import AtomicStateProtocol

/// Where the server's schema has what the scenario needs of bench/scenarios/seats.yaml.
struct SeatsSchema: Sendable {
    /// Indices as requests carry them.
    let organization: Int
    let team: Int
    let found: Int
    let addTeam: Int
    let addSeats: Int
    /// The value that `addTeam` takes for a team that may have any number of seats.
    let paidPlan: UInt64
    /// Among the columns of a reply to a get.
    private let seatsUsedColumn: Int
    private let seatsColumn: Int

    init(_ schema: SchemaDescription) throws {
        organization = try schema.entityIndex(named: "Organization")
        team = try schema.entityIndex(named: "Team")
        seatsUsedColumn = try schema.textKeyedColumn("seats_used", of: organization)
        seatsColumn = try schema.textKeyedColumn("seats", of: team)

        let plans = ["free", "paid"]
        paidPlan = 1
        found = try schema.index(ofOperation: "found", ("org", nil), ("licensed_seats", .int))
        addTeam = try schema.index(
            ofOperation: "add_team", ("team", nil), ("org", .reference(entity: organization)),
            ("name", nil), ("plan", .enumeration(values: plans)), ("seats", .int))
        addSeats = try schema.index(
            ofOperation: "add_seats", ("team", .reference(entity: team)), ("count", .int))
    }

    /// The seats of each team that was asked for; nil for one that does not exist.
    func seats(in reply: GetReply, count: Int) throws -> [Int64?] {
        try reply.integers(ofColumn: seatsColumn, count: count)
    }

    /// The seats in use of each organization that was asked for; nil for one that does not exist.
    func seatsUsed(in reply: GetReply, count: Int) throws -> [Int64?] {
        try reply.integers(ofColumn: seatsUsedColumn, count: count)
    }
}

extension SchemaDescription {
    /// The column of an integer among the fields and derived values of an entity with text keys.
    fileprivate func textKeyedColumn(_ name: String, of entity: Int) throws -> Int {
        let entity = entities[entity]
        let expected = Member(name: name, kind: .int)
        guard case .string = entity.key,
            let column = (entity.fields + entity.derived).firstIndex(of: expected)
        else {
            throw BenchError.otherSchema(
                expected: "\(entity.name) with a key of type string and an integer \(name)",
                found: "another \(entity.name)")
        }
        return column
    }
}
