internal import AtomicStateStorage

/// /statusz: what an operator looks at first.
struct StatusReport: Encodable {
    struct Schema: Encodable {
        let name: String
        let version: UInt16
        let fingerprint: String
        /// The schema that was offered at the start, if the data can't have it.
        let refused: RefusedSchema?
    }

    struct RefusedSchema: Encodable {
        let fingerprint: String
        /// The first reasons.
        let reasons: [String]
        let reasonCount: Int
    }

    struct Journal: Encodable {
        let durableSequence: UInt64
        /// A restart replays from here.
        let rowsCompleteSequence: UInt64
    }

    struct Queue: Encodable {
        let transactions: Int
        let connections: Int
    }

    struct State: Encodable {
        let entities: UInt64
        let bytes: UInt64
    }

    struct Family: Encodable {
        let level0Files: UInt64
        let pendingCompactionBytes: UInt64
        let memtableBytes: UInt64
        let fileBytes: UInt64
    }

    struct Compaction: Encodable {
        let families: [String: Family]
        let runningCompactions: UInt64
        let runningFlushes: UInt64
        let delayedWriteRateBytes: UInt64
        let writesStopped: Bool
        let backgroundErrors: UInt64
    }

    let server: String
    let role: String
    let health: String
    let listen: String
    let dataFolder: String
    let schema: Schema
    let journal: Journal
    let queue: Queue
    let state: State
    let compaction: Compaction

    init(_ pages: AdminPages) throws(StorageError) {
        let storage = try pages.health.storageHealth()
        let statistics = pages.statistics
        server = serverVersion
        role = "primary"
        health = pages.health.status
        listen = pages.configuration.listen.description
        dataFolder = pages.configuration.dataPath
        schema = Schema(
            name: pages.schema.compiled.schema.name, version: pages.schema.number,
            fingerprint: pages.schema.compiled.fingerprint,
            refused: pages.refusal.map {
                RefusedSchema(
                    fingerprint: $0.fingerprint, reasons: $0.reasons, reasonCount: $0.reasonCount)
            })
        journal = Journal(
            durableSequence: statistics.durableSequence.load(ordering: .acquiring),
            rowsCompleteSequence: statistics.rowsCompleteSequence.load(ordering: .relaxed))
        queue = Queue(
            transactions: pages.health.queuedTransactionCount, connections: pages.connections.count)
        state = State(
            entities: statistics.entityCount.load(ordering: .relaxed),
            bytes: statistics.stateByteCount.load(ordering: .relaxed))
        compaction = Compaction(
            families: Dictionary(
                uniqueKeysWithValues: storage.families.map { family in
                    (
                        family.name,
                        Family(
                            level0Files: family.level0FileCount,
                            pendingCompactionBytes: family.pendingCompactionByteCount,
                            memtableBytes: family.memtableByteCount,
                            fileBytes: family.fileByteCount)
                    )
                }),
            runningCompactions: storage.runningCompactionCount,
            runningFlushes: storage.runningFlushCount,
            delayedWriteRateBytes: storage.delayedWriteRate,
            writesStopped: storage.writesStopped, backgroundErrors: storage.backgroundErrorCount)
    }
}
