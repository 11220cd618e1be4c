import ArgumentParser
import AtomicStateSchema
import AtomicStateServer

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a schema file; every mistake is reported with its place.",
        discussion: """
            With --data, also check whether existing data can have the schema: what would be lost, the \
            entities that break a rule, and which of the last transactions it would have refused. No \
            server may be using the folder. Nothing is changed. Exits with 0 if the change is \
            possible, and with 1 otherwise.
            """)

    @Argument(help: "The schema file.")
    var schema: String

    @Option(help: "A data folder that is to have the schema.")
    var data: String?

    @Option(help: "With --data: the last transactions to be carried out again under the schema.")
    var replay: UInt64 = 10_000

    func run() throws {
        let compiled = compileSchema(path: schema)
        let entities = compiled.schema.entities
        print(
            "\(schema): schema \(compiled.schema.name), \(entities.count) entity types, "
                + "\(compiled.schema.operations.count) operations, "
                + "\(entities.reduce(0) { $0 + $1.invariants.count }) invariants")
        print("SHA-256 \(compiled.fingerprint)")
        guard let data else { return }
        let trial: SchemaTrial?
        do {
            trial = try SchemaTrial.run(compiled, data: data, replayCount: replay)
        } catch {
            fail("\(error)")
        }
        guard let trial else {
            print("CHANGE_POSSIBLE \(data) was created but never served")
            return
        }
        trial.print(data: data)
        guard trial.isPossible else { throw ExitCode.failure }
    }
}
