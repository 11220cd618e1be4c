import Testing

@testable import AtomicStateSchema

@Suite struct LimitTests {
    private func file(fields: String = "", invariants: String = "", operations: String = "{}")
        -> String
    {
        """
        schema: 1
        name: test
        entities:
          A:
            key: string
            fields: {\(fields)}
            invariants: [\(invariants)]
        operations: \(operations)

        """
    }

    private func repeated(_ count: Int, _ item: (Int) -> String) -> String {
        (0..<count).map(item).joined(separator: ", ")
    }

    private func rule(_ text: String) -> String {
        file(invariants: "{ id: i, rule: '\(text)' }")
    }

    private func operation(_ body: String) -> String {
        file(operations: "{ o: { \(body) } }")
    }

    static let counts: [(what: String, limit: Int, file: @Sendable (LimitTests, Int) -> String)] = [
        ("fields", 64, { $0.file(fields: $0.repeated($1) { "f\($0): int" }) }),
        ("rules", 64, { $0.file(invariants: $0.repeated($1) { "{ id: i\($0), rule: 'true' }" }) }),
        (
            "operations", 256,
            {
                $0.file(
                    operations: "{ \($0.repeated($1) { "o\($0): { effects: [create A('x')] }" }) }")
            }
        ),
        (
            "parameters", 16,
            {
                $0.operation(
                    "parameters: {\($0.repeated($1) { "p\($0): int" })}, effects: [create A('x')]")
            }
        ),
        (
            "rules", 32,
            {
                let rules = $0.repeated($1) { "{ id: i\($0), rule: 'true' }" }
                return $0.operation("require: [\(rules)], effects: [create A('x')]")
            }
        ),
        ("effects", 32, { $0.operation("effects: [\($0.repeated($1) { _ in "create A('x')" })]") }),
        (
            "values of an enum", 256,
            {
                $0.file(
                    fields:
                        "f: { type: enum, default: v0, values: [\($0.repeated($1) { "v\($0)" })] }")
            }
        ),
        (
            "entities", 64,
            { test, count in
                let entities = (0..<count).map { "  A\($0): { key: string }\n" }.joined()
                return "schema: 1\nname: test\nentities:\n\(entities)"
            }
        ),
    ]

    @Test(arguments: counts.indices) func countsAreBounded(index: Int) {
        let (what, limit, file) = Self.counts[index]
        #expect(Fixture.mistakes(file(self, limit)).isEmpty)
        #expect(
            Fixture.diagnostics(of: file(self, limit + 1)).map(\.message)
                == ["too many \(what); the limit is \(limit)"])
    }

    @Test func theFirstBeyondTheLimitIsNamed() {
        #expect(
            Fixture.mistakes(file(fields: repeated(65) { "f\($0): int" }))
                == ["6:644: too many fields; the limit is 64"])
    }

    @Test func namesAndTextsAreBounded() {
        let longest = String(repeating: "a", count: 64)
        #expect(Fixture.mistakes(file(fields: "\(longest): int")).isEmpty)
        #expect(
            Fixture.mistakes(file(fields: "\(longest)a: int"))
                == ["6:14: '\(longest.prefix(32))...' is longer than 64 bytes"])
        let filler = String(repeating: "x", count: 4_096 - 7)
        #expect(Fixture.mistakes(rule("true //\(filler)")).isEmpty)
        #expect(
            Fixture.mistakes(rule("true //\(filler)x"))
                == ["7:33: a rule has at most 4096 bytes"])
        let message = String(repeating: "m", count: 1_025)
        #expect(
            Fixture.mistakes(file(invariants: "{ id: i, rule: 'true', message: \(message) }"))
                == ["7:50: a message has at most 1024 bytes"])
    }

    /// The column of the mistake follows from where the parser gives up, and is not of interest.
    @Test func rulesAreBounded() {
        func messages(_ text: String) -> [String] {
            Fixture.diagnostics(of: rule(text)).map(\.message)
        }
        func nested(_ count: Int) -> String {
            String(repeating: "(", count: count) + "true" + String(repeating: ")", count: count)
        }
        let tooDeep = ["the expression nests too deeply; the limit is 64"]
        let tooLong = ["the expression is too long; it may have 512 parts"]
        #expect(messages(nested(63)).isEmpty)
        #expect(messages(nested(64)) == tooDeep)
        #expect(messages(nested(2_000)) == tooDeep)
        #expect(messages(String(repeating: "!", count: 63) + "true").isEmpty)
        #expect(messages(String(repeating: "!", count: 64) + "true") == tooDeep)
        #expect(messages(String(repeating: "!", count: 4_000) + "true") == tooDeep)
        #expect(messages("1" + String(repeating: "+1", count: 100) + " > 0") == tooDeep)
        #expect(messages(String(repeating: "[", count: 4_000)) == tooDeep)
        #expect(messages(String(repeating: "true?true:", count: 100) + "true") == tooDeep)
        // A chain of && is balanced: its length counts, not its depth.
        #expect(messages("true" + String(repeating: "&&true", count: 255)).isEmpty)
        #expect(messages("true" + String(repeating: "&&true", count: 256)) == tooLong)
        #expect(messages("1 in [" + String(repeating: "1,", count: 600) + "]") == tooLong)
    }

    @Test func filesAreBounded() {
        let comment = "#" + String(repeating: "x", count: Limits.File.byteCount)
        #expect(
            Fixture.mistakes(comment) == ["1:1: the file has 1048577 bytes; the limit is 1048576"])
        let nodes = String(repeating: "- a\n", count: Limits.File.nodeCount)
        #expect(
            Fixture.mistakes(nodes)
                == ["65536:3: the file has too many nodes; the limit is 65536"])
        #expect(
            Fixture.mistakes(String(repeating: "[", count: 17) + String(repeating: "]", count: 17))
                == ["1:17: the file nests too deeply; the limit is 16"])
        #expect(
            Fixture.mistakes(String(repeating: "[", count: 500_000))
                == ["1:1: the file nests too deeply; the limit is 16"])
        #expect(
            Fixture.mistakes(String(repeating: "- ", count: 500_000))
                == ["1:1999: the file nests too deeply; the limit is 16"])
    }

    /// Nine levels of nine references each would stand for 387 million nodes, as values or as a key.
    @Test(arguments: ["z: *a8", "? *a8\n: z"]) func aliasBombsAreRefusedUnexpanded(last: String) {
        var bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...8 {
            let references = String(repeating: "*a\(level - 1), ", count: 9)
            bomb += "a\(level): &a\(level) [\(references)]\n"
        }
        #expect(
            Fixture.mistakes(bomb + last)
                == ["1:5: anchors and aliases are not allowed; repeat the value"])
        let clock = ContinuousClock()
        #expect(clock.measure { _ = Fixture.mistakes(bomb + last) } < .seconds(1))
    }

    @Test func limitsFitTogether() {
        #expect(Limits.Value.stringByteCountDefault <= Limits.Value.stringByteCount)
        #expect(Limits.Value.keyByteCount <= Limits.Value.stringByteCount)
        #expect(Limits.Rule.byteCount <= Limits.File.byteCount)
        #expect(Limits.Rule.depth <= Limits.Rule.nodeCount)
        #expect(Int64("1" + String(repeating: "0", count: Limits.Value.decimalScale)) != nil)
    }

    /// However the totals are spread over the types that hold them.
    @Test func totalsOverOneTypeAreBounded() {
        func file(_ count: Int) -> String {
            let holders = (0..<5).map { holder in
                let totals = (0..<16).filter { holder * 16 + $0 < count }
                    .map { "t\($0): { count: S, by: r\(holder) }" }.joined(separator: ", ")
                return "  H\(holder): { key: string, derived: {\(totals)} }\n"
            }
            let references = repeated(5) { "r\($0): { ref: H\($0) }" }
            return "schema: 1\nname: test\nentities:\n\(holders.joined())"
                + "  S: { key: string, fields: {\(references)} }\n"
        }
        #expect(Fixture.mistakes(file(64)).isEmpty)
        #expect(
            Fixture.diagnostics(of: file(65)).map(\.message)
                == ["65 derived values are over S; the limit is 64"])
    }

    /// An operation that can break very many long rules has a place and a message, too.
    @Test func routinesAreBounded() throws {
        let rule = Array(repeating: "self.v > -1000", count: 60).joined(separator: " && ")
        let invariants = (0..<64).map { "      - { id: i\($0), rule: \(rule) }\n" }.joined()
        let parameters = repeated(16) { "p\($0): { ref: A }" }
        let effects = (0..<16).map { "      - p\($0).v += 1\n" }.joined()
        let text =
            "schema: 1\nname: test\nentities:\n  A:\n    key: string\n    fields: { v: int }\n"
            + "    invariants:\n\(invariants)operations:\n  o:\n    parameters: {\(parameters)}\n"
            + "    effects:\n\(effects)"
        let error = #expect(throws: SchemaError.self) { try CompiledSchema(text: text) }
        let diagnostic = try #require(error?.diagnostics.first)
        #expect(diagnostic.location.line == 73)
        #expect(diagnostic.message.hasPrefix("operation 'o' and the rules that it can break take"))
    }
}
