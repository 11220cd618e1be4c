import ArgumentParser
import AtomicStateServer
import AtomicStateStorage

struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Check a data folder against itself. Prints INTEGRITY_OK, or what differs.",
        discussion: """
            Carries the whole journal out again and compares records and rows, checks every invariant \
            on every row, and recomputes every derived value. No server may be using the folder. \
            Nothing is changed. Exits with 1 if anything differs.
            """)

    @Option(help: "The data folder.")
    var data: String

    func run() throws {
        let report: AuditReport
        do {
            report = try audit()
        } catch {
            fail("\(error)")
        }
        if !report.journalIsComplete {
            print(
                "The journal no longer goes back to the first transaction: rows were checked against "
                    + "their invariants, not against transactions that are gone.")
        }
        for finding in report.findings { print(finding) }
        let scope =
            "\(report.entityCount) entities, \(report.transactionCount) transactions "
            + (report.journalIsComplete ? "carried out again" : "read")
            + ", last sequence \(report.lastSequence)"
        guard report.isIntact else {
            print("INTEGRITY_VIOLATED \(report.findings.count) findings; \(scope)")
            throw ExitCode.failure
        }
        print("INTEGRITY_OK \(scope)")
    }

    private func audit() throws -> AuditReport {
        let folder = try DataFolder(opening: data, schemaName: nil)
        guard !folder.isNew else {
            throw RecoveryError("\(data) was created but never served: there is nothing to audit")
        }
        let database = try Database(
            path: folder.databasePath, stagingPath: folder.stagingPath, mayCreate: false,
            isReadOnly: true)
        return try Audit.run(database, schemaName: folder.schemaName)
    }
}
