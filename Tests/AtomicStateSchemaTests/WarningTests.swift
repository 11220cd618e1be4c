import Testing

@testable import AtomicStateSchema

/// Rules that can never be true, or always are, get a warning; no others do.
@Suite struct WarningTests {
    /// A schema with a rule in one place; a rule that is not given has nothing to be warned of.
    private static func file(
        invariant: String = "self.n < 5", condition: String = "self.n < 5",
        requirement: String = "n < 5"
    ) -> String {
        """
        schema: 1
        name: test
        entities:
          Owner:
            key: uint64
            fields:
              limit: { type: int, optional: true }
            derived:
              count: { count: Thing, by: owner }
              sum: { sum: Thing.n, by: owner }
              few:
                count: Thing
                by: owner
                where: |
                  \(condition)
            invariants:
              - { id: counted, rule: 'self.count <= 10 && self.sum < 100' }
          Thing:
            key: string
            fields:
              owner: { ref: Owner }
              n: int
              m: int
              d: { type: decimal, scale: 2 }
              b: bool
              plan: { type: enum, values: [a, b, c] }
              text: string
              short: { type: string, max_length: 3 }
              data: { type: bytes, max_length: 3 }
              id: uuid
              at: timestamp
              span: duration
              opt: { type: int, optional: true }
              flag: { type: bool, optional: true }
            derived:
              parts: { count: Part, by: thing }
              weight: { sum: Part.weight, by: thing }
            invariants:
              - id: rule
                rule: |
                  \(invariant)
          Part:
            key: uint64
            fields:
              thing: { ref: Thing }
              weight: int
        operations:
          change:
            parameters:
              thing: { ref: Thing }
              other: { ref: Thing }
              n: int
              u: uint64
              b: bool
              plan: { type: enum, values: [a, b, c] }
              short: { type: string, max_length: 3 }
            require:
              - id: rule
                rule: |
                  \(requirement)
            effects:
              - thing.n = n

        """
    }

    private static func warnings(_ text: String) throws -> [Diagnostic] {
        try Schema(parsing: text).warnings
    }

    /// Expects one warning, at the mark in the rule.
    private static func expect(
        _ finding: RuleAnalyzer.Finding, _ marked: String, _ file: (String) -> String
    ) throws {
        let found = try warnings(file(marked.replacing("¦", with: "")))
        let column = try #require(marked.firstIndex(of: "¦")).utf16Offset(in: marked) + 1
        #expect(found.count == 1)
        #expect(found.first.map { $0.location.column - 10 } == column)
        let words =
            switch finding {
            case .neverTrue: " can never be true: "
            case .alwaysTrue: " is always true: "
            }
        #expect(found.first?.message.contains(words) == true, "\(found)")
    }

    // MARK: What is warned of

    /// Each with a mark before the part that the warning is about.
    static let rules: [(String, RuleAnalyzer.Finding)] = [
        // Numbers.
        ("self.n > 5 ¦&& self.n < 3", .neverTrue),
        ("self.n >= 0 ¦|| self.n < 10", .alwaysTrue),
        ("self.n > 5 ¦&& self.m > 5 && self.n == 5", .neverTrue),
        ("self.n == 4 ¦&& self.n != 4", .neverTrue),
        ("self.n != 4 ¦&& self.n == 4", .neverTrue),
        ("self.n >= 4 && self.n <= 5 ¦&& self.n != 4 && self.n != 5", .neverTrue),
        ("(self.n > 5 || self.m > 5) ¦&& self.n < 3 && self.m < 3", .neverTrue),
        ("¦!(self.n >= 0 || self.n < 10)", .neverTrue),
        ("¦!(self.n > 5 && self.n < 3)", .alwaysTrue),
        ("5 < self.n ¦&& 3 > self.n", .neverTrue),
        ("self.n > self.m ¦&& self.n < 0 && self.m > 0", .neverTrue),
        ("self.n + 1 > 5 ¦&& self.n < 3", .neverTrue),
        ("-self.n > 5 ¦&& self.n > 0", .neverTrue),
        ("self.n % 3 ¦== 3", .neverTrue),
        ("self.n ¦< -9223372036854775808", .neverTrue),
        ("self.n ¦<= 9223372036854775807", .alwaysTrue),
        ("self.n / 2 ¦< 5000000000000000000", .alwaysTrue),
        ("self.n * self.n > 5 && ¦false", .neverTrue),
        ("self.d > 1.5 ¦&& self.d < 1.5", .neverTrue),
        ("self.d > self.n ¦&& self.n > 5 && self.d < 4.5", .neverTrue),
        ("self.n in [1, 2, 3] ¦&& self.n > 3", .neverTrue),
        ("self.n in [1, 2] ¦|| !(self.n in [2, 1])", .alwaysTrue),
        ("self.n ¦in [self.m, self.n]", .alwaysTrue),
        ("[self.n, 3][2] ¦== 3", .neverTrue),
        // Constants.
        ("¦true", .alwaysTrue),
        ("¦false", .neverTrue),
        ("1 ¦> 2", .neverTrue),
        ("1 / 0 ¦== 1", .neverTrue),
        ("'a' ¦< 'b'", .alwaysTrue),
        ("¦true || self.n > 5", .alwaysTrue),
        ("self.n > 5 && ¦false", .neverTrue),
        // Paths with themselves, before and after.
        ("self.n ¦== self.n", .alwaysTrue),
        ("self.owner ¦== self.owner", .alwaysTrue),
        ("self ¦== oldSelf", .alwaysTrue),
        ("self.text ¦!= self.text", .neverTrue),
        ("self.n ¦< self.n", .neverTrue),
        ("oldSelf.n > 5 ¦&& oldSelf.n < 3", .neverTrue),
        // Bools.
        ("self.b ¦&& !self.b", .neverTrue),
        ("self.b ¦|| !self.b", .alwaysTrue),
        ("self.b == true ¦&& self.b == false", .neverTrue),
        ("self.b ¦== !self.b", .neverTrue),
        ("(self.n > 3) == (self.n > 3 && self.n < 9) ¦&& self.n > 20", .neverTrue),
        ("self.b ¦? self.n > 5 && self.n < 3 : false", .neverTrue),
        ("self.b ¦? self.b : !self.b", .alwaysTrue),
        // Enumerations.
        ("self.plan != 'a' ¦|| self.plan != 'b'", .alwaysTrue),
        ("self.plan == 'a' ¦&& self.plan == 'b'", .neverTrue),
        ("self.plan != 'a' ¦&& self.plan != 'b' && self.plan != 'c'", .neverTrue),
        ("self.plan ¦in ['a', 'b', 'c']", .alwaysTrue),
        ("string(self.plan) ¦== 'd'", .neverTrue),
        // Texts.
        ("self.text == 'a' ¦&& self.text == 'b'", .neverTrue),
        ("self.text != 'a' ¦|| self.text != 'b'", .alwaysTrue),
        ("self.short ¦== 'four'", .neverTrue),
        ("self.short ¦in ['four', 'fives']", .neverTrue),
        ("self.text == 'abc' ¦&& size(self.text) > 3", .neverTrue),
        ("self.text.size() > 3 ¦&& self.text == 'abc'", .neverTrue),
        ("size(self.text) ¦>= 0", .alwaysTrue),
        ("self.text.size() ¦> 256", .neverTrue),
        ("self.short.size() ¦> 3", .neverTrue),
        ("self.short.size() > 2 ¦&& self.short.size() < 2", .neverTrue),
        ("self.text != '' ¦&& self.text.size() == 0", .neverTrue),
        ("size(self.data) ¦> 3", .neverTrue),
        ("self.data ¦== b'abcd'", .neverTrue),
        ("self.key.size() ¦> 256", .neverTrue),
        ("bytes(self.id).size() ¦<= 16", .alwaysTrue),
        ("size([self.n, 1]) ¦== 3", .neverTrue),
        // Times.
        (
            "self.at > timestamp('2020-01-01T00:00:00Z') ¦&& self.at < timestamp('2019-01-01T00:00:00Z')",
            .neverTrue
        ),
        ("self.span > duration('1h') ¦&& self.span < duration('1m')", .neverTrue),
        ("self.at.getMonth() ¦== 12", .neverTrue),
        ("self.at.getDate() ¦== 0", .neverTrue),
        ("self.at.getHours('+01:00') ¦< 24", .alwaysTrue),
        // Totals.
        ("self.parts ¦>= 0", .alwaysTrue),
        ("self.parts ¦< 0", .neverTrue),
        // Absence: an error that does not decide is no truth.
        ("¦has(self.n)", .alwaysTrue),
        ("has(self.opt) && self.opt > 5 ¦&& self.opt < 3", .neverTrue),
        ("self.opt > 5 ¦&& self.opt < 3", .neverTrue),
        ("!has(self.opt) ¦&& self.opt > 5", .neverTrue),
        ("has(self.opt) ¦&& !has(self.opt)", .neverTrue),
        ("has(self.opt) ¦|| !has(self.opt)", .alwaysTrue),
        ("!has(self.opt) ¦|| self.opt == self.opt", .alwaysTrue),
        ("self.opt == self.opt ¦|| !has(self.opt)", .alwaysTrue),
        ("!has(self.flag) ¦|| self.flag || !self.flag", .alwaysTrue),
    ]

    @Test(arguments: rules) func isWarnedOf(
        rule: String, finding: RuleAnalyzer.Finding
    ) throws {
        try Self.expect(finding, rule) { Self.file(invariant: $0) }
    }

    @Test(arguments: [
        ("u ¦>= 0u", RuleAnalyzer.Finding.alwaysTrue),
        ("u ¦< 0u", .neverTrue),
        ("u > 3u ¦&& int(u) < 2", .neverTrue),
        ("u ¦>= 0", .alwaysTrue),
        ("thing ¦== thing", .alwaysTrue),
        ("short.size() ¦> 3", .neverTrue),
        ("b ¦|| !b", .alwaysTrue),
        ("plan ¦in ['a', 'b', 'c']", .alwaysTrue),
        ("thing.owner.count ¦>= 0", .alwaysTrue),
        ("thing.owner.limit > 5 ¦&& thing.owner.limit < 5", .neverTrue),
        ("n < 0 ¦&& n > 0", .neverTrue),
    ]) func requirementIsWarnedOf(rule: String, finding: RuleAnalyzer.Finding) throws {
        try Self.expect(finding, rule) { Self.file(requirement: $0) }
    }

    @Test func conditionIsWarnedOf() throws {
        try Self.expect(.neverTrue, "self.n > 5 ¦&& self.n < 3") { Self.file(condition: $0) }
        try Self.expect(.alwaysTrue, "self.n > 5 ¦|| self.n < 8") { Self.file(condition: $0) }
    }

    // MARK: What is not

    @Test(arguments: [
        "self.n > 5 && self.n < 7",
        "self.n > 5 || self.n < 5",
        "self.n > 5 && self.m < 3",
        "self.n > 5 && oldSelf.n < 3",
        "self.n >= oldSelf.n",
        "self.b && !oldSelf.b",
        "oldSelf.plan == 'a' || self.plan == 'b'",
        "self.plan != 'a' || self.n < 6",
        "self.plan in ['a', 'b']",
        "self.text.size() > 255",
        "self.text.size() > 0",
        "self.text < 'a'",
        "self.text.startsWith('')",
        "self.parts > 0",
        "self.parts - 3 >= 0",
        // A sum of what may be negative may be negative.
        "self.weight >= 0",
        // True or an error.
        "self.n + 1 > self.n || self.n < 9223372036854775807",
        "self.n / self.m == self.n / self.m || true == self.b",
        "-self.n != 0 || true == self.b",
        "self.opt == self.opt",
        "self.opt > 5 || self.opt <= 5",
        "[1, 1][self.n] == 1",
        "int(self.text) == int(self.text)",
        "self.n * 2 % 2 == 0",
        // False or an error is never true, but an error beside something true is not known to decide.
        "self.opt > 5 || !has(self.opt)",
        "has(self.opt) && self.opt > 5",
        "has(self.opt) == has(oldSelf.opt)",
        // Relations between values are not followed.
        "self.n < self.m && self.m < self.n",
        "double(self.n) < 0.5 && double(self.n) > 1.5",
        // NaN differs from itself.
        "double(self.text) == double(self.text)",
        "self.at > timestamp('2019-01-01T00:00:00Z')",
        "self.at.getFullYear() > 2019",
        "self.span.getHours() > 23",
        "self.n in [self.m, 3]",
        "self.d >= 0.01 && self.d <= 0.01",
        "self.n > 0.5 && self.n < 2",
        "self.n == 0.5",
        "(self.n > 3) != self.b",
    ]) func isNotWarnedOf(rule: String) throws {
        #expect(try Self.warnings(Self.file(invariant: rule)).map(\.message) == [])
    }

    /// Two parameters may refer to one entity or to two.
    @Test(arguments: ["thing != other", "thing.n > 5 && other.n < 3", "thing.n == other.n"])
    func requirementIsNotWarnedOf(rule: String) throws {
        #expect(try Self.warnings(Self.file(requirement: rule)).map(\.message) == [])
    }

    @Test(arguments: ["bank", "seats"]) func examplesAreNotWarnedOf(name: String) throws {
        #expect(try Self.warnings(Fixture.example(name)).map(\.message) == [])
    }

    // MARK: What a warning looks like

    @Test func rendering() throws {
        let text = Self.file(
            invariant: "self.n > 5 && self.n < 3", condition: "true", requirement: "b || !b")
        let rendered = try Self.warnings(text)
            .rendered(file: "a.yaml", source: text, kind: "warning: ")
        #expect(
            rendered == """
                a.yaml:15:11: warning: the 'where' of 'few' is always true: every Thing takes part
                          true
                          ^
                a.yaml:41:22: warning: 'rule' can never be true: no Thing that it is judged for \
                satisfies it
                          self.n > 5 && self.n < 3
                                     ^
                a.yaml:60:13: warning: 'rule' is always true: it rejects nothing
                          b || !b
                            ^

                """)
    }

    /// Nesting in which each level is looked at twice ends, and is no reason for a warning.
    @Test func effortIsBounded() throws {
        let opening = String(repeating: "self.n + self.m > 5 && (self.opt < 3 || (", count: 25)
        let closing = String(repeating: "))", count: 25)
        let schema = try Schema(parsing: Self.file(invariant: opening + "self.b" + closing))
        let duration = ContinuousClock().measure { #expect(schema.warnings == []) }
        #expect(duration < .seconds(5))
    }
}

/// Types that can have no entity, because each would need another first.
@Suite struct CreationWarningTests {
    @Test(arguments: [
        ("manager: { ref: Person }", ["'manager' needs another Person"]),
        ("manager: { ref: Person, optional: true }", []),
        ("house: { ref: House }", ["'house' needs a House", "'owner' needs a Person"]),
        ("town: { ref: Town }", []),
    ])
    func firstEntity(field: String, expected: [String]) throws {
        let schema = try Schema(
            parsing: """
                schema: 1
                name: test
                entities:
                  Town: { key: string }
                  House: { key: string, fields: { town: { ref: Town }, owner: { ref: Person } } }
                  Person: { key: string, fields: { \(field) } }
                """)
        let found = schema.warnings.map(\.message)
        for part in expected { #expect(found.contains { $0.contains(part) }, "\(found)") }
        // A house needs its owner, so without people there are no houses either.
        let others = found.filter { message in !expected.contains { message.contains($0) } }
        #expect(others.allSatisfy { !expected.isEmpty && $0.contains("no House") }, "\(others)")
    }
}
