import ArgumentParser
import AtomicStateSchema

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a schema file; every mistake is reported with its place.")

    @Argument(help: "The schema file.")
    var schema: String

    func run() throws {
        let compiled = compileSchema(path: schema)
        let entities = compiled.schema.entities
        print(
            "\(schema): schema \(compiled.schema.name), \(entities.count) entity types, "
                + "\(compiled.schema.operations.count) operations, "
                + "\(entities.reduce(0) { $0 + $1.invariants.count }) invariants")
        print("SHA-256 \(compiled.fingerprint)")
    }
}
