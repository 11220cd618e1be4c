import Testing

@testable import AtomicStateSchema

/// What is said about unique keys, derived values, rules about transactions, messages and generic types.
@Suite struct DeclarationDiagnosticTests {
    struct Case: CustomTestStringConvertible {
        let text: String
        let mistakes: [String]

        init(_ text: String, _ mistakes: String...) {
            self.text = text
            self.mistakes = mistakes
        }

        var testDescription: String { text }
    }

    /// Three levels, and one operation. What is put in place stands alone on its line.
    private static func file(
        unique: String = "[]", generic: String = "true", derived: String = "{ count: B, by: a }",
        above: String = "{ count: A, by: top }", condition: String = "true",
        message: String = "m", rules: String = "[]"
    ) -> String {
        """
        schema: 1
        name: test
        entities:
          Top:
            key: uint64
            derived:
              value: \(above)
          A:
            key: uint64
            fields: { top: { ref: Top }, n: int, s: string, t: timestamp, o: { type: int, optional: true } }
            derived:
              total: { sum: B.n, by: a }
              least: { min: B.d, by: a }
              x: \(derived)
            unique: \(unique)
            generic: \(generic)
            invariants:
              - id: i
                rule: self.total < 5
                message: \(message)
          B:
            key: string
            fields: { a: { ref: A }, n: int, d: { type: decimal, scale: 2 }, s: string, u: duration, e: { type: enum, values: [p, q] } }
            derived:
              held: { count: C, by: b, where: \(condition) }
              sums: { sum: C.n, by: b }
          C:
            key: string
            fields: { b: { ref: B }, n: int }
        operations:
          o: { parameters: { a: { ref: A } }, effects: [a.n = 1] }
          p: { parameters: { a: { ref: A } }, effects: [a.n = 2] }
        transaction_invariants: \(rules)

        """
    }

    static let unique = [
        Case("[n, [n, s], [top, t], o]"),
        Case("[]"),
        Case("[[n, m]]", "15:18: unknown field 'm' of A; expected one of top, n, s, t, o"),
        Case("[total]", "15:14: 'total' is a derived value; expected a field"),
        Case("[[n, n]]", "15:18: the field 'n' is declared twice"),
        Case("[[]]", "15:14: a unique key needs a field"),
        Case("n", "15:13: unique keys are a list; found 'n'"),
        Case("[{ n: 1 }]", "15:14: a field of a unique key is a text; found a map"),
        Case("[key]", "15:14: unknown field 'key' of A; expected one of top, n, s, t, o"),
        Case("[n, n, n, n, n, n, n, n, n]", "15:38: too many unique keys; the limit is 8"),
    ]

    @Test(arguments: unique) func uniqueKeys(_ test: Case) {
        #expect(Fixture.mistakes(Self.file(unique: test.text)) == test.mistakes)
    }

    static let derived = [
        Case("{ min: B.n, by: a }"), Case("{ max: B.d, by: a, where: self.held > 0 }"),
        Case("{ min: B.u, by: a }"), Case("{ max: B.sums, by: a }"), Case("{ sum: B.sums, by: a }"),
        Case(
            "{ min: B.s, by: a }",
            "14:19: 'min' needs a member of int, decimal, timestamp or duration; this is string"),
        Case(
            "{ max: B.e, by: a }",
            "14:19: 'max' needs a member of int, decimal, timestamp or duration; this is enum"),
        Case(
            "{ max: B.a, by: a }",
            "14:19: 'max' needs a member of int, decimal, timestamp or duration; this is A"),
        Case(
            "{ sum: B.u, by: a }", "14:19: 'sum' needs a member of int or decimal; this is duration"
        ),
        Case(
            "{ min: B.n, max: B.n, by: a }",
            "14:7: a derived value has one of 'sum', 'count', 'min' and 'max'"),
        Case(
            "{ count: B, min: B.n, by: a }",
            "14:7: a derived value has one of 'sum', 'count', 'min' and 'max'"),
        Case("{ min: B, by: a }", "14:17: 'min' names a member of a type, as in Team.seats"),
        Case("{ min: B.n.s, by: a }", "14:17: 'min' names a member of a type, as in Team.seats"),
        Case(
            "{ max: B.none, by: a }",
            "14:19: unknown field 'none' of B; expected one of a, n, d, s, u, e, held, sums"),
        Case(
            "{ max: B.n, by: held }",
            "14:26: unknown field 'held' of B; expected one of a, n, d, s, u, e"),
        Case(
            "{ sum: B.n, by: a, where: self.a.n > 0 }",
            "14:43: a rule of B may read only the B itself, not its A; "
                + "state a limit over many B entities on A, with a derived value"),
    ]

    @Test(arguments: derived) func derivedValues(_ test: Case) {
        #expect(Fixture.mistakes(Self.file(derived: test.text)) == test.mistakes)
    }

    @Test func levels() throws {
        let schema = try Schema(
            parsing: Self.file(
                derived: "{ max: B.sums, by: a }", above: "{ min: A.least, by: top }",
                condition: "self.n > 0"))
        #expect(schema.entities[0].derived[0].function == .minimum(.derived(1)))
        #expect(schema.entities[0].derived[0].type == .decimal(scale: 2))
        #expect(schema.entities[1].derived[2].function == .maximum(.derived(1)))
        #expect(schema.entities[1].derived.map(\.function.isOptional) == [false, true, true])
    }

    /// Derived values of one type over itself, by the member they add up or by their conditions.
    static let cycles: [(derived: String, mistakes: [String])] = [
        (
            "a: { sum: N.a, by: up }", ["7:20: N.a would be computed from itself"]
        ),
        (
            "a: { sum: N.b, by: up }, b: { max: N.a, by: up }",
            ["7:45: N.a would be computed from itself"]
        ),
        (
            "a: { count: N, by: up, where: self.a > 0 }",
            ["7:10: N.a would be computed from itself"]
        ),
        (
            "a: { count: N, by: up, where: has(self.b) }, b: { min: N.a, by: up }",
            ["7:10: N.a would be computed from itself"]
        ),
        // One that only leads there is not named.
        (
            "b: { sum: N.a, by: up }, a: { count: N, by: up, where: self.a > 0 }",
            ["7:10: N.a would be computed from itself"]
        ),
        ("a: { count: N, by: up }, b: { sum: N.a, by: up, where: self.a > 1 }", []),
        ("b: { sum: N.a, by: up }, a: { count: N, by: up }", []),
    ]

    @Test(arguments: cycles.indices) func cyclesAreRefused(index: Int) {
        let (derived, mistakes) = Self.cycles[index]
        let file = """
            schema: 1
            name: test
            entities:
              N:
                key: uint64
                fields: { up: { ref: N }, n: int }
                derived: { \(derived) }

            """
        let found = Fixture.diagnostics(of: file)
        #expect(found.map(\.message) == mistakes.map { String($0.drop { $0 != " " }.dropFirst()) })
        #expect(found.allSatisfy { $0.location.line == 7 })
    }

    static let rules = [
        Case("[{ id: a, rule: delta(A.n) == 0 }]"),
        Case("[{ id: a, rule: delta(A) <= 1 && delta(B.held) < delta(A.total), only: [o, p] }]"),
        Case("[{ id: a, rule: delta(B.d) < 0.5, except: [o], message: '{delta(B.d)}' }]"),
        Case("[{ id: a, rule: delta(A.o) == 0 }]"),
        Case(
            "[{ id: a, rule: delta(A.least) == 0 }]",
            "33:49: 'delta' adds up; there is no sum of what may have no value"),
        Case(
            "[{ id: a, rule: delta(A.s) == 0 }]",
            "33:49: 'delta' needs int or decimal; this is string"),
        Case(
            "[{ id: a, rule: delta(B.u) == delta(A.n) }]",
            "33:49: 'delta' needs int or decimal; this is duration"),
        Case(
            "[{ id: a, rule: delta(A.none) == 0 }]",
            "33:49: unknown field 'none' of A; expected one of top, n, s, t, o, total, least, x"),
        Case(
            "[{ id: a, rule: delta(D) == 0 }]",
            "33:47: unknown type 'D'; expected one of Top, A, B, C"),
        Case(
            "[{ id: a, rule: delta(A.top.n) == 0 }]",
            "33:53: 'delta' is called as delta(Type.member) or delta(Type)"),
        Case(
            "[{ id: a, rule: delta() == 0 }]",
            "33:41: 'delta' is called as delta(Type.member) or delta(Type)"),
        Case(
            "[{ id: a, rule: 'A.n > 0' }]",
            "33:42: unknown name 'A'"),
        Case(
            "[{ id: a, rule: self.n == 0 }]",
            "33:41: a rule about a transaction reads changes, as in delta(Team.seats)"),
        Case(
            "[{ id: a, rule: now > timestamp(0) }]",
            "33:41: a rule about a transaction reads changes, as in delta(Team.seats)"),
        Case("[{ id: a, rule: delta(A.n) }]", "33:41: a rule needs bool; this is int"),
        Case(
            "[{ id: a, rule: 'true', only: [o], except: [p] }]",
            "33:68: a transaction invariant has 'only' or 'except', not both"),
        Case(
            "[{ id: a, rule: 'true', only: [q] }]",
            "33:56: unknown operation 'q'; expected one of o, p"),
        Case(
            "[{ id: a, rule: 'true', except: [] }]",
            "33:57: operations of 'except' are at least one"),
        Case(
            "[{ id: a, rule: 'true', only: o }]",
            "33:55: operations of 'only' are a list; found 'o'"),
        Case(
            "[{ id: a, rule: 'true' }, { id: a, rule: 'true' }]",
            "33:57: the id 'a' is declared twice"),
        Case("[{ id: a }]", "33:26: a transaction invariant needs 'rule'"),
        Case("{ id: a }", "33:25: transaction invariants are a list; found a map"),
        Case(
            "[{ id: a, rule: 'true', where: x }]",
            "33:49: unknown key 'where' of a transaction invariant; "
                + "expected one of id, rule, message, only, except"),
    ]

    @Test(arguments: rules) func transactionRules(_ test: Case) {
        #expect(Fixture.mistakes(Self.file(rules: test.text)) == test.mistakes)
    }

    static let messages = [
        Case("'{self.total} of 5, {self.key} {oldSelf.n} {{}}'"),
        Case("'{self.least}{self.o}{self.top}'"),
        Case(
            "'{self.total'", "20:19: this brace is not closed; a brace that is text is written '{{'"
        ),
        Case("'a } b'", "20:21: this brace closes nothing; a brace that is text is written '}}'"),
        Case(
            "'{self.none}'",
            "20:25: unknown field 'none' of A; expected one of top, n, s, t, o, total, least, x, key"
        ),
        Case(
            "'{self.n + 1}'",
            "20:20: a message shows values that are stored, such as {self.balance}"),
        Case("'{1}'", "20:20: a message shows values that are stored, such as {self.balance}"),
        Case("'{self}'", "20:20: a message shows values that are stored, such as {self.balance}"),
        Case("'{}'", "20:20: expected a value, found the end"),
        Case("'{now}'", "20:20: an invariant holds at any time; 'now' is for operations"),
        Case(
            "'{self.top.value}'",
            "20:29: a rule of A may read only the A itself, not its Top; "
                + "state a limit over many A entities on Top, with a derived value"),
        Case("'{delta(A.n)}'", "20:20: 'delta' is for transaction_invariants"),
        Case(
            "'\(String(repeating: "{self.n}", count: 17))'",
            "20:19: a message shows at most 16 values"),
        Case("'\(String(repeating: "{self.n}", count: 16))'"),
    ]

    @Test(arguments: messages) func messageTemplates(_ test: Case) {
        #expect(Fixture.mistakes(Self.file(message: test.text)) == test.mistakes)
    }

    @Test func messagesAreTemplates() throws {
        let schema = try Schema(parsing: Self.file(message: "'a {self.total}{{ }}{self.n}'"))
        let message = try #require(schema.entities[1].invariants[0].message)
        let parts = message.parts.map { part in
            switch part {
            case .text(let text): text
            case .value(let value): "<\(value.sketch)>"
            }
        }
        #expect(parts == ["a ", "<self.d0>", "{ }", "<self.f1>"])
    }

    static let generic = [
        Case("true"), Case("false"),
        Case("yes", "16:14: 'generic' is true or false; found 'yes'"),
        Case("'true'", "16:14: 'generic' is true or false; found 'true'"),
        Case("[]", "16:14: 'generic' is true or false; found a list"),
    ]

    @Test(arguments: generic) func genericTypes(_ test: Case) {
        #expect(Fixture.mistakes(Self.file(generic: test.text)) == test.mistakes)
    }

    // MARK: Steps

    static let refusedSteps: [(step: TransactionStep, message: String)] = [
        (.operation(2), "here: operation 2: the schema has 2 operations"),
        (.operation(-1), "here: operation -1: the schema has 2 operations"),
        (.create(type: 4, fields: []), "here: entity type 4: the schema has 4 types"),
        (
            .delete(type: 2, expectsVersion: false),
            "here: B is changed by operations only; the schema allows generic steps on a type with "
                + "'generic: true'"
        ),
        (.create(type: 1, fields: [0, 1, 2]), "here: A.t needs a value"),
        (.create(type: 1, fields: [0, 1, 2, 3, 1]), "here: A.n is given twice"),
        (.create(type: 1, fields: [5]), "here: field 5: A has 5 fields"),
        (
            .update(type: 1, changes: [], expectsVersion: true),
            "here: an update of A changes at least one field"
        ),
        (
            .update(
                type: 1, changes: [.init(field: 1, kind: .set), .init(field: 1, kind: .add)],
                expectsVersion: false),
            "here: A.n is changed twice"
        ),
        (
            .update(type: 1, changes: [.init(field: 2, kind: .add)], expectsVersion: false),
            "here: nothing can be added to A.s"
        ),
        (
            .update(type: 1, changes: [.init(field: 3, kind: .add)], expectsVersion: false),
            "here: nothing can be added to A.t"
        ),
        (
            .update(type: 1, changes: [.init(field: 1, kind: .clear)], expectsVersion: false),
            "here: A.n always has a value"
        ),
        (
            .update(type: 1, changes: [.init(field: -1, kind: .set)], expectsVersion: false),
            "here: field -1: A has 5 fields"
        ),
    ]

    @Test(arguments: refusedSteps.indices) func refusedStep(index: Int) throws {
        let schema = try Schema(parsing: Self.file())
        let error = #expect(throws: StepError.self) {
            try schema.operation(of: Self.refusedSteps[index].step, at: "here")
        }
        #expect(error?.description == Self.refusedSteps[index].message)
    }

    @Test func stepsAreOperations() throws {
        let schema = try Schema(parsing: Self.file())
        func sketch(_ step: TransactionStep) throws -> [String] {
            let operation = try schema.operation(of: step, at: "here")
            let parameters = operation.parameters.map { "\($0.name): \($0.type)" }
            return [parameters.joined(separator: ", ")] + operation.effects.map(\.sketch)
        }
        #expect(try schema.operation(of: .operation(1), at: "here").name == "p")
        #expect(
            try sketch(.create(type: 1, fields: [3, 0, 1, 2])) == [
                "key: uint, t: timestamp, top: entity(0), n: int, s: string",
                "create 1($0) {$2, $3, $4, $1, null}",
            ])
        let changes: [TransactionStep.FieldChange] = [
            .init(field: 4, kind: .clear), .init(field: 1, kind: .add), .init(field: 2, kind: .set),
        ]
        #expect(
            try sketch(.update(type: 1, changes: changes, expectsVersion: false)) == [
                "key: entity(1), n: int, s: string", "$0.f4 = null", "$0.f1 = ($0.f1 + $1)",
                "$0.f2 = $2",
            ])
        #expect(
            try sketch(.delete(type: 1, expectsVersion: false)) == ["key: entity(1)", "delete $0"])
        let expecting = try schema.operation(
            of: .delete(type: 1, expectsVersion: true), at: "here")
        #expect(expecting.parameters.map(\.name) == ["key", "version"])
        #expect(expecting.effects.count == 2)
    }
}
