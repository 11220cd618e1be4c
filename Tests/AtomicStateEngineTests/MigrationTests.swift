import AtomicStateEngine
import AtomicStateSchema
import AtomicStateValues
import ReferenceModel
import Testing

/// The entities of one schema as those of another.
@Suite struct MigrationTests {
    private static let old = """
        schema: 1
        name: shop
        entities:
          Customer:
            key: string
            fields:
              name: { type: string, max_length: 20 }
              limit: { type: decimal, scale: 2, optional: true }
              since: { type: timestamp, default: 2009-02-13T23:31:30.5Z }
          Order:
            key: uint64
            fields:
              customer: { ref: Customer }
              state: { type: enum, values: [open, paid, shipped], default: open }
              units: { type: int, default: 1 }
        operations:
          add:
            parameters: { customer: string, name: string }
            effects: ['create Customer(customer) { name: name }']
          set_limit:
            parameters: { customer: { ref: Customer }, limit: { type: decimal, scale: 2 } }
            effects: [customer.limit = limit]
          order:
            parameters:
              order: uint64
              customer: { ref: Customer }
              state: { type: enum, values: [open, paid, shipped] }
              units: int
            effects: ['create Order(order) { customer: customer, state: state, units: units }']
        """

    /// Everything in another order, with something new at every place.
    private static let new = """
        schema: 1
        name: shop
        entities:
          Note: { key: uuid, fields: { text: string } }
          Order:
            key: uint64
            fields:
              units: { type: int, default: 1 }
              place: { type: string, default: here }
              rank: { type: enum, values: [low, high], default: high }
              due: { type: duration, default: 1h30m }
              code: { type: bytes, default: ab01 }
              price: { type: decimal, scale: 2, default: 12.5 }
              urgent: { type: bool, default: true }
              note: { type: string, optional: true }
              state: { type: enum, values: [shipped, late, open, paid], default: open }
              customer: { ref: Customer }
          Customer:
            key: string
            fields:
              since: { type: timestamp, default: 2009-02-13T23:31:30Z }
              limit: { type: decimal, scale: 2, optional: true }
              name: { type: string, max_length: 40, optional: true }
            derived:
              units: { sum: Order.units, by: customer, where: "self.state != 'open'" }
              orders: { count: Order, by: customer }
            invariants:
              - { id: few, rule: self.units <= 10, message: too many units }
        operations:
          order:
            parameters: { order: uint64, customer: { ref: Customer }, units: int }
            effects: ['create Order(order) { customer: customer, units: units, state: "paid" }']
          remove:
            parameters: { customer: { ref: Customer } }
            effects: [delete customer]
        """

    @Test func everyValueIsInItsPlace() throws {
        let old = try filledEngine()
        var findings = MigrationFindings()
        var new = try migrate(old, to: Self.new, &findings)
        #expect(findings.described == [])
        #expect(new.lastSequence == old.lastSequence)
        #expect(new.entityCount == old.entityCount)
        let orders = new.snapshot(ofType: 1, keys: [1, 2, 3])
        let constants: [Argument] = [
            "here", 1, .time(TimeValue(seconds: 5_400, nanoseconds: 0)), .bytes([0xAB, 1]), 1250, 1,
            .absent,
        ]
        #expect(orders[1]?.version == 4)
        #expect(orders[1]?.values == [7] + constants + [3, "a"])
        #expect(orders[2]?.values == [3] + constants + [0, "a"])
        #expect(orders[3]?.values == [50] + constants + [2, "b"])
        let customers = new.snapshot(ofType: 2, keys: ["a", "b"])
        let since = Argument.time(TimeValue(seconds: 1_234_567_890, nanoseconds: 500_000_000))
        #expect(customers["a"]?.version == 3)
        #expect(customers["a"]?.values == [since, 500, "first", 10, 2])
        #expect(customers["b"]?.values == [since, .absent, "second", 0, 1])

        // References, totals and sequences go on from there.
        let outcome = try new.execute([
            (.operation(0), [[9, "a", 1], [9, "b", 10]]), (.operation(1), [["b"]]),
        ])
        let rejections = outcome.describeRejections(new.program.schema)
        #expect(rejections.map(\.code) == [.invariantViolated, .entityReferenced])
        #expect(outcome.firstSequence == old.lastSequence + 1)
    }

    /// What the rows are written from leads to the same state.
    @Test func everyEntityIsWritten() throws {
        var findings = MigrationFindings()
        var new = try migrate(try filledEngine(), to: Self.new, &findings)
        var storage = RowStorage()
        var taken = storage.beginTaking(from: &new, ofAll: true)
        if var rows = taken.take() {
            new.drain(limit: .max, into: &rows)
            storage.endTaking(rows, isLast: !new.isDraining)
        }
        storage.storePending()
        var loaded = Engine(program: new.program, schemaVersion: new.schemaVersion)
        #expect(try loaded.load(storage.blocks) == 5)
        loaded.resume(after: storage.completeSequence)
        try loaded.finishLoading()
        #expect(loaded.lastSequence == new.lastSequence)
        #expect(loaded.differences(from: new, limit: 10) == [])
    }

    static let violationCases:
        [(what: String, change: (old: String, new: String), found: [String])] = [
            (
                "a rule", ("<= 10", "<= 9"),
                ["Customer a: few: too many units (self.units = 10)"]
            ),
            (
                "a rule that fails", ("self.units <= 10", "self.limit > 1"),
                ["Customer b: few: too many units (self.limit = no value)"]
            ),
            (
                "a shorter text", ("max_length: 40", "max_length: 5"),
                ["Customer b: name has 6 bytes: expected at most 5"]
            ),
            (
                "a required field",
                (
                    "limit: { type: decimal, scale: 2, optional: true }",
                    "limit: { type: decimal, scale: 2 }"
                ),
                ["Customer b: limit has no value, and has to have one"]
            ),
            (
                "a value less", ("[shipped, late, open", "[late, open"),
                ["Order 2: state has a value that the enumeration no longer has"]
            ),
            (
                "a unique key",
                (
                    "{ ref: Customer }\n  Customer:\n",
                    "{ ref: Customer }\n    unique: [[customer]]\n  Customer:\n"
                ),
                ["Order 2: Order.unique(customer): the same as Order 1"]
            ),
            (
                "a least value",
                (
                    "    invariants:\n",
                    """
                          least: { min: Order.units, by: customer }
                        invariants:
                          - { id: least, rule: "!has(self.least) || self.least > 3" }

                    """
                ),
                ["Customer a: least: the invariant would not hold (self.least = 3)"]
            ),
            (
                "a condition that fails", ("self.state != 'open'", "self.note != ''"),
                (1...3).map { "Order \($0): Customer.units: an optional field has no value" }
            ),
        ]

    @Test(arguments: violationCases)
    func violations(
        what: String, change: (old: String, new: String), found: [String]
    ) throws {
        let text = Self.new.replacing(change.old, with: change.new)
        try #require(text != Self.new)
        var findings = MigrationFindings()
        _ = try migrate(try filledEngine(), to: text, &findings)
        #expect(findings.described.sorted() == found)
        var bounded = MigrationFindings(limit: 1)
        _ = try migrate(try filledEngine(), to: text, &bounded)
        #expect(bounded.described.count == 1)
        #expect(bounded.count == found.count)
    }

    @Test func overflowOfANewTotal() throws {
        var old = try filledEngine()
        let outcome = try old.execute(2, [[7, "b", 1, .int(.max)], [8, "b", 1, 1]])
        try #require(outcome.rejections.isEmpty)
        var findings = MigrationFindings()
        _ = try migrate(old, to: Self.new, &findings)
        #expect(findings.described == ["the total Customer.units overflows"])
        #expect(findings.isIncomplete)
    }

    /// A rule about a transition says nothing about data that rests.
    @Test func transitionsAreNotJudged() throws {
        let text = Self.new.replacing("self.units <= 10", with: "oldSelf.units < self.units")
        var findings = MigrationFindings()
        _ = try migrate(try filledEngine(), to: text, &findings)
        #expect(findings.isEmpty)
    }

    /// Of a run, a part is carried out under the old schema and the rest under the new one.
    @Test func transactionsUnderAnotherSchema() throws {
        var old = try engine(Self.old)
        _ = try old.execute([
            (.operation(0), [["a", "first"], ["b", "second"]]),
            (
                .operation(2),
                [
                    [1, "a", 0, 5], [2, "b", 1, 5], [3, "a", 1, 6], [4, "a", 2, 5], [5, "b", 2, 4],
                ]
            ),
            (.steps([.operation(1), .operation(0)]), [["a", 5, "c", "third"]]),
        ])
        let recordBytes = old.closeGroup(firstSequence: 1)
        let text = Self.new.replacing(
            "{ order: uint64, customer: { ref: Customer }, units: int }",
            with: """
                { units: int, customer: { ref: Customer }, order: uint64,
                        state: { type: enum, values: [late, paid, open] } }
                """
        ).replacing("state: \"paid\"", with: #"state: state == "paid" ? "paid" : "late""#)
        let program = try Program(compiling: Schema(parsing: text))
        let memory = ExactMemory(recordBytes)
        defer { withExtendedLifetime(memory) {} }
        let forms = TransactionForms(program: old.program)
        let record = try JournalRecord(memory.bytes, forms: forms)
        let (customers, orders, steps) = (record.runs[0], record.runs[1], record.runs[2])
        var repeated = Engine(program: old.program, schemaVersion: testSchemaVersion)
        for (run, count) in [(customers, 2), (orders, 2)] {
            let outcome = try repeated.tryAgain(
                run, 0..<count, forms.steps(of: run), microseconds: 1)
            #expect(outcome.acceptedCount == count)
        }
        var findings = MigrationFindings()
        var trial = try Engine(
            migrating: repeated, to: program, schemaVersion: testSchemaVersion + 1,
            findings: &findings)
        #expect(findings.isEmpty)
        let change = try TransactionChange(
            of: forms.steps(of: orders), from: old.program.schema, to: program.schema)
        let tried = try trial.tryAgain(orders, 2..<5, as: change, microseconds: 1)
        let rejections = tried.describeRejections(program.schema)
        #expect(rejections.map(\.index) == [1, 2])
        #expect(rejections.map(\.rule) == ["state", "state"])
        #expect(tried.acceptedCount == 1)
        let entities = trial.snapshot(ofType: 1, keys: [3])
        #expect(entities[3]?.values.first == 6)
        #expect(entities[3]?.values.suffix(2) == [3, "a"])

        // Two steps, of which the new schema has the second alone.
        #expect(forms.steps(of: steps) == [.operation(1), .operation(0)])
        #expect(throws: TransactionChangeError.self) {
            try TransactionChange(
                of: forms.steps(of: steps), from: old.program.schema, to: program.schema)
        }
        let same = try TransactionChange(
            of: forms.steps(of: steps), from: old.program.schema, to: old.program.schema)
        let outcome = try repeated.tryAgain(steps, 0..<1, as: same, microseconds: 1)
        #expect(outcome.acceptedCount == 1)
        #expect(repeated.snapshot(ofType: 0, keys: ["c"])["c"]?.values.first == "third")
    }

    private func engine(_ text: String) throws -> Engine {
        Engine(
            program: try Program(compiling: Schema(parsing: text)),
            schemaVersion: testSchemaVersion)
    }

    /// Two customers, of whom one has a limit, and three orders.
    private func filledEngine() throws -> Engine {
        var engine = try engine(Self.old)
        let outcome = try engine.execute([
            (.operation(0), [["a", "first"], ["b", "second"]]),
            (.operation(1), [["a", 500]]),
            (.operation(2), [[1, "a", 1, 7], [2, "a", 2, 3], [3, "b", 0, 50]]),
        ])
        try #require(outcome.rejections.isEmpty)
        _ = engine.closeGroup(firstSequence: 1)
        return engine
    }

    private func migrate(
        _ old: borrowing Engine, to text: String, _ findings: inout MigrationFindings
    ) throws -> Engine {
        try Engine(
            migrating: old, to: try Program(compiling: Schema(parsing: text)),
            schemaVersion: testSchemaVersion + 1, findings: &findings)
    }
}
