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

    static func main() async {
        // Swift puts another character in the place of what is none; two keys could then be one.
        for index in 0..<Int(CommandLine.argc) {
            if let argument = CommandLine.unsafeArgv[index],
                String(validatingCString: argument) == nil
            {
                fail("argument \(index) is not UTF-8", .validationFailure)
            }
        }
        await main(nil)
    }
}
