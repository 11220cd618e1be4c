internal import AtomicStateEngine
internal import AtomicStateStorage

/// Where a server listens and keeps its data.
package struct Configuration: Sendable {
    package struct Address: Sendable, CustomStringConvertible {
        package var host: String
        package var port: Int

        package init(host: String, port: Int) {
            self.host = host
            self.port = port
        }

        package var description: String { "\(host):\(port)" }
    }

    package var dataPath: String
    package var listen: Address
    package var admin: Address
    /// Threads that read, decode, encode and write for the connections.
    package var eventLoopThreadCount: Int
    /// After this many bytes of journal, changed rows are written to storage: what a restart has to
    /// replay is at most about twice as much.
    package var materialiseAfterByteCount: Int
    /// About as many bytes of journal are kept; what a restart has to replay is kept in any case.
    package var journalRetentionByteCount: UInt64
    /// Of what is not in table files yet, the journal and outcomes take a few memtables each.
    package var memtableByteCount: Int
    /// The outcomes of at least so many of the last keyed transactions and named batches are remembered,
    /// one of `rememberedOutcomeCounts`.
    package var rememberedOutcomeCount: Int
    package static let rememberedOutcomeCounts = OutcomeMemory.capacityMin...1_000_000_000
    /// The connections that may be open; fewer if the system allows the process fewer descriptors.
    package var connectionCountMax: Int
    /// What all connections together may hold of requests and answers.
    package var connectionMemoryByteCount: Int
    /// The time that a client has for its greeting, for a frame that it has begun, and for taking some of
    /// its answers.
    package var peerTimeoutSeconds: Int
    /// The time after which a connection without requests is ended; 0 for never.
    package var idleTimeoutSeconds: Int
    /// Do not start if the data can't have the schema file's schema. Otherwise the one that it has is
    /// served.
    package var requiresSchema: Bool
    /// Idle processors spin instead of sleeping while requests come in.
    package var keepsProcessorsAwake: Bool

    package init(
        dataPath: String, listen: Address, admin: Address,
        eventLoopThreadCount: Int, materialiseAfterByteCount: Int,
        journalRetentionByteCount: UInt64,
        memtableByteCount: Int = Database.memtableByteCountDefault, rememberedOutcomeCount: Int,
        connectionCountMax: Int = ServerLimits.connectionCountDefault,
        connectionMemoryByteCount: Int = ServerLimits.connectionMemoryDefault << 20,
        peerTimeoutSeconds: Int = ServerLimits.peerTimeoutDefault, idleTimeoutSeconds: Int = 0,
        requiresSchema: Bool = false, keepsProcessorsAwake: Bool = false
    ) {
        self.dataPath = dataPath
        self.listen = listen
        self.admin = admin
        self.eventLoopThreadCount = eventLoopThreadCount
        self.materialiseAfterByteCount = materialiseAfterByteCount
        self.journalRetentionByteCount = journalRetentionByteCount
        self.memtableByteCount = memtableByteCount
        self.rememberedOutcomeCount = rememberedOutcomeCount
        self.connectionCountMax = connectionCountMax
        self.connectionMemoryByteCount = connectionMemoryByteCount
        self.peerTimeoutSeconds = peerTimeoutSeconds
        self.idleTimeoutSeconds = idleTimeoutSeconds
        self.requiresSchema = requiresSchema
        self.keepsProcessorsAwake = keepsProcessorsAwake
    }
}

/// The software's name and version, as peers and operators see it.
package let serverVersion = "atomic-state/0.1.0"
