import AtomicStateProtocol
import Testing

@testable import atomic_state_bench

@Suite struct SeatsScenarioTests {
    private static let teamCount = 250

    @Test func batchesDependOnTheStreamAlone() throws {
        let scenario = try scenario()
        func batch(index: UInt64) -> [Column] {
            var random = RandomStream(seed: 1, index: index)
            return scenario.batch(transactionCount: 50, from: &random).runs[0].arguments
        }
        #expect(batch(index: 0) == batch(index: 0))
        #expect(batch(index: 0) != batch(index: 1))
    }

    @Test func seatsAreTakenALittleMoreOftenThanGivenBack() throws {
        var random = RandomStream(seed: 1, index: 0)
        let batch = try scenario().batch(transactionCount: 100_000, from: &random)
        let run = batch.runs[0]
        #expect(run.operation == 2)
        #expect(run.arguments.map { max($0.words.count, $0.lengths.count) } == [100_000, 100_000])
        let counts = run.arguments[1].words.map { Int64(bitPattern: $0) }
        #expect(Set(counts) == [-1, 1])
        #expect((0...2_000).contains(counts.reduce(0, +)))
        #expect(Set(run.arguments[0].strings).count == Self.teamCount)
        #expect(run.arguments[0] == NumberedKeys(prefix: "team-").column(batch.numbers))
    }

    @Test(arguments: ["Team", "seats", "seats_used", "add_seats", "count"])
    func anotherSchemaIsRefused(missing: String) {
        #expect(throws: (any Error).self) { try scenario(without: missing) }
    }

    @Test func keysKeepTheirNumbers() {
        let keys = NumberedKeys(prefix: "team-")
        #expect(keys[42] == "team-0000042")
        let numbers = [9_999_999, 0, 7, 7]
        let column = keys.column(numbers)
        #expect(column.strings == ["team-9999999", "team-0000000", "team-0000007", "team-0000007"])
    }

    /// On the description of bench/scenarios/seats.yaml, but for one name.
    private func scenario(without missing: String = "") throws -> SeatsScenario {
        func name(_ name: String) -> String { name == missing ? "other" : name }
        func member(_ text: String, _ kind: SchemaDescription.ValueKind) -> SchemaDescription.Member
        {
            .init(name: name(text), kind: kind)
        }
        let text = SchemaDescription.ValueKind.string(byteCountMax: 80)
        let organization = SchemaDescription.ValueKind.reference(entity: 0)
        let plan = SchemaDescription.ValueKind.enumeration(values: ["free", "paid"])
        let schema = SchemaDescription(
            name: "seats", fingerprint: "",
            entities: [
                .init(
                    name: name("Organization"), key: text, fields: [member("licensed_seats", .int)],
                    derived: [member("seats_used", .int)]),
                .init(
                    name: name("Team"), key: text,
                    fields: [member("org", organization), member("seats", .int)], derived: []),
            ],
            operations: [
                .init(
                    name: "found",
                    parameters: [member("org", text), member("licensed_seats", .int)]),
                .init(
                    name: "add_team",
                    parameters: [
                        member("team", text), member("org", organization), member("name", text),
                        member("plan", plan), member("seats", .int),
                    ]),
                .init(
                    name: name("add_seats"),
                    parameters: [member("team", .reference(entity: 1)), member("count", .int)]),
            ],
            text: "")
        return try SeatsScenario(
            schema: schema, teamCount: Self.teamCount, organizationCount: 3, rejectedPercent: 1)
    }
}
