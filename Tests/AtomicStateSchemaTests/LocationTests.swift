import Testing

@testable import AtomicStateSchema

/// A place inside a rule is a place in the file, however YAML quotes or folds the rule.
@Suite struct LocationTests {
    /// The rule begins on line 7, at column 15.
    private func mistakes(_ rule: String) -> [String] {
        Fixture.mistakes(
            """
            schema: 1
            name: test
            entities:
              A:
                key: string
                invariants:
                  - rule: \(rule)
                    id: i

            """)
    }

    /// The mistake is always the name `x`; its place is where the `x` stands.
    static let rules: [(String, String)] = [
        ("true && x", "7:23"),
        ("true &&   x", "7:25"),
        ("'true && x'", "7:24"),
        ("'self.key != ''a'' && x'", "7:37"),
        ("\"self.key != 'a' && x\"", "7:35"),
        (#""self.key != \"a\" && x""#, "7:37"),
        (#""self.key != '\x41\u0041\U00000041' && x""#, "7:54"),
        (#""true\n  && x""#, "7:27"),
        ("true &&\n          x", "8:11"),
        ("true\n\n\n          && x", "10:14"),
        ("'true &&\n\n            x'", "9:13"),
        ("\"true &&\\\n            x\"", "8:13"),
        ("|\n          true &&\n            x", "9:13"),
        ("|  # a comment\n          true && x", "8:19"),
        (">-\n          true\n          && x", "9:14"),
        (">\n\n          true\n            && x", "10:16"),
        ("|2\n            true && x", "8:21"),
        ("self.key != 'é🦀' && x", "7:35"),
        ("true // c", ""),
    ]

    @Test(arguments: rules) func place(rule: String, place: String) {
        let message = "unknown name 'x'; expected one of self, oldSelf"
        #expect(mistakes(rule) == (place.isEmpty ? [] : ["\(place): \(message)"]))
    }

    /// YAML puts the lines of these rules together, and the comment would end the rule.
    @Test(arguments: [
        (">-\n          true  // c\n          && x", "8:17"),
        ("true  // c\n          && x", "7:21"),
        ("'true // c\n            && x'", "7:21"),
    ])
    func aCommentThatWouldGoOn(rule: String, place: String) {
        #expect(
            mistakes(rule) == [
                "\(place): the comment would go on to the end of the rule, as its lines are folded into one; "
                    + "write the rule behind '|'"
            ])
    }

    @Test(arguments: [
        "|\n          true // c\n          && true", ">-\n          true\n          // c",
    ])
    func aCommentThatEnds(rule: String) {
        #expect(mistakes(rule) == [])
    }

    @Test func anEmptyRuleHasAPlaceToo() {
        #expect(mistakes("''") == ["7:16: expected a value, found the end"])
        #expect(mistakes("") == ["7:14: expected a value, found the end"])
        #expect(mistakes("|") == ["8:1: expected a value, found the end"])
    }

    @Test(arguments: ["\n", "\r\n", "\r"]) func linesEndAsYAMLSays(lineBreak: String) {
        let file = "schema: 1\nname: test\nentities:\n  A:\n    key: text\n"
            .replacing("\n", with: lineBreak)
        #expect(
            Fixture.mistakes(file)
                == ["5:10: unknown key type 'text'; expected one of string, uint64, uuid"])
    }
}
