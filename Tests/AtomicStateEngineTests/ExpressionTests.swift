import AtomicStateEngine
import AtomicStateSchema
import ReferenceModel
import Testing

/// What each operator and function yields at the edges. A rule is a requirement over `i`, `j` (int), `u`,
/// `v` (uint64), `d` (decimal of scale 2), `s`, `t` (string) and `b` (bool).
@Suite struct ExpressionTests {
    enum Expected: Sendable { case holds, fails, rejects(RejectionCode) }

    struct Values: Sendable {
        var i: Int64 = 7
        var j: Int64 = -2
        var u: UInt64 = 7
        var v: UInt64 = 2
        var d: Int64 = 150
        var s = "é🦀"
        var t = "🦀"
        var b = true
    }

    static let arithmetic: [(String, Values, Expected)] = [
        ("i + j == 5 && i - j == 9 && i * j == -14", Values(), .holds),
        ("i / j == -3 && i % j == 1 && -i / 2 == -3 && -i % 2 == -1", Values(), .holds),
        (
            "u + v == 9u && u - v == 5u && u * v == 14u && u / v == 3u && u % v == 1u", Values(),
            .holds
        ),
        ("i + 1 > i", Values(i: .max), .rejects(.arithmeticOverflow)),
        ("i - 1 < i", Values(i: .min), .rejects(.arithmeticOverflow)),
        ("i * j != 0", Values(i: .min, j: -1), .rejects(.arithmeticOverflow)),
        ("i / j != 0", Values(i: .min, j: -1), .rejects(.arithmeticOverflow)),
        ("i % j == 0", Values(i: .min, j: -1), .rejects(.arithmeticOverflow)),
        ("-i != 0", Values(i: .min), .rejects(.arithmeticOverflow)),
        ("i / j != 0", Values(j: 0), .rejects(.divisionByZero)),
        ("i % j == 0", Values(j: 0), .rejects(.divisionByZero)),
        ("u + v > 0u", Values(u: .max), .rejects(.arithmeticOverflow)),
        ("v - u > 0u", Values(), .rejects(.arithmeticOverflow)),
        ("u * v > 0u", Values(u: 1 << 63), .rejects(.arithmeticOverflow)),
        ("u / v > 0u", Values(v: 0), .rejects(.divisionByZero)),
        ("u % v > 0u", Values(v: 0), .rejects(.divisionByZero)),
        ("d * 0.5 == 0.75 && d + 1 == 2.5 && d - 2 == -0.5 && d > 1", Values(), .holds),
        ("d * d > 0", Values(d: 1 << 40), .rejects(.arithmeticOverflow)),
        ("d < i", Values(i: .max), .rejects(.arithmeticOverflow)),
        ("int(u) == i && uint(i) == u", Values(), .holds),
        ("int(u) > 0", Values(u: 1 << 63), .rejects(.conversionFailed)),
        ("uint(j) > 0u", Values(), .rejects(.conversionFailed)),
    ]

    static let comparisons: [(String, Values, Expected)] = [
        ("j < i && j <= i && i > j && i >= j && i >= i && i <= i && i != j", Values(), .holds),
        ("i > j", Values(i: .min, j: .max), .fails),
        ("u > v", Values(u: .max, v: 1), .holds),
        ("u >= v && v < u && v <= u", Values(u: 1 << 63, v: (1 << 63) - 1), .holds),
        ("s < t && s <= t && t > s && t >= s && s != t", Values(s: "e", t: "é"), .holds),
        ("s < t", Values(s: "", t: "a"), .holds),
        ("s < t", Values(s: "a", t: "a\u{0}"), .holds),
        // By code points, which is not the order of UTF-16.
        ("s < t", Values(s: "\u{FFFD}", t: "🦀"), .holds),
        // One letter in two spellings is two texts.
        ("s == t", Values(s: "é", t: "e\u{301}"), .fails),
        ("false < b && b >= true", Values(), .holds),
        ("i in [1, j, 7]", Values(), .holds),
        ("i in [1, j, 8]", Values(), .fails),
        ("s in ['x', t]", Values(), .fails),
        ("i in [7, i / 0]", Values(), .rejects(.divisionByZero)),
    ]

    static let texts: [(String, Values, Expected)] = [
        ("size(s) == 2 && s.size() == 2 && size('') == 0", Values(), .holds),
        ("s.startsWith('é') && s.endsWith(t) && s.contains(t) && s.contains('')", Values(), .holds),
        ("s.startsWith('') && s.endsWith('') && ''.contains('')", Values(), .holds),
        ("''.contains(t) || t.startsWith(s) || t.endsWith(s) || t.contains(s)", Values(), .fails),
        ("s + t == 'é🦀🦀' && size(s + t + s) == 5", Values(), .holds),
        ("(b ? s : t) == s && (!b ? s : t) == t", Values(), .holds),
    ]

    /// An error is absorbed by the side that decides, whichever it is.
    static let logic: [(String, Values, Expected)] = [
        ("b || i / 0 > 0", Values(), .holds),
        ("i / 0 > 0 || b", Values(), .holds),
        ("!(i / 0 > 0 && !b)", Values(), .holds),
        ("!(!b && i / 0 > 0)", Values(), .holds),
        ("i / 0 > 0 || !b", Values(), .rejects(.divisionByZero)),
        ("!b || i / 0 > 0", Values(), .rejects(.divisionByZero)),
        ("b && i / 0 > 0", Values(), .rejects(.divisionByZero)),
        ("i / 0 > 0 && b", Values(), .rejects(.divisionByZero)),
        ("(i / 0 > 0 || i + 1 > 0) || b", Values(i: .max), .holds),
        ("(i / 0 > 0 && b) || (i + 1 > 0 && b)", Values(i: .max), .rejects(.arithmeticOverflow)),
        ("b ? b : i / 0 > 0", Values(), .holds),
        ("b ? i / 0 > 0 : b", Values(), .rejects(.divisionByZero)),
        ("(i / 0 > 0 ? b : b) || b", Values(), .holds),
    ]

    @Test(arguments: arithmetic + comparisons + texts + logic)
    func rule(_ rule: String, _ values: Values, _ expected: Expected) throws {
        let program = try Program(compiling: Schema(parsing: Self.text(rule)))
        let arguments: [Argument] = [
            1, .int(values.i), .int(values.j), .word(values.u), .word(values.v), .int(values.d),
            .text(values.s), .text(values.t), .word(values.b ? 1 : 0),
        ]
        var engine = Engine(program: program, schemaVersion: testSchemaVersion)
        let outcome = try engine.execute(0, [arguments])
        switch expected {
        case .holds: #expect(outcome.acceptedCount == 1, "\(rule)")
        case .fails: #expect(outcome.rejections.map(\.code) == [.requirementFailed], "\(rule)")
        case .rejects(let code): #expect(outcome.rejections.map(\.code) == [code], "\(rule)")
        }
        // The reference model, which the random tests trust, sees it the same way.
        var model = ReferenceModel(schema: program.schema)
        let rejection = model.execute(.operation(0), arguments: arguments)
        #expect(rejection?.code == outcome.rejections.first?.code, "\(rule)")
    }

    private static func text(_ rule: String) -> String {
        """
        schema: 1
        name: expressions
        entities:
          Mark: { key: uint64 }
        operations:
          mark:
            parameters:
              mark: uint64
              i: int
              j: int
              u: uint64
              v: uint64
              d: { type: decimal, scale: 2 }
              s: string
              t: string
              b: bool
            require:
              - id: rule
                rule: |
                  \(rule)
            effects: ['create Mark(mark) {}']
        """
    }
}
