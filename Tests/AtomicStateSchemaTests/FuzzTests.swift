import SeededRandom
import Testing

@testable import AtomicStateSchema

/// Whatever the text, reading it ends in a schema or in diagnostics that point into the text.
@Suite struct FuzzTests {
    @Test(arguments: ["bank", "seats"], 1...4 as ClosedRange<UInt64>)
    func mutatedExamples(name: String, seed: UInt64) throws {
        let example = Array(try Fixture.example(name).unicodeScalars)
        var random = SeededGenerator(state: seed)
        for _ in 0..<100 {
            var text = example
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                Self.mutate(&text, using: &random)
            }
            check(text)
        }
    }

    @Test func mutatedRules() {
        let rules = Array(
            "(order.units + 1 > -2u ? 'open' : \"\"\"x\\n\"\"\") in [b'', 0.5e1, r'\\'] && !size(text)"
                .unicodeScalars)
        var random = SeededGenerator(state: 11)
        for _ in 0..<1_000 {
            var rule = rules
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                Self.mutate(&rule, using: &random)
            }
            let text = Self.string(rule)
            check(Array(Fixture.file(requirement: text).unicodeScalars))
        }
    }

    private func check(_ scalars: [Unicode.Scalar]) {
        let text = Self.string(scalars)
        let lines = SourceText(text).lines
        do throws(SchemaError) {
            _ = try Schema(parsing: text)
        } catch {
            #expect(!error.diagnostics.isEmpty)
            for diagnostic in error.diagnostics {
                let location = diagnostic.location
                let isInside =
                    (1...lines.count).contains(location.line)
                    && (1...lines[location.line - 1].count + 1).contains(location.column)
                #expect(isInside, "\(diagnostic) is outside of:\n\(text.debugDescription)")
            }
            #expect(!error.rendered(file: "f", source: text).isEmpty)
        }
    }

    private static func mutate(_ text: inout [Unicode.Scalar], using random: inout SeededGenerator)
    {
        let start = Int.random(in: 0...text.count, using: &random)
        let end = min(text.count, start + Int.random(in: 0...8, using: &random))
        let fragment = fragments[Int.random(in: fragments.indices, using: &random)]
        switch Int.random(in: 0..<4, using: &random) {
        case 0: text.removeSubrange(start..<end)
        case 1:
            text.insert(
                contentsOf: text[start..<end], at: Int.random(in: 0...start, using: &random))
        case 2: text.insert(contentsOf: fragment, at: start)
        default: text.replaceSubrange(start..<end, with: fragment)
        }
    }

    private static func string(_ scalars: [Unicode.Scalar]) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    /// Bits of syntax, of both languages, and characters that count strangely.
    private static let fragments: [[Unicode.Scalar]] = [
        "(", ")", "[", "]", "{", "}", ": ", ", ", "- ", "? ", "| ", ">", "'", "\"", "\\", "#", "&a",
        "*a", "!", "!!int ", "%", "@", "`", "~", "\n", "\r", "\t", "  ", "\u{0}", "\u{85}",
        "\u{2028}", "\u{FEFF}", "é", "🦀", "\u{301}", "0x", "1e9", "0.125", ".5",
        "18446744073709551616", "-9223372036854775808", "==", "&&", "||", "+=", "in", "self",
        "oldSelf", "true", "null", "---\n", "...\n", "ref", "enum", "decimal", "where: ", "id: ",
        "create Account(1) {", "delete ",
    ].map { Array($0.unicodeScalars) }
}
