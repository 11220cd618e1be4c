import ArgumentParser
import AtomicStateSchema
import AtomicStateServer
import Foundation

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a schema file; every mistake is reported with its place.",
        discussion: """
            A rule that can never be true, or always is, gets a warning and is no mistake.

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

    @Flag(help: "Print what each operation reads, writes and can break, and what it costs at most.")
    var explain = false

    func run() throws {
        let compiled = compileSchema(path: schema)
        let warnings = compiled.schema.warnings.rendered(
            file: schema, source: compiled.text, kind: "warning: ")
        FileHandle.standardError.write(Data(warnings.utf8))
        let entities = compiled.schema.entities
        print(
            "\(schema): schema \(compiled.schema.name), "
                + [
                    counted(entities.count, "entity type"),
                    counted(compiled.schema.operations.count, "operation"),
                    counted(compiled.schema.invariantCount, "invariant"),
                ].joined(separator: ", "))
        print("SHA-256 \(compiled.fingerprint)")
        if explain {
            for explanation in compiled.program.explanations { print("\n\(explanation.text)") }
        }
        if let data { try tryOut(compiled, on: data) }
    }

    private func tryOut(_ compiled: CompiledSchema, on data: String) throws {
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
            "  \("costs".padded(to: 9))at most "
            + "\(counted(instructionCountMax, "instruction")) of the compiled rules, and "
            + counted(rowCountMax, "row")
        return ([name] + lines + [cost]).joined(separator: "\n")
    }
}

/// `1 row`, `2 rows`.
private func counted(_ count: Int, _ noun: String) -> String {
    "\(count) \(noun)\(count == 1 ? "" : "s")"
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
