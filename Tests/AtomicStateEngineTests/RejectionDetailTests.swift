import AtomicStateEngine
import AtomicStateSchema
import Testing

/// What a rejection shows of the state: values before and now, the limit, and the rule's own words.
@Suite struct RejectionDetailTests {
    @Test func valuesBeforeAndNow() throws {
        let checked = try ClubSchema.checked()
        try checked.accept("score", 10, 55)
        let rejection = try checked.reject("score", 11, 33)
        #expect(rejection.rule == "limit" && rejection.entityKey == "north")
        #expect(rejection.message == "101 of 100 points, 2 clubs in {north}")
        #expect(
            rejection.observations.map(\.name) == [
                "self.points", "self.limit", "self.clubs", "self.key",
            ])
        #expect(rejection.observations.map(\.value) == ["101", "100", "2", "north"])
        // A key is what it was.
        #expect(rejection.observations.map(\.before) == ["68", "100", "2", nil])
        #expect(rejection.value == "101" && rejection.limit == "100")
    }

    /// An entity that was not there has no values from before.
    @Test func ofANewEntity() throws {
        let checked = try ClubSchema.checked()
        let rejection = try checked.reject("player", 12, 1, -1)
        #expect(rejection.observations.map(\.value) == ["-1"])
        #expect(rejection.observations.map(\.before) == [nil])
        #expect(rejection.value == "-1" && rejection.limit == "0")
    }

    @Test func withoutAMessage() throws {
        let checked = try ClubSchema.checked()
        let rejection = try checked.reject("score", 10, -6)
        #expect(rejection.message == "the invariant would not hold")
        #expect(rejection.observations.map(\.before) == ["5"])
    }

    struct Case: CustomTestStringConvertible {
        let rule: String
        var message = "m"
        var value: String?
        var limit: String?
        var shown = "m"
        var code = RejectionCode.invariantViolated

        var testDescription: String { rule }
    }

    /// Of an entity with a = 5, b = 3, money = 2.50, a total of 7, and nothing else.
    static let cases = [
        Case(rule: "self.a <= self.b", value: "5", limit: "3"),
        Case(rule: "self.b >= self.a", value: "3", limit: "5"),
        Case(rule: "4 >= self.a", value: "5", limit: "4"),
        Case(rule: "self.b >= self.total", value: "7", limit: "3"),
        Case(rule: "self.total <= self.b && self.a < 100", value: "7", limit: "3"),
        Case(rule: "self.total + self.a <= self.b * 2", value: "12", limit: "6"),
        Case(rule: "self.a < 5 && self.b < 100"),
        Case(rule: "self.total < 7 && self.total > 100"),
        Case(rule: "self.a == 4"),
        Case(rule: "self.money <= 1.5", value: "2.50", limit: "1.50"),
        Case(rule: "double(self.a) * 0.5 < 2.0", value: "2.5", limit: "2"),
        Case(rule: "duration('1h') < self.span", value: "60s", limit: "3600s"),
        Case(
            rule: "self.a / (self.b - 3) < 4", limit: "4", code: .divisionByZero),
        Case(rule: "self.none < 4", limit: "4", code: .valueAbsent),
        Case(rule: "self.least > 8", value: "7", limit: "8"),
        Case(
            rule: "self.a < 5", message: "{self.b}/{self.none}/{self.money} {{}} {self.key}",
            value: "5", limit: "5", shown: "3/no value/2.50 {} 1"),
        Case(rule: "self.a < 5", message: "{self.a}{self.a}", value: "5", limit: "5", shown: "55"),
        Case(rule: "self.a < 5", message: "é {{", value: "5", limit: "5", shown: "é {"),
        Case(
            rule: "self.a < 5", message: "{ self.span } {self.least}", value: "5", limit: "5",
            shown: "60s 7"),
    ]

    @Test(arguments: cases) func limit(_ expected: Case) throws {
        let checked = try CheckedEngine(
            """
            schema: 1
            name: limits
            entities:
              A:
                key: uint64
                generic: true
                fields:
                  a: { type: int, default: 0 }
                  b: { type: int, default: 3 }
                  money: { type: decimal, scale: 2, default: 2.5 }
                  span: { type: duration, default: 1m }
                  none: { type: int, optional: true }
                derived:
                  total: { sum: B.n, by: a }
                  least: { min: B.n, by: a }
                invariants:
                  - id: i
                    rule: self.a != 5 || (\(expected.rule))
                    message: "\(expected.message)"
              B: { key: uint64, generic: true, fields: { a: { ref: A }, n: int } }
            """)
        try checked.accept([.create(type: 0, fields: [])], 1)
        try checked.accept([.create(type: 1, fields: [0, 1])], 1, 1, 7)
        let rejection = try checked.reject([.set(0, 0)], 1, 5)
        #expect(rejection.code == expected.code)
        #expect(rejection.value == expected.value)
        #expect(rejection.limit == expected.limit)
        #expect(rejection.message == expected.shown)
        let before = rejection.observations.first { $0.name == "self.a" }?.before
        #expect(before == "0")
    }

    /// A requirement has no entity of its own, and so nothing from before.
    @Test func requirements() throws {
        let checked = try ClubSchema.checked()
        let rejection = try checked.reject("later", 10, .time(.init(seconds: 9, nanoseconds: 0)))
        #expect(rejection.observations.allSatisfy { $0.before == nil })
        #expect(rejection.value == "1970-01-01T00:00:00Z")
        #expect(rejection.limit == "1970-01-01T00:00:09Z")
    }
}
