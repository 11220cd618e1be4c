import ArgumentParser

@main
struct AtomicState: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "atomic-state",
        abstract: "A durable state server that enforces declared invariants on every commit.",
        subcommands: [
            Serve.self, Check.self, AuditCommand.self, Submit.self, Key.self, Get.self,
            StatusCommand.self, HealthCommand.self,
        ])
}
