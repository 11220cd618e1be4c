import AtomicStateEngine
import Foundation

@testable import AtomicStateSchema

extension InputTarget {
    /// A schema file.
    static let schema = InputTarget(
        name: "schema",
        seeds: {
            let folder = URL(filePath: #filePath).deletingLastPathComponent()
                .deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().appending(path: "examples")
            let files = try FileManager.default.contentsOfDirectory(
                at: folder, includingPropertiesForKeys: nil)
            let examples = files.filter { $0.pathExtension == "yaml" }
            return try examples.map { Array(try Data(contentsOf: $0)) }
                + [Array(Depot.text.utf8), Array(ruleFile("true", at: .invariant).utf8)]
        },
        words: { (fileWords + ruleWords).map { Array($0.utf8) } }
    ) { (bytes) throws(Finding) in
        guard let text = String(validating: bytes, as: UTF8.self) else { return }
        try checkSchema(text)
    }

    /// A rule or an effect, after a byte that says where it stands.
    static let rule = InputTarget(
        name: "rule",
        seeds: {
            let rules = [
                "self.units + 1 > size(self.note) && !(self.open in [true, has(self.price)])",
                "box.units / units >= 2 ? now > at : by + by < duration('1h30m')",
                "self.price * 1.5 <= self.owed.total || self.site.cap == int(self.rate)",
                "b'\\x00\\u00e9' != self.photo && r'\\n' + \"x\" < self.note.trim()",
                "string(self.since.getHours('+01:00')).startsWith('1') || self.since > oldSelf.since",
                "delta(Box.units) == 0 && delta(Box) <= 2", "self.kind == 'open' && 0x1F > -2",
                "box.units += units", "create Box(number) { site: site, note: text }",
                "delete box", "box.price = null",
            ]
            return rules.flatMap { rule in
                RulePlace.allCases.map { [UInt8($0.rawValue)] + rule.utf8 }
            }
        },
        words: { ruleWords.map { Array($0.utf8) } }
    ) { (bytes) throws(Finding) in
        guard let first = bytes.first, let text = String(validating: bytes[1...], as: UTF8.self)
        else { return }
        let place = RulePlace.allCases[Int(first) % RulePlace.allCases.count]
        try checkSchema(ruleFile(text, at: place))
    }

    // MARK: What holds of a schema

    private static func checkSchema(_ text: String) throws(Finding) {
        let compiled: CompiledSchema
        do throws(SchemaError) {
            compiled = try CompiledSchema(text: text)
        } catch {
            try expect(!error.diagnostics.isEmpty, "a schema is refused without a reason")
            try checkPlaces(of: error.diagnostics, in: text)
            return
        }
        try checkPlaces(of: compiled.schema.warnings, in: text)
        try SchemaTrialRun(compiled.program).check()
    }

    private static func checkPlaces(
        of diagnostics: [Diagnostic], in text: String
    ) throws(Finding) {
        let lines = SourceText(text).lines
        for diagnostic in diagnostics {
            let location = diagnostic.location
            let isInside =
                (1...lines.count).contains(location.line)
                && (1...lines[location.line - 1].count + 1).contains(location.column)
            try expect(isInside, "\(diagnostic) is outside of the file")
            try expect(!diagnostic.message.isEmpty, "a mistake without a message")
        }
        let rendered = diagnostics.rendered(file: "f", source: text)
        try expect(rendered.isEmpty == diagnostics.isEmpty, "nothing is rendered")
    }

    // MARK: Rules in their file

    fileprivate enum RulePlace: Int, CaseIterable {
        case invariant, condition, requirement, effect, whole, message
    }

    private static func ruleFile(_ rule: String, at place: RulePlace) -> String {
        func text(_ here: RulePlace, _ otherwise: String) -> String {
            quoted(here == place ? rule : otherwise)
        }
        return """
            schema: 1
            name: rules
            entities:
              Site:
                key: string
                fields: { cap: { type: int, default: 9 } }
                derived:
                  owed: { sum: Box.price, by: site, where: \(text(.condition, "true")) }
                  least: { min: Box.since, by: site }
              Box:
                key: uint64
                fields:
                  site: { ref: Site, optional: true }
                  units: { type: int, default: 1 }
                  price: { type: decimal, scale: 2, optional: true }
                  rate: { type: decimal, scale: 17, default: 0 }
                  kind: { type: enum, values: [open, packed], default: open }
                  open: { type: bool, default: false }
                  since: { type: timestamp, optional: true }
                  lasts: { type: duration, default: 1h }
                  tag: { type: uuid, optional: true }
                  photo: { type: bytes, max_length: 4, default: c0ff }
                  note: { type: string, default: '' }
                invariants:
                  - { id: rule, rule: \(text(.invariant, "true")), message: \(text(.message, "no")) }
            operations:
              found: { parameters: { site: string }, effects: ['create Site(site) {}'] }
              enter:
                parameters: { box: uint64, units: int, price: { type: decimal, scale: 2 } }
                effects: ['create Box(box) { units: units, price: price }']
              change:
                parameters:
                  box: { ref: Box }
                  site: { ref: Site }
                  number: uint64
                  units: int
                  money: { type: decimal, scale: 3 }
                  text: string
                  at: timestamp
                  by: duration
                  choice: { type: enum, values: [open, packed] }
                require: [{ id: rule, rule: \(text(.requirement, "true")) }]
                effects: [box.site = site, \(text(.effect, "box.units = units"))]
            transaction_invariants: [{ id: whole, rule: \(text(.whole, "true")) }]

            """
    }

    /// The text as a YAML scalar in double quotes, which can hold any.
    private static func quoted(_ text: String) -> String {
        let escaped = text.unicodeScalars.map { scalar -> String in
            switch scalar {
            case "\"", "\\": return "\\\(scalar)"
            case " "..."~": return String(scalar)
            default:
                let digits = String(scalar.value, radix: 16)
                return "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
            }
        }
        return "\"\(escaped.joined())\""
    }

    private static let fileWords = [
        "schema: 1\n", "name: ", "entities:\n", "operations:\n", "transaction_invariants:\n",
        "key: ", "fields:\n", "derived:\n", "invariants:\n", "unique: ", "generic: true",
        "parameters: ", "require: ", "effects: ", "type: ", "ref: ", "optional: true", "default: ",
        "max_length: ", "scale: ", "values: ", "sum: ", "count: ", "min: ", "max: ", "by: ",
        "where: ", "id: ", "rule: ", "message: ", "only: ", "except: ", "- ", "? ", "|\n", ">-\n",
        "&a ", "*a", "!!str ", "{ ", " }", "\"", "'", "#", "\u{85}", "\u{2028}", "\u{FEFF}",
    ]
    private static let ruleWords = [
        "self", "oldSelf", "now", "delta(", "has(", "size(", "int(", "uint(", "double(", "string(",
        "duration('1s')", "timestamp('2000-01-01T00:00:00Z')", ".startsWith(", ".endsWith(",
        ".contains(", ".matches(", ".getHours()", " in [", " && ", " || ", " == ", " != ", " <= ",
        " ? ", " : ", " += ", " -= ", "create ", "delete ", "null", "true", "false", "b'", "r'",
        "\\u00e9", "\\x", "0x7F", "1e9", "0.5", "18446744073709551615u", "-9223372036854775808",
        "!", "%", ".units", ".price", ".site.cap", ".note", ".since", ".key", "{self.units}",
    ]
}
