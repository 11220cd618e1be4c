import AtomicStateEngine
import AtomicStateSchema
import AtomicStateValues
import ReferenceModel
import Testing

/// What a rejected caller is told: every code once, with the rule, the entity and what the rule read.
@Suite struct RejectionTests {
    struct Case: CustomTestStringConvertible {
        var operation = ""
        /// In place of an operation.
        var steps: [TransactionStep] = []
        let arguments: [Argument]
        let code: RejectionCode
        let rule: String
        var entity = ""
        var message = ""
        var observations: [String] = []

        var testDescription: String { "\(operation)\(arguments): \(code)" }

        func form(in program: Program) throws -> TransactionRun.Form {
            guard steps.isEmpty else { return .steps(steps) }
            return .operation(try #require(program.operation(named: operation)))
        }
    }

    static let cases = [
        Case(
            operation: "set", arguments: [1, -1, 0], code: .invariantViolated, rule: "positive",
            entity: "Item 1", message: "an item has no debt",
            observations: ["self.count=-1", "self.price=2.50"]),
        Case(
            operation: "set", arguments: [1, 3, 7], code: .requirementFailed, rule: "not_seven",
            message: "the requirement does not hold",
            observations: ["ban=7", "item.name=naïve", "item.owner.key=ann", "item.owner.items=1"]),
        Case(
            operation: "trade", arguments: [1, 3], code: .requirementFailed, rule: "one_owner",
            message: "the requirement does not hold",
            observations: ["first.owner=ann", "second.owner=bob"]),
        Case(
            operation: "set", arguments: [9, 3, 0], code: .entityMissing, rule: "item",
            entity: "Item 9", message: "the entity does not exist"),
        Case(
            operation: "add", arguments: [1, "ann", "x"], code: .entityExists,
            rule: "add.effects[0]", message: "the entity exists already",
            observations: ["Item.key=1"]),
        Case(
            operation: "add", arguments: [2, "nobody", "x"], code: .entityMissing, rule: "owner",
            entity: "Owner nobody", message: "the entity does not exist"),
        Case(
            operation: "set", arguments: [1, .int(.max), 0], code: .arithmeticOverflow,
            rule: "growth", entity: "Item 1", message: "the result does not fit its type",
            observations: ["self.count=9223372036854775807"]),
        Case(
            operation: "set", arguments: [1, 0, 0], code: .divisionByZero, rule: "set.effects[1]",
            message: "division by zero"),
        Case(
            operation: "convert", arguments: [1, -5], code: .conversionFailed, rule: "fits",
            message: "the value has no equal in the target type", observations: ["number=-5"]),
        Case(
            operation: "leave", arguments: ["ann"], code: .entityReferenced, rule: "leave.delete",
            entity: "Owner ann", message: "the entity is still referred to"),
        Case(
            operation: "paint", arguments: [1, 3, 1], code: .argumentOutOfRange, rule: "colour",
            message: "the argument is not a value of its type"),
        Case(
            operation: "paint", arguments: [1, 1, 2], code: .argumentOutOfRange, rule: "glossy",
            message: "the argument is not a value of its type"),
        Case(
            operation: "paint", arguments: [1, 2, 0], code: .invariantViolated, rule: "no_blue",
            entity: "Item 1", message: "the invariant would not hold",
            observations: ["self.colour=blue", "oldSelf.colour=red", "self.glossy=false"]),
        Case(
            operation: "add", arguments: [2, "ann", .text(String(repeating: "x", count: 11))],
            code: .textTooLong, rule: "name", message: "the text has more bytes than its limit"),
        Case(
            operation: "extend", arguments: [1, "éé"], code: .textTooLong,
            rule: "extend.effects[0]", message: "the text has more bytes than its limit"),
        Case(
            operation: "join", arguments: [.text(String(repeating: "k", count: 257))],
            code: .textTooLong, rule: "join.effects[0]",
            message: "the text has more bytes than its limit",
            observations: ["Owner.key=" + String(repeating: "k", count: 256) + "…"]),
        Case(
            operation: "leave", arguments: [.text(String(repeating: "k", count: 257))],
            code: .textTooLong, rule: "owner",
            entity: "Owner " + String(repeating: "k", count: 256),
            message: "the text has more bytes than its limit"),
        Case(
            operation: "add", arguments: [2, "ann", .bytes([0x61, 0xC3])], code: .textMalformed,
            rule: "name", message: "the text is not valid UTF-8"),
        Case(
            operation: "leave", arguments: [.bytes([0x61, 0xFF])], code: .textMalformed,
            rule: "owner", entity: "Owner a\u{FFFD}", message: "the text is not valid UTF-8"),
        Case(
            operation: "weigh", arguments: [4, .int(.max)], code: .arithmeticOverflow,
            rule: "Owner.weight", message: "the result does not fit its type"),
        Case(
            operation: "restrict", arguments: [1, 0], code: .valueAbsent, rule: "within",
            message: "an optional field has no value",
            observations: ["item.limit=no value", "index=0"]),
        Case(
            operation: "pick", arguments: [1, 2], code: .indexOutOfRange, rule: "known",
            message: "the index is not one of the list's", observations: ["index=2"]),
        Case(
            operation: "look",
            arguments: [
                1, .time(TimeValue(seconds: 1, nanoseconds: 500_000_000)),
                .time(TimeValue(seconds: -90, nanoseconds: 0)), .bytes([0, 255]),
                .bytes(Array(repeating: 1, count: 16)),
            ],
            code: .requirementFailed, rule: "seen", message: "the requirement does not hold",
            observations: [
                "at=1970-01-01T00:00:01.5Z", "span=-90s", "tag=00ff",
                "id=01010101-0101-0101-0101-010101010101",
            ]),
        Case(
            operation: "look",
            arguments: [
                1, .time(TimeValue(seconds: 253_402_300_800, nanoseconds: 0)),
                .time(TimeValue(seconds: 0, nanoseconds: 0)), "",
                .bytes(Array(repeating: 1, count: 16)),
            ],
            code: .argumentOutOfRange, rule: "at",
            message: "the argument is not a value of its type"),
        Case(
            operation: "look",
            arguments: [
                1, .time(TimeValue(seconds: 0, nanoseconds: 0)),
                .time(TimeValue(seconds: 0, nanoseconds: 0)), "",
                .bytes(Array(repeating: 1, count: 15)),
            ],
            code: .argumentOutOfRange, rule: "id",
            message: "the argument is not a value of its type"),
        Case(
            operation: "look",
            arguments: [
                1, .time(TimeValue(seconds: 0, nanoseconds: 0)),
                .time(TimeValue(seconds: 0, nanoseconds: 0)), "12345",
                .bytes(Array(repeating: 1, count: 16)),
            ],
            code: .textTooLong, rule: "tag", message: "the text has more bytes than its limit"),
        Case(
            operation: "add", arguments: [2, "ann", "naïve"], code: .notUnique,
            rule: "Item.unique(owner, name)", entity: "Item 2",
            message: "another entity has the same values",
            observations: ["self.owner=ann", "self.name=naïve", "taken_by=1"]),
        Case(
            steps: [
                .update(
                    type: 1, changes: [.init(field: 2, kind: .set)], expectsVersion: true)
            ],
            arguments: [1, 99, 3], code: .versionMismatch, rule: "steps[0]", entity: "Item 1",
            message: "the entity has another version than the one expected",
            observations: ["version=2", "expected=99"]),
        Case(
            steps: [.operation(0), .create(type: 1, fields: [0, 1])],
            arguments: ["carl", 9, "dora", "x"], code: .entityMissing, rule: "steps[1].owner",
            entity: "Owner dora", message: "the entity does not exist"),
    ]

    @Test(arguments: cases)
    func rejection(_ expected: Case) throws {
        var engine = try Self.engine()
        let sequence = engine.lastSequence
        let form = try expected.form(in: Self.program)
        let outcome = try engine.execute([(form, [expected.arguments])])

        let described = outcome.describeRejections(Self.program.schema)
        #expect(described.count == 1)
        let rejection = try #require(described.first)
        #expect(rejection.index == 0)
        #expect(rejection.code == expected.code)
        #expect(rejection.rule == expected.rule)
        let entity = [rejection.entityType, rejection.entityKey].filter { !$0.isEmpty }
        #expect(entity.joined(separator: " ") == expected.entity)
        #expect(rejection.message == expected.message)
        #expect(rejection.observations.map { "\($0.name)=\($0.value)" } == expected.observations)
        #expect(outcome.acceptedCount == 0 && outcome.firstSequence == 0)
        #expect(engine.lastSequence == sequence)
    }

    @Test func everyCodeIsReached() {
        // Those about keys are in OutcomeTests, and what is about the batch in LargeValueTests.
        #expect(
            Set(Self.cases.map(\.code))
                == Set(RejectionCode.allCases.filter { !$0.isAboutKey && $0 != .batchTooLarge }))
    }

    @Test func onlyTheFirstAreDescribed() throws {
        var engine = try Self.engine()
        let operation = try #require(Self.program.operation(named: "set"))
        let outcome = try engine.execute(operation, [[8, 1, 1], [1, 2, 1], [9, 1, 1]])
        #expect(outcome.rejections.map(\.index) == [0, 2])
        #expect(outcome.acceptedCount == 1)
        let described = outcome.describeRejections(Self.program.schema, limit: 1)
        #expect(described.map(\.entityKey) == ["8"])
    }

    /// A state for the cases to break.
    private static func engine() throws -> Engine {
        var engine = Engine(program: program, schemaVersion: testSchemaVersion)
        let setup: [(String, [Argument])] = [
            ("join", ["ann"]), ("add", [1, "ann", "naïve"]), ("join", ["bob"]),
            ("add", [3, "bob", "heavy"]), ("weigh", [3, 1]), ("add", [4, "bob", "light"]),
        ]
        for (name, arguments) in setup {
            let operation = try #require(program.operation(named: name))
            try #require(engine.execute(operation, [arguments]).acceptedCount == 1)
        }
        return engine
    }

    private static let program = {
        do throws(SchemaError) {
            return try Program(compiling: Schema(parsing: text))
        } catch {
            fatalError(error.rendered(file: "rejections", source: text))
        }
    }()

    private static let text = """
        schema: 1
        name: rejections
        entities:
          Owner:
            key: string
            derived:
              items: { count: Item, by: owner }
              weight: { sum: Item.weight, by: owner }
          Item:
            key: uint64
            fields:
              owner: { ref: Owner }
              name: { type: string, max_length: 10 }
              count: { type: int, default: 1 }
              price: { type: decimal, scale: 2, default: 2.5 }
              weight: { type: int, default: 0 }
              colour: { type: enum, values: [red, green, blue], default: red }
              glossy: { type: bool, default: false }
              limit: { type: int, optional: true }
            generic: true
            unique: [[owner, name]]
            invariants:
              - id: growth
                rule: self.count + 1 > 0 || self.count < 0
              - id: positive
                rule: self.count >= 0 && self.price > 0
                message: an item has no debt
              - { id: no_blue, rule: "self.colour != 'blue' || oldSelf.colour == 'blue' || self.glossy" }
        operations:
          join:
            parameters: { owner: { type: string, max_length: 400 } }
            effects: ['create Owner(owner) {}']
          leave:
            parameters: { owner: { ref: Owner } }
            effects: [delete owner]
          add:
            parameters:
              item: uint64
              owner: { ref: Owner }
              name: { type: string, max_length: 10 }
            effects: ['create Item(item) { owner: owner, name: name }']
          trade:
            parameters: { first: { ref: Item }, second: { ref: Item } }
            require: [{ id: one_owner, rule: first.owner == second.owner }]
            effects: [first.price = second.price]
          set:
            parameters: { item: { ref: Item }, count: int, ban: int }
            require:
              - id: not_seven
                rule: ban != 7 || item.name == '' || item.owner.key == '' || item.owner.items > 5
            effects:
              - item.count = count
              - item.price = item.price + item.count / item.count - 1
          convert:
            parameters: { item: { ref: Item }, number: int }
            require: [{ id: fits, rule: uint(number) < 10u }]
            effects: [item.count = number]
          paint:
            parameters:
              item: { ref: Item }
              colour: { type: enum, values: [red, green, blue] }
              glossy: bool
            effects: [item.colour = colour, item.glossy = glossy]
          extend:
            parameters: { item: { ref: Item }, more: string }
            effects: [item.name = item.name + '1' + more]
          weigh:
            parameters: { item: { ref: Item }, weight: int }
            effects: [item.weight = weight]
          restrict:
            parameters: { item: { ref: Item }, index: int }
            require: [{ id: within, rule: item.limit > index }]
            effects: [item.limit = null]
          pick:
            parameters: { item: { ref: Item }, index: int }
            require: [{ id: known, rule: '[1, 2][index] > 0' }]
            effects: [item.count = index]
          look:
            parameters:
              item: { ref: Item }
              at: timestamp
              span: duration
              tag: { type: bytes, max_length: 4 }
              id: uuid
            require:
              - { id: seen, rule: "at - timestamp(0) < span || tag == b'' || id == '00000000-0000-0000-0000-000000000000'" }
            effects: [item.count = 1]
        """
}
