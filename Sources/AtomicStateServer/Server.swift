internal import AtomicStateEngine
internal import AtomicStateProtocol
package import AtomicStateSchema
internal import AtomicStateStorage
internal import Glibc
package import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import ServiceLifecycle

/// A server on one data folder: recovers it, serves clients and the admin port, and drains when it is
/// told to shut down.
package struct Server: Sendable {
    private let configuration: Configuration
    private let compiled: CompiledSchema
    private let logger: Logger

    package init(configuration: Configuration, compiled: CompiledSchema, logger: Logger) {
        ServerLimits.check()
        self.configuration = configuration
        self.compiled = compiled
        self.logger = logger
    }

    /// Returns when everything that was taken in is answered and durable.
    ///
    /// - Throws: `StorageError` or `RecoveryError` for a data folder that can't be served,
    ///   `ProcessorSleep.Refusal`, and the system's error for an address that can't be listened on.
    package func run() async throws {
        // A thread of its own, so that clients don't keep probes waiting, nor probes clients.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            let admin = Admin(
                site: AdminSite(), statistics: Statistics(), eventLoop: group.next())
            let listener = try await Listeners.admin(
                on: configuration.admin, group: group, site: admin.site,
                statistics: admin.statistics, logger: logger)
            try await serve(admin, listener.localAddress)
            try await listener.close()
            try await group.shutdownGracefully()
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }

    /// What answers probes meanwhile.
    private struct Admin {
        let site: AdminSite
        let statistics: Statistics
        let eventLoop: any EventLoop
    }

    /// Recovers the state, and serves it.
    private func serve(_ admin: Admin, _ adminAddress: SocketAddress?) async throws {
        let processorSleep =
            configuration.keepsProcessorsAwake ? try ProcessorSleep(logger: logger) : nil
        try await Listeners.checkClients(
            on: configuration.listen, group: admin.eventLoop, logger: logger)
        var folder = try DataFolder(
            opening: configuration.dataPath, schemaName: compiled.schema.name)
        try folder.clearStaging()
        let database = try Database(
            path: folder.databasePath, stagingPath: folder.stagingPath, mayCreate: folder.isNew,
            memtableByteCount: configuration.memtableByteCount)
        for tail in database.logTails where tail.isTorn {
            logger.warning(
                "a log ended in a record that was not whole, as after a power cut; it was cut off",
                metadata: ["path": "\(tail.path)", "offset": "\(tail.offset)"])
        }
        if folder.isNew {
            try database.enforce(schemaVersion: 1, text: compiled.text, .none)
            try folder.markReady()
        }
        let start = Clock.system.monotonicNanoseconds
        let outcomes = OutcomeLoader(
            database, capacity: configuration.rememberedOutcomeCount)
        let opened = try OpenedState(database, offered: compiled, logger: logger)
        let (schema, refusal) = (opened.schema, opened.refusal)
        var state = opened.state
        state.engine.outcomes = try outcomes.finish()
        logger.info(
            "state recovered",
            metadata: [
                "schema_version": "\(schema.number)",
                "entities": "\(state.engine.entityCount)",
                "sequence": "\(state.engine.lastSequence)",
                "rows_complete_sequence": "\(state.rows.completeSequence)",
                "replayed_transactions": "\(state.replayedTransactionCount)",
                "replayed_bytes": "\(state.replayedByteCount)",
                "remembered_outcomes": "\(state.engine.outcomes.count)",
                "milliseconds": "\((Clock.system.monotonicNanoseconds - start) / 1_000_000)",
            ])
        if let refusal { try report(refusal, schema) }
        guard !Task.isShuttingDownGracefully else {
            logger.info("stopped before it served")
            return
        }
        let pipeline = CommitPipeline(
            state: state, schema: schema, storage: database,
            configuration: configuration, statistics: admin.statistics,
            diskProcessor: DiskInterrupts(of: configuration.dataPath).map(DiskProcessor.init),
            clock: .system, logger: logger)
        pipeline.start()
        let service = RequestService(
            compiled: schema.compiled, pipeline: pipeline,
            rememberedOutcomeCount: configuration.rememberedOutcomeCount,
            connections: connectionTable(), processorSleep: processorSleep)
        // The database is closed before the folder is free for another process.
        defer { admin.site.close() }
        admin.site.open(
            AdminPages(
                statistics: pipeline.statistics, health: pipeline.health,
                connections: service.connections, configuration: configuration,
                schema: schema, refusal: refusal))
        try await listen(pipeline, service, admin.eventLoop, adminAddress, processorSleep)
        logger.info(
            "stopped",
            metadata: [
                "sequence": "\(pipeline.statistics.durableSequence.load(ordering: .acquiring))"
            ])
    }

    /// Says why the data keeps its schema; that ends the start if it was asked to.
    private func report(
        _ refusal: SchemaRefusal, _ schema: SchemaVersion
    ) throws(RecoveryError) {
        for reason in refusal.reasons {
            logger.warning("schema refused", metadata: ["reason": "\(reason)"])
        }
        let metadata: Logger.Metadata = [
            "version": "\(schema.number)", "sha256": "\(schema.compiled.fingerprint)",
            "refused_sha256": "\(refusal.fingerprint)", "reasons": "\(refusal.reasonCount)",
        ]
        guard !configuration.requiresSchema else {
            throw RecoveryError(
                "the data can't have the schema file's schema, for \(refusal.reasonCount) reasons: "
                    + refusal.reasons[0])
        }
        logger.warning("serving the schema that the data has", metadata: metadata)
    }

    private func connectionTable() -> ConnectionTable {
        let wanted = configuration.connectionCountMax
        let descriptorCount = DescriptorLimit.raise()
        let countMax = DescriptorLimit.connectionCountMax(
            wanted: wanted, descriptorCount: descriptorCount)
        if countMax < wanted {
            logger.warning(
                "fewer connections than the setting: the system allows few descriptors",
                metadata: [
                    "max_connections": "\(countMax)", "setting": "\(wanted)",
                    "descriptors": "\(descriptorCount)",
                ])
        }
        return ConnectionTable(
            countMax: countMax, memoryByteCount: configuration.connectionMemoryByteCount,
            logger: logger)
    }

    private func listen(
        _ pipeline: CommitPipeline, _ service: RequestService, _ adminLoop: any EventLoop,
        _ adminAddress: SocketAddress?, _ processorSleep: ProcessorSleep?
    ) async throws {
        let group = MultiThreadedEventLoopGroup(
            numberOfThreads: configuration.eventLoopThreadCount)
        for loop in group.makeIterator() { loop.execute { TimeSlice.shorten() } }
        do {
            let listener = try await Listeners.clients(
                on: configuration.listen, group: group, service: service, logger: logger)
            let watches = [
                watchPeers(service.connections, adminLoop),
                watch(adminLoop) {
                    pipeline.health.look()
                    processorSleep?.look()
                },
            ]
            // SwiftNIO closes it for errors that it does not know. Whoever starts the process again has one that listens.
            listener.closeFuture.whenComplete { [logger, health = pipeline.health] _ in
                guard health.isServing else { return }
                logger.critical("the listener is closed; the process stops")
                _exit(70)  // EX_SOFTWARE of sysexits.h
            }
            pipeline.health.enter(.serving)
            logger.info(
                "ready",
                metadata: [
                    "listen": "\(listener.localAddress.map { "\($0)" } ?? "")",
                    "admin": "\(adminAddress.map { "\($0)" } ?? "")",
                    "schema": "\(compiled.schema.name)",
                ])
            try? await gracefulShutdown()
            logger.info("draining")
            pipeline.health.enter(.draining)
            service.drain()
            try await listener.close()
            // What is queued is carried out, committed and answered before the threads end.
            await pipeline.finish()
            for connection in service.connections.all { connection.closeGracefully() }
            for watch in watches { watch.cancel() }
            await service.connections.waitUntilEmpty(seconds: ServerLimits.drainSeconds)
            try await group.shutdownGracefully()
        } catch {
            await pipeline.finish()
            try? await group.shutdownGracefully()
            throw error
        }
    }

    /// Looks for peers that take too long, often enough to find them soon after their time.
    private func watchPeers(_ connections: ConnectionTable, _ loop: any EventLoop) -> RepeatedTask {
        let limits = PeerTimes.Limits(
            peerSeconds: configuration.peerTimeoutSeconds,
            idleSeconds: configuration.idleTimeoutSeconds)
        let interval = TimeAmount.milliseconds(500)
        return loop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
            connections.endOverdue(limits, now: Clock.system.monotonicNanoseconds)
        }
    }

    private func watch(
        _ loop: any EventLoop, _ look: @escaping @Sendable () -> Void
    ) -> RepeatedTask {
        let interval = TimeAmount.milliseconds(200)
        return loop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in look() }
    }
}
