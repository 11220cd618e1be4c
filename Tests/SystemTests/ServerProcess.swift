import AtomicStateClient
import Foundation
import Glibc

/// The real server binary on a data folder of its own, and what tests do to it.
final class ServerProcess {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private(set) var address: ServerAddress
    private(set) var adminPort = 0
    private let process = Process()
    private let errors: URL

    /// Starts the server and returns when it is ready.
    ///
    /// - Parameters:
    ///   - port: 0 for one that is free.
    ///   - environment: beside that of the tests.
    ///   - descriptorCountMax: the file descriptors that the process may have; nil for as many as the
    ///     tests.
    convenience init(
        schema: String, data: URL, port: Int = 0, arguments: [String] = [],
        environment: [String: String] = [:], descriptorCountMax: Int? = nil
    ) async throws {
        try self.init(
            starting: schema, data: data, port: port, arguments: arguments,
            environment: environment, descriptorCountMax: descriptorCountMax)
        try await waitUntilReady()
        address = ServerAddress(host: "127.0.0.1", port: try loggedPort(of: "listen"))
        adminPort = try loggedPort(of: "admin")
    }

    /// Starts a server, and kills it after a while. Whether it was not ready by then.
    static func startAndKill(
        schema: String, data: URL, arguments: [String], after delay: Duration
    ) async throws -> Bool {
        let server = try ServerProcess(
            starting: schema, data: data, port: 0, arguments: arguments, environment: [:])
        // On time, whatever other tests do to the tasks' threads.
        usleep(useconds_t(delay / .microseconds(1)))
        let wasReady = server.isReady
        _ = await server.end(SIGKILL)
        return !wasReady
    }

    private init(
        starting schema: String, data: URL, port: Int, arguments: [String],
        environment: [String: String], descriptorCountMax: Int? = nil
    ) throws {
        let port = port == 0 ? try ServerPorts.next() : port
        address = ServerAddress(host: "127.0.0.1", port: port)
        errors = data.deletingLastPathComponent().appending(path: "\(UUID()).log")
        process.executableURL = binary("atomic-state")
        process.arguments =
            [
                "serve", "--schema", schema, "--data", data.path, "--listen", "\(address)",
                "--admin", "127.0.0.1:0",
            ] + arguments
        if let descriptorCountMax {
            let command = [binary("atomic-state").path] + (process.arguments ?? [])
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments =
                ["bash", "-c", "ulimit -n \(descriptorCountMax) && exec \"$@\"", "bash"] + command
        }
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        _ = FileManager.default.createFile(atPath: errors.path, contents: nil)
        let log = try FileHandle(forWritingTo: errors)
        process.standardError = log
        try process.run()
        // The server has its own; Foundation would keep this one for good.
        try log.close()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }

    var log: String { (try? String(contentsOf: errors, encoding: .utf8)) ?? "" }

    var processIdentifier: pid_t { process.processIdentifier }

    /// A client whose calls are tried once, so that a test sees what the server does.
    func connect(retries: RetryPolicy = .none) async throws -> AtomicStateClient {
        try await AtomicStateClient.connect(to: address, name: "test", retries: retries)
    }

    /// Sends the signal, and returns the exit status: negative for death by a signal.
    func end(_ signal: CInt) async -> Int {
        kill(process.processIdentifier, signal)
        return await exitStatus()
    }

    func exitStatus() async -> Int {
        while process.isRunning { try? await Task.sleep(for: .milliseconds(2)) }
        return terminationStatus
    }

    private var terminationStatus: Int {
        let status = Int(process.terminationStatus)
        return process.terminationReason == .uncaughtSignal ? -status : status
    }

    /// The status code of a page of the admin port.
    func adminStatus(_ path: String) async throws -> Int {
        try await adminPage(path).status
    }

    func adminPage(_ path: String) async throws -> (status: Int, body: String) {
        let output = try runTool(
            "/usr/bin/env",
            [
                "python3", "-c",
                """
                import sys, urllib.request, urllib.error
                try:
                    r = urllib.request.urlopen(sys.argv[1], timeout=5)
                    print(r.status); sys.stdout.write(r.read().decode())
                except urllib.error.HTTPError as e:
                    print(e.code); sys.stdout.write(e.read().decode())
                """,
                "http://127.0.0.1:\(adminPort)\(path)",
            ])
        let lines = output.text.split(
            separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
        guard let status = Int(lines[0]) else { throw Failure(description: output.text) }
        return (status, lines.count > 1 ? String(lines[1]) : "")
    }

    /// The port that the server says it listens on, in the line in which it says that it is ready.
    private func loggedPort(of name: String) throws -> Int {
        let line = log.split(separator: "\n").last { $0.hasSuffix(" ready") } ?? ""
        let field = line.split(separator: " ").first { $0.hasPrefix("\(name)=") } ?? ""
        guard let port = field.split(separator: ":").last.flatMap({ Int($0) }) else {
            throw Failure(description: "no \(name)= with a port in: \(line)")
        }
        return port
    }

    private var isReady: Bool { log.contains(" ready\n") }

    private func waitUntilReady() async throws {
        // Other tests may keep this one from looking for long: what counts is what it sees then.
        let deadline = ContinuousClock.now.advanced(by: .seconds(120))
        while !isReady {
            guard process.isRunning else {
                throw Failure(
                    description: "the server ended with \(terminationStatus): \(log)")
            }
            guard ContinuousClock.now < deadline else {
                throw Failure(description: "the server is not ready after 120 s: \(log)")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}

/// A binary that was built together with the tests.
func binary(_ name: String) -> URL {
    if let folder = ProcessInfo.processInfo.environment["ATOMIC_STATE_BINARIES"] {
        return URL(filePath: folder).appending(path: name)
    }
    // The test bundle lies beside the products.
    return Bundle.allBundles.map { $0.bundleURL.deletingLastPathComponent() }
        .map { $0.appending(path: name) }
        .first { FileManager.default.isExecutableFile(atPath: $0.path) }
        ?? URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: name)
}

/// A file of the repository.
func repositoryFile(_ path: String) -> String {
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: path).path
}

/// Runs a program to its end.
func runTool(_ path: String, _ arguments: [String]) throws -> (status: Int, text: String) {
    let process = Process()
    process.executableURL = URL(filePath: path)
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (Int(process.terminationStatus), String(decoding: data, as: UTF8.self))
}

func runServerTool(_ arguments: [String]) throws -> (status: Int, text: String) {
    try runTool(binary("atomic-state").path, arguments)
}

/// A folder for one test, removed at its end.
func withTemporaryFolder<Result>(
    _ body: (URL) async throws -> Result
) async throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: "atomic-state-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try await body(folder)
}
