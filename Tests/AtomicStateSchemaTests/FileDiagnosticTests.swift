import Testing

@testable import AtomicStateSchema

/// What is said about a mistaken file, and where.
@Suite struct FileDiagnosticTests {
    typealias Case = (file: String, mistakes: [String])

    /// A legal file around one entity `A`, whose body begins on line 5, column 5.
    private static func entity(_ body: String) -> String {
        let lines = body.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n")
        return "schema: 1\nname: test\nentities:\n  A:\n\(lines)\n"
    }

    /// The same around one field `f`, on line 7, whose value begins at column 10.
    private static func field(_ value: String) -> String {
        entity("key: string\nfields:\n  f: \(value)")
    }

    /// The same around one operation `o`, whose body begins on line 9, column 5.
    private static func operation(_ body: String) -> String {
        let lines = body.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n")
        return entity("key: string\nfields: { n: int }") + "operations:\n  o:\n\(lines)\n"
    }

    static let top: [Case] = [
        ("", ["1:1: the file is empty; expected a schema"]),
        ("# nothing\n", ["1:1: the file is empty; expected a schema"]),
        (
            "text",
            [
                "1:1: a schema is a map of schema, name, entities, operations, transaction_invariants; found 'text'"
            ]
        ),
        (
            "- 1",
            [
                "1:1: a schema is a map of schema, name, entities, operations, transaction_invariants; found a list"
            ]
        ),
        (
            "a: 1",
            [
                "1:1: a schema needs 'entities'", "1:1: a schema needs 'name'",
                "1:1: a schema needs 'schema'",
                "1:1: unknown key 'a' of a schema; expected one of schema, name, entities, operations, transaction_invariants",
            ]
        ),
        (
            "schema: 2\nname: Test\nentities: {}\n",
            [
                "1:9: this version reads 'schema: 1'; found '2'",
                "2:7: 'Test' can't name a schema; a name matches [a-z_][a-z0-9_]*",
                "3:11: a schema needs at least one entity",
            ]
        ),
        (
            "schema: '1'\nname:\nentities: [A]\n",
            [
                "1:9: this version reads 'schema: 1'; found '1'",
                "2:6: the schema's name is a text; found nothing",
                "3:11: entities are a map from names; found a list",
            ]
        ),
        (
            entity("key: string") + "transaction_invariants: []\noperation: {}\n",
            [
                "7:1: unknown key 'operation' of a schema; did you mean 'operations'?"
            ]
        ),
    ]

    static let yaml: [Case] = [
        (
            "a: b: c",
            [
                "1:5: not valid YAML: mapping values are not allowed in this context; "
                    + "text that holds ': ' has to be in quotes"
            ]
        ),
        ("a: [1,\n", ["2:1: not valid YAML: did not find expected node content"]),
        ("a: [1,", ["1:7: not valid YAML: did not find expected node content"]),
        ("a: 1\nb: 2\na: 3\n", ["1:1: 'a' is given more than once in one map"]),
        ("a: 1\n---\nb: 2\n", ["2:1: not valid YAML: but found another document"]),
        ("a: \u{1}\n", ["1:4: not valid YAML: control characters are not allowed"]),
        ("a: &x 1\nb: *x\n", ["1:4: anchors and aliases are not allowed; repeat the value"]),
        ("a: '&x'\nb: *x\n", ["2:4: anchors and aliases are not allowed; repeat the value"]),
        ("? *a\n: 1", ["1:3: anchors and aliases are not allowed; repeat the value"]),
        (
            "[a]: 1",
            [
                "1:1: a key has to be a name", "1:1: a schema needs 'entities'",
                "1:1: a schema needs 'name'", "1:1: a schema needs 'schema'",
            ]
        ),
        (
            field("!!str int"),
            [
                "7:10: tags are not allowed, found 'tag:yaml.org,2002:str'; text that begins with '!' has to be in quotes"
            ]
        ),
        (
            field("!mine { type: int }"),
            [
                "7:10: tags are not allowed, found '!mine'; text that begins with '!' has to be in quotes"
            ]
        ),
        (
            field("@int"),
            [
                "7:10: not valid YAML: found character that cannot start any token; text that begins with "
                    + "one of !&*|>%@` has to be in quotes"
            ]
        ),
        (
            field("!has(self.f) || true"),
            [
                "7:24: not valid YAML: did not find expected comment or line break; text that begins with "
                    + "'!' has to be in quotes"
            ]
        ),
        (field("int\n  !x f: int"), ["8:7: 'f' is in this map already"]),
    ]

    static let entities: [Case] = [
        (entity("fields: {}"), ["4:3: an entity needs 'key'"]),
        (entity("key: uuid"), []),
        (
            entity("key: text"),
            ["5:10: unknown key type 'text'; expected one of string, uint64, uuid"]
        ),
        (entity("key: strin"), ["5:10: unknown key type 'strin'; did you mean 'string'?"]),
        (entity("key: [string]"), ["5:10: the type of a key is a text; found a list"]),
        (
            entity("key: string\nunique: []\nfeilds: {}"),
            [
                "7:5: unknown key 'feilds' of an entity; did you mean 'fields'?"
            ]
        ),
        (
            entity("key: string\nfields: { self: int, null: int, Name: int, a-b: int }"),
            [
                "6:15: 'self' is reserved and can't name a field",
                "6:26: 'null' is reserved and can't name a field",
                "6:37: 'Name' can't name a field; a name matches [a-z_][a-z0-9_]*",
                "6:48: 'a-b' can't name a field; a name matches [a-z_][a-z0-9_]*",
            ]
        ),
        (
            "schema: 1\nname: test\nentities:\n  account:\n    key: string\n",
            [
                "4:3: 'account' can't name an entity; a name matches [A-Z][A-Za-z0-9]*"
            ]
        ),
        (
            "schema: 1\nname: test\nentities:\n  A:\n",
            [
                "4:5: an entity is a map of key, fields, derived, unique, invariants, generic; found nothing"
            ]
        ),
    ]

    static let fields: [Case] = [
        (
            field("integer"),
            [
                "7:10: unknown type 'integer'; expected one of bool, int, decimal, string, bytes, enum, timestamp, "
                    + "duration, uuid, ref"
            ]
        ),
        (field("boo"), ["7:10: unknown type 'boo'; did you mean 'bool'?"]),
        (
            field("double"),
            [
                "7:10: 'double' is not supported by this version; "
                    + "expected one of bool, int, decimal, string, bytes, enum, timestamp, "
                    + "duration, uuid, ref"
            ]
        ),
        (
            field("uint64"),
            [
                "7:10: 'uint64' is not supported by this version; "
                    + "expected one of bool, int, decimal, string, bytes, enum, timestamp, "
                    + "duration, uuid, ref"
            ]
        ),
        (field("A"), ["7:10: a reference is written { ref: A }"]),
        (field("{ type: ref }"), ["7:18: a reference is written { ref: Type }"]),
        (field("{ ref: B }"), ["7:17: unknown type 'B'; expected A"]),
        (
            field("{ ref: A, default: x, scale: 2 }"),
            [
                "7:20: a reference has no default", "7:32: 'scale' is not an option of a reference",
            ]
        ),
        (field("{ default: 1 }"), ["7:7: a field has either 'type' or 'ref'"]),
        (field("{ type: int, ref: A }"), ["7:7: a field has either 'type' or 'ref'"]),
        (
            field("[int]"),
            [
                "7:10: a field is a map of type, ref, optional, default, max_length, values, scale; "
                    + "found a list"
            ]
        ),
        (
            field("{ type: int, unique: true, scale: 2, maxlength: 3 }"),
            [
                "7:23: unknown key 'unique' of a field; "
                    + "expected one of type, ref, optional, default, max_length, values, scale",
                "7:37: 'scale' is not an option of int",
                "7:47: unknown key 'maxlength' of a field; did you mean 'max_length'?",
            ]
        ),
        (field("{ type: int, optional: yes }"), ["7:33: 'optional' is true or false; found 'yes'"]),
        (field("{ ref: A, optional: true }"), []),
        (
            field("{ ref: A, optional: maybe }"),
            ["7:30: 'optional' is true or false; found 'maybe'"]
        ),
        (field("decimal"), ["7:10: a decimal needs its scale, as in { type: decimal, scale: 2 }"]),
        (field("{ type: decimal, scale: 19 }"), ["7:34: 'scale' is 0 to 18; found '19'"]),
        (field("{ type: decimal, scale: '2' }"), ["7:34: 'scale' is 0 to 18; found '2'"]),
        (
            field("{ type: string, max_length: 65536 }"),
            [
                "7:38: 'max_length' is 1 to 65535; found '65536'"
            ]
        ),
        (field("enum"), ["7:10: an enum needs its values, as in { type: enum, values: [a, b] }"]),
        (field("{ type: enum, values: [] }"), ["7:32: an enum needs at least one value"]),
        (
            field("{ type: enum, values: [a, b, a, ''] }"),
            [
                "7:39: the value 'a' is declared twice",
                "7:42: a value of an enum has 1 to 64 bytes",
            ]
        ),
    ]

    static let defaults: [Case] = [
        (
            field("{ type: bool, default: yes }"),
            [
                "7:33: a default of bool is true or false; found 'yes'"
            ]
        ),
        (
            field("{ type: int, default: 1.0 }"),
            [
                "7:32: the default has more than 0 fraction digits; found '1.0'"
            ]
        ),
        (
            field("{ type: int, default: '1' }"),
            [
                "7:32: a default of int is a whole number; found '1'"
            ]
        ),
        (
            field("{ type: int, default: 9223372036854775808 }"),
            [
                "7:32: the default does not fit 64 bits; found '9223372036854775808'"
            ]
        ),
        (field("{ type: int, default: ~ }"), ["7:32: a default is one value; found nothing"]),
        (
            field("{ type: decimal, scale: 2, default: 0.125 }"),
            [
                "7:46: the default has more than 2 fraction digits; found '0.125'"
            ]
        ),
        (
            field("{ type: decimal, scale: 2, default: 1e2 }"),
            [
                "7:46: a default of decimal is written as in 12.50; found '1e2'"
            ]
        ),
        (
            field("{ type: decimal, scale: 18, default: 10 }"),
            [
                "7:47: the default does not fit 64 bits; found '10'"
            ]
        ),
        (
            field("{ type: string, default: 12 }"),
            [
                "7:35: a default of string that reads as another type is in quotes; found '12'"
            ]
        ),
        (
            field("{ type: timestamp, default: 2009-02-13 }"),
            [
                "7:38: a default of timestamp is written as in 2009-02-13T23:31:30Z; found '2009-02-13'"
            ]
        ),
        (
            field("{ type: duration, default: 5 }"),
            [
                "7:37: a default of duration is written as in 1h30m; found '5'"
            ]
        ),
        (
            field("{ type: bytes, default: abc }"),
            [
                "7:34: a default of bytes is written in hexadecimal digits; found 'abc'"
            ]
        ),
        (
            field("{ type: uuid, default: 7 }"),
            [
                "7:33: a default of uuid is written as in f81d4fae-7dec-11d0-a765-00a0c91e6bf6; found '7'"
            ]
        ),
        (
            field("{ type: string, max_length: 3, default: four }"),
            [
                "7:50: the default is longer than the field's 3 bytes"
            ]
        ),
        (
            field("{ type: enum, values: [free, paid], default: fre }"),
            [
                "7:55: 'fre' is not a value of the enum; did you mean 'free'?"
            ]
        ),
    ]

    static let derived: [Case] = [
        (
            entity(
                """
                key: string
                fields: { a: { ref: A }, n: int, s: string }
                derived:
                  d: { sum: A.n, by: a }
                  n: { count: A, by: a }
                """),
            [
                "9:7: the name 'n' is declared twice"
            ]
        ),
        (
            entity(
                """
                key: string
                fields: { a: { ref: A }, s: string }
                derived:
                  d: { sum: A.s, by: s }
                  e: { sum: A, by: a }
                  f: { count: B, by: a, min: A.s }
                  g: { by: a }
                  h: { count: A }
                  i: { sum: A.x, by: b, wher: x }
                """),
            [
                "8:19: 'sum' needs a member of int or decimal; this is string",
                "8:26: 'by' needs a reference to A; this is string",
                "9:17: 'sum' names a member of a type, as in Team.seats",
                "10:7: a derived value has one of 'sum', 'count', 'min' and 'max'",
                "11:7: a derived value has one of 'sum', 'count', 'min' and 'max'",
                "12:7: a derived value needs 'by'",
                "13:19: unknown field 'x' of A; expected one of a, s, d, e, f, g, h, i",
                "13:26: unknown field 'b' of A; expected one of a, s",
                "13:29: unknown key 'wher' of a derived value; did you mean 'where'?",
            ]
        ),
    ]

    static let rules: [Case] = [
        (
            entity(
                """
                key: string
                invariants:
                  - { id: a, rule: 'true', message: [] }
                  - { id: a }
                  - { rule: [], ids: b }
                  - true
                  - { id: B, rule: '1' }
                """),
            [
                "7:41: 'message' is a text; found a list",
                "8:9: an invariant needs 'rule'",
                "8:15: the id 'a' is declared twice",
                "9:9: an invariant needs 'id'",
                "9:17: a rule is one text; found a list. Put it in quotes, or after '|'",
                "9:21: unknown key 'ids' of an invariant; did you mean 'id'?",
                "10:9: an invariant is a map of id, rule, message; found 'true'",
                "11:15: 'B' can't name an invariant; a name matches [a-z_][a-z0-9_]*",
                "11:25: a rule needs bool; this is int",
            ]
        ),
        (
            operation(
                """
                parameters: { a: { ref: A }, b: { type: int, default: 1 }, c: { ref: C } }
                require: { id: a }
                effects:
                  - create A('x') { n: 1 }
                  - c.n = b
                """),
            [
                "9:50: unknown key 'default' of a parameter; expected one of type, ref, max_length, values, scale",
                "9:74: unknown type 'C'; expected A",
                "10:14: rules are a list; found a map",
                "12:9: an effect is one text; found a map. Put it in quotes, or after '|'",
            ]
        ),
        (operation("parameters: { a: { ref: A } }"), ["8:3: an operation needs 'effects'"]),
        (operation("effects: []"), ["9:14: an operation needs an effect"]),
        (operation("effects: a.n = 1"), ["9:14: effects are a list; found 'a.n = 1'"]),
    ]

    static let all: [Case] = [top, yaml, entities, fields, defaults, derived, rules].flatMap(\.self)

    @Test(arguments: all)
    func mistakes(_ test: Case) {
        #expect(Fixture.mistakes(test.file) == test.mistakes)
    }

    /// A broken declaration is reported once, not again by every rule that names it.
    @Test func oneMistakeIsReportedOnce() {
        let file =
            Self.entity(
                """
                key: strange
                fields: { a: what, b: { ref: B } }
                derived: { d: { count: B, by: x } }
                invariants:
                  - { id: i, rule: self.a > 0 && self.d > 0 && self.key == 1 && self.b == oldSelf.b }
                """) + "operations: { o: { parameters: { p: what }, effects: [p.x = 1] } }\n"
        #expect(
            Fixture.mistakes(file) == [
                "5:10: unknown key type 'strange'; did you mean 'string'?",
                "6:18: unknown type 'what'; expected one of bool, int, decimal, string, bytes, enum, "
                    + "timestamp, duration, uuid, ref",
                "6:34: unknown type 'B'; expected A",
                "7:28: unknown type 'B'; expected A",
                "10:37: unknown type 'what'; "
                    + "expected one of bool, int, uint64, decimal, string, bytes, enum, timestamp, duration, "
                    + "uuid, ref",
            ])
    }

    @Test func aSchemaWithoutOperationsIsLegal() throws {
        let schema = try Schema(parsing: Self.entity("key: uint64"))
        #expect(schema.operations.isEmpty)
        #expect(schema.entities[0].fields.isEmpty)
    }

    @Test func renderingShowsTheLineAndACaret() {
        let source = "schema: 1\nname: test\nentities:\n  A:\n\tkey: string\n"
        let error = SchemaError(diagnostics: [
            Diagnostic(SourceLocation(line: 2, column: 7), "first"),
            Diagnostic(SourceLocation(line: 5, column: 7), "second"),
            Diagnostic(SourceLocation(line: 6, column: 1), "third"),
        ])
        #expect(
            error.rendered(file: "a.yaml", source: source) == """
                a.yaml:2:7: first
                name: test
                      ^
                a.yaml:5:7: second
                \tkey: string
                \t     ^
                a.yaml:6:1: third

                ^

                """)
    }

    @Test(arguments: [1, 60, 119, 120, 121, 500, 900, 1_000, 1_001])
    func renderingCutsALongLineAroundTheColumn(column: Int) throws {
        let line = (1...1_000).map { $0 == column ? "X" : String($0 % 10) }.joined()
        let location = SourceLocation(line: 1, column: column)
        let error = SchemaError(diagnostics: [Diagnostic(location, "here")])
        let rendered = error.rendered(file: "f", source: line).split(separator: "\n")
        let excerpt = Array(rendered[1])
        #expect(excerpt.count == Limits.Report.excerptColumnCount)
        let caret = try #require(rendered[2].firstIndex(of: "^"))
        let offset = rendered[2].distance(from: rendered[2].startIndex, to: caret)
        #expect(column == 1_001 ? offset == excerpt.count : excerpt[offset] == "X")
    }
}
