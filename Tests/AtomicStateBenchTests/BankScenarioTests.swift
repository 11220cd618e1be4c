import AtomicStateProtocol
import Testing

@testable import atomic_state_bench

@Suite struct BankScenarioTests {
    private let money = SchemaDescription.ValueKind.decimal(scale: 2)

    @Test func batchesDependOnTheStreamAlone() throws {
        let scenario = try BankScenario(schema: schema(), accountCount: 100)
        func batches(seed: UInt64, index: UInt64) -> [[Column]] {
            var random = RandomStream(seed: seed, index: index)
            return (0..<3).map { _ in
                scenario.batch(transactionCount: 50, from: &random).runs[0].arguments
            }
        }
        #expect(batches(seed: 1, index: 0) == batches(seed: 1, index: 0))
        #expect(batches(seed: 1, index: 0) != batches(seed: 1, index: 1))
        #expect(batches(seed: 1, index: 0) != batches(seed: 2, index: 0))
    }

    @Test(arguments: [2, 3, 1_000])
    func transfersGoBetweenTwoExistingAccounts(accountCount: Int) throws {
        let scenario = try BankScenario(schema: schema(), accountCount: accountCount)
        var random = RandomStream(seed: 1, index: 0)
        let run = scenario.batch(transactionCount: 20_000, from: &random).runs[0]
        #expect(run.operation == 1)
        #expect(run.transactionCount == 20_000)
        let columns = run.arguments.map(\.words)
        #expect(zip(columns[0], columns[1]).allSatisfy { $0 != $1 })
        let accounts = 1...UInt64(accountCount)
        #expect(Set(columns[0]) == Set(accounts))
        #expect(Set(columns[1]) == Set(accounts))
        #expect(columns[2].allSatisfy { (1...1_000).contains($0) })
    }

    @Test(arguments: ["balance", "Account", "transfer", "amount"])
    func anotherSchemaIsRefused(missing: String) {
        #expect(throws: (any Error).self) {
            try BankScenario(schema: schema(without: missing), accountCount: 2)
        }
    }

    /// The bank's description, but for one name.
    private func schema(without missing: String = "") -> SchemaDescription {
        func name(_ name: String) -> String { name == missing ? "other" : name }
        func member(_ text: String, _ kind: SchemaDescription.ValueKind) -> SchemaDescription.Member
        {
            .init(name: name(text), kind: kind)
        }
        let account = SchemaDescription.ValueKind.reference(entity: 0)
        let owner = SchemaDescription.ValueKind.string(byteCountMax: 80)
        return SchemaDescription(
            name: "bank", fingerprint: "",
            entities: [
                .init(
                    name: name("Account"), key: .uint,
                    fields: [member("owner", owner), member("balance", money)], derived: [])
            ],
            operations: [
                .init(
                    name: "open",
                    parameters: [
                        member("account", .uint), member("owner", owner),
                        member("credit_limit", money),
                    ]),
                .init(
                    name: name("transfer"),
                    parameters: [
                        member("from", account), member("to", account), member("amount", money),
                    ]),
                .init(
                    name: "deposit",
                    parameters: [member("account", account), member("amount", money)]),
            ],
            text: "")
    }
}
