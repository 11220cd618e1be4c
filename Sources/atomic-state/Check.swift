import ArgumentParser
import AtomicStateSchema
import Foundation

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a schema file; every mistake is reported with its place.",
        discussion: """
            A rule that can never be true, or always is, gets a warning and is no mistake.
            """)

    @Argument(help: "The schema file.")
    var schema: String

    @Flag(help: "Print what each operation reads, writes and can break, and what it costs at most.")
    var explain = false

    func run() throws {
        let compiled = compileSchema(path: schema)
        let warnings = compiled.schema.warnings.rendered(
            file: schema, source: compiled.text, kind: "warning: ")
        FileHandle.standardError.write(Data(warnings.utf8))
        let entities = compiled.schema.entities
        print(
            "\(schema): schema \(compiled.schema.name), \(entities.count) entity types, "
                + "\(compiled.schema.operations.count) operations, "
                + "\(compiled.schema.invariantCount) invariants")
        print("SHA-256 \(compiled.fingerprint)")
        if explain {
            for explanation in compiled.program.explanations { print("\n\(explanation.text)") }
        }
    }
}

extension Schema {
    /// Everything that has to hold after a transaction.
    fileprivate var invariantCount: Int {
        entities.reduce(transactionInvariants.count) {
            $0 + $1.invariants.count + $1.uniqueKeys.count
        }
    }
}

extension OperationExplanation {
    /// An operation's name, and what there is to say of it, a line each.
    fileprivate var text: String {
        let parts = [
            ("requires", requirements), ("reads", reads), ("writes", writes),
            ("derives", derived), ("judges", rules),
        ]
        let lines = parts.filter { !$0.1.isEmpty }.map { title, names in
            "  \(title.padded(to: 9))\(names.joined(separator: ", "))"
        }
        let cost =
            "  \("costs".padded(to: 9))at most \(instructionCountMax) instructions of the compiled "
            + "rules, and \(rowCountMax) \(rowCountMax == 1 ? "row" : "rows")"
        return ([name] + lines + [cost]).joined(separator: "\n")
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
