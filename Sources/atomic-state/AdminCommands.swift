import ArgumentParser
import AtomicStateClient
import AtomicStateServer

struct AdminOption: ParsableArguments {
    @Option(help: "The server's admin address.")
    var admin = Environment.address("ATOMIC_STATE_ADMIN", otherwise: "127.0.0.1:7401")

    func get(_ path: String) async -> AdminClient.Response {
        do {
            return try await AdminClient.get(path, host: admin.host, port: admin.port)
        } catch {
            fail("\(admin): \(failureReason(error))")
        }
    }
}

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Print a server's status as JSON.")

    @OptionGroup var option: AdminOption

    func run() async throws {
        let response = await option.get("/statusz")
        print(response.body, terminator: "")
        guard response.isSuccess else { throw ExitCode.failure }
    }
}

struct HealthCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health",
        abstract: "Ask a server whether it is ready. Exits with 0 if it is, with 1 otherwise.")

    @OptionGroup var option: AdminOption

    func run() async throws {
        let response = await option.get("/readyz")
        print(response.body, terminator: "")
        guard response.isSuccess else { throw ExitCode.failure }
    }
}
