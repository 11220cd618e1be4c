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

    func run() throws {
        let compiled = compileSchema(path: schema)
        let warnings = compiled.schema.warnings.rendered(
            file: schema, source: compiled.text, kind: "warning: ")
        FileHandle.standardError.write(Data(warnings.utf8))
        let entities = compiled.schema.entities
        print(
            "\(schema): schema \(compiled.schema.name), \(entities.count) entity types, "
                + "\(compiled.schema.operations.count) operations, "
                + "\(entities.reduce(0) { $0 + $1.invariants.count }) invariants")
        print("SHA-256 \(compiled.fingerprint)")
    }
}
