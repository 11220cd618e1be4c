import Testing

@testable import AtomicStateSchema

/// The schemas that people start from.
@Suite struct ExampleTests {
    @Test func bank() throws {
        let schema = try Schema(parsing: Fixture.example("bank"))
        #expect(schema.name == "bank")
        #expect(schema.entities.map(\.name) == ["Account"])
        #expect(
            schema.entities[0].invariants.map(\.rule.sketch)
                == ["(self.f1 >= (- self.f2))", "(self.f2 >= 0 d2)"])
        #expect(
            schema.operations.map(\.name)
                == ["transfer", "deposit", "withdraw", "open", "close", "set_credit_limit"])
        let transfer = schema.operations[0]
        #expect(transfer.requirements.map(\.id) == ["positive", "distinct"])
        #expect(transfer.effects.map(\.sketch) == ["$0.f1 = ($0.f1 - $2)", "$1.f1 = ($1.f1 + $2)"])
        #expect(schema.operations[3].effects.map(\.sketch) == ["create 0($0) {$1, 0 d2, $2}"])
        #expect(schema.operations[4].effects.map(\.sketch) == ["delete $0"])
    }

    @Test func seats() throws {
        let schema = try Schema(parsing: Fixture.example("seats"))
        #expect(schema.entities.map(\.name) == ["Organization", "Team"])
        #expect(
            schema.entities[0].derived.map(\.name)
                == ["seats_used", "team_count", "paid_team_count"])
        #expect(schema.entities[0].derived[2].condition?.sketch == "(self.f2 == #1)")
        #expect(
            schema.entities[1].invariants.map(\.id)
                == ["seats_not_negative", "free_plan_limit", "no_downgrade"])
        let transfer = try #require(schema.operations.first { $0.name == "transfer_seats" })
        #expect(transfer.effects.map(\.sketch) == ["$0.f3 = ($0.f3 - $2)", "$1.f3 = ($1.f3 + $2)"])
    }
}
