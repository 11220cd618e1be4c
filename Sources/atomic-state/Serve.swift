import ArgumentParser
import AtomicStateClient
import AtomicStateSchema
import AtomicStateServer
import AtomicStateStorage
import Foundation
import Logging
import ServiceLifecycle

extension Server: Service {}

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve a schema's entities from a data folder.",
        discussion: """
            Every option can be given in the environment instead, as ATOMIC_STATE_ and its name in \
            capitals with underscores. SIGTERM and SIGINT drain: what was taken in is committed and \
            answered, then the process exits with 0.

            A schema file that differs from the one that the data has is checked against the data, and \
            takes its place if the data satisfies it. Otherwise the old one is served, and the log and \
            /statusz say why; `atomic-state check --data` says it beforehand.
            """)

    @Option(help: "The schema file.")
    var schema: String?

    @Option(help: "The data folder; created if it is not there.")
    var data: String?

    @Option(help: "Where clients connect. Port 0 is one that is free; the log tells which.")
    var listen = Environment.address("ATOMIC_STATE_LISTEN", otherwise: "127.0.0.1:7400")

    @Option(help: "Where probes and metrics are served.")
    var admin = Environment.address("ATOMIC_STATE_ADMIN", otherwise: "127.0.0.1:7401")

    @Option(help: "Threads that serve connections, 1 to 64.")
    var eventLoopThreads = Environment.integer("ATOMIC_STATE_EVENT_LOOP_THREADS", otherwise: 1)

    @Option(
        help: "MiB of journal after which changed rows are written behind the commit, 1 to 65536.")
    var materialiseAfter = Environment.integer("ATOMIC_STATE_MATERIALISE_AFTER", otherwise: 128)

    @Option(help: "MiB of journal to keep, 1 or more; what a restart replays is kept in any case.")
    var journalRetention = Environment.integer("ATOMIC_STATE_JOURNAL_RETENTION", otherwise: 16_384)

    @Option(
        help: ArgumentHelp(
            "MiB of journal, and of outcomes, after which they become a table file, 1 to 1024. In memory "
                + "are up to 4 times as much of each, and on the disk up to 8 times as much of logs."
        ))
    var memtable = Environment.integer("ATOMIC_STATE_MEMTABLE", otherwise: 64)

    @Option(
        help: "Outcomes of keyed transactions and named batches to remember, 1048576 to 1000000000."
    )
    var rememberOutcomes = Environment.integer(
        "ATOMIC_STATE_REMEMBER_OUTCOMES", otherwise: 10_000_000)

    @Option(help: "Connections that may be open, 1 to 1000000.")
    var maxConnections = Environment.integer(
        "ATOMIC_STATE_MAX_CONNECTIONS", otherwise: ServerLimits.connectionCountDefault)

    @Option(
        help: ArgumentHelp(
            "MiB of requests and answers that all connections together may hold, 64 to 1048576; beyond "
                + "that, the one that holds most is ended."))
    var connectionMemory = Environment.integer(
        "ATOMIC_STATE_CONNECTION_MEMORY", otherwise: ServerLimits.connectionMemoryDefault)

    @Option(
        help: ArgumentHelp(
            "Seconds that a client has for its greeting, for a frame that it has begun, and for taking "
                + "some of its answers, 1 to 86400."))
    var peerTimeout = Environment.integer(
        "ATOMIC_STATE_PEER_TIMEOUT", otherwise: ServerLimits.peerTimeoutDefault)

    @Option(help: "Seconds after which a connection without requests is ended; 0 for never.")
    var idleTimeout = Environment.integer("ATOMIC_STATE_IDLE_TIMEOUT", otherwise: 0)

    @Flag(help: "Exit if the data can't have the schema, instead of serving the one it has.")
    var requireSchema = Environment.flag("ATOMIC_STATE_REQUIRE_SCHEMA")

    @Flag(
        help: ArgumentHelp(
            "Let no processor sleep while requests come in: small batches are answered sooner, for more "
                + "power. Needs write access to /dev/cpu_dma_latency."))
    var keepProcessorsAwake = Environment.flag("ATOMIC_STATE_KEEP_PROCESSORS_AWAKE")

    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel = Environment.value("ATOMIC_STATE_LOG_LEVEL") ?? "info"

    func run() async throws {
        guard let schemaPath = schema ?? Environment.value("ATOMIC_STATE_SCHEMA") else {
            throw ValidationError("expected --schema FILE")
        }
        guard let dataPath = data ?? Environment.value("ATOMIC_STATE_DATA") else {
            throw ValidationError("expected --data FOLDER")
        }
        guard (1...64).contains(eventLoopThreads) else {
            throw ValidationError("--event-loop-threads \(eventLoopThreads): expected 1 to 64")
        }
        guard (1...65_536).contains(materialiseAfter) else {
            throw ValidationError("--materialise-after \(materialiseAfter): expected 1 to 65536")
        }
        guard (1...1 << 40).contains(journalRetention) else {
            throw ValidationError("--journal-retention \(journalRetention): expected 1 or more")
        }
        guard (1...1024).contains(memtable) else {
            throw ValidationError("--memtable \(memtable): expected 1 to 1024")
        }
        let outcomeCounts = Configuration.rememberedOutcomeCounts
        guard outcomeCounts.contains(rememberOutcomes) else {
            throw ValidationError(
                "--remember-outcomes \(rememberOutcomes): expected \(outcomeCounts.lowerBound) to "
                    + "\(outcomeCounts.upperBound)")
        }
        guard (1...1_000_000).contains(maxConnections) else {
            throw ValidationError("--max-connections \(maxConnections): expected 1 to 1000000")
        }
        guard (ServerLimits.connectionMemoryMin...1 << 20).contains(connectionMemory) else {
            throw ValidationError(
                "--connection-memory \(connectionMemory): expected "
                    + "\(ServerLimits.connectionMemoryMin) to 1048576")
        }
        guard (1...86_400).contains(peerTimeout) else {
            throw ValidationError("--peer-timeout \(peerTimeout): expected 1 to 86400")
        }
        guard (0...86_400).contains(idleTimeout) else {
            throw ValidationError("--idle-timeout \(idleTimeout): expected 0 to 86400")
        }
        guard let level = Logger.Level(rawValue: logLevel) else {
            throw ValidationError("--log-level \(logLevel): no such level")
        }
        let compiled = compileSchema(path: schemaPath)
        LoggingSystem.bootstrap(StreamLogHandler.standardError)
        var logger = Logger(label: "atomic-state")
        logger.logLevel = level
        let configuration = Configuration(
            dataPath: dataPath,
            listen: Configuration.Address(host: listen.host, port: listen.port),
            admin: Configuration.Address(host: admin.host, port: admin.port),
            eventLoopThreadCount: eventLoopThreads,
            materialiseAfterByteCount: materialiseAfter << 20,
            journalRetentionByteCount: UInt64(journalRetention) << 20,
            memtableByteCount: memtable << 20,
            rememberedOutcomeCount: rememberOutcomes,
            connectionCountMax: maxConnections,
            connectionMemoryByteCount: connectionMemory << 20,
            peerTimeoutSeconds: peerTimeout, idleTimeoutSeconds: idleTimeout,
            requiresSchema: requireSchema, keepsProcessorsAwake: keepProcessorsAwake)
        logger.info(
            "starting",
            metadata: [
                "version": "\(serverVersion)", "schema": "\(schemaPath)", "data": "\(dataPath)",
                "listen": "\(listen)", "admin": "\(admin)",
                "event_loop_threads": "\(eventLoopThreads)",
                "materialise_after_mib": "\(materialiseAfter)",
                "journal_retention_mib": "\(journalRetention)",
                "remember_outcomes": "\(rememberOutcomes)",
                "max_connections": "\(maxConnections)",
                "connection_memory_mib": "\(connectionMemory)",
                "peer_timeout_seconds": "\(peerTimeout)",
                "idle_timeout_seconds": "\(idleTimeout)",
                "keep_processors_awake": "\(keepProcessorsAwake)",
            ])
        for warning in compiled.schema.warnings {
            let place = "\(schemaPath):\(warning.location.line):\(warning.location.column)"
            logger.warning("\(warning.message)", metadata: ["place": "\(place)"])
        }
        let server = Server(configuration: configuration, compiled: compiled, logger: logger)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: server, successTerminationBehavior: .gracefullyShutdownGroup)
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        do {
            try await group.run()
        } catch {
            fail("\(error)")
        }
    }
}
