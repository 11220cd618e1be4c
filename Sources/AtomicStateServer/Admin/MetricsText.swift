internal import AtomicStateStorage
internal import Glibc

/// /metrics, in the Prometheus text format.
struct MetricsText {
    private(set) var text = ""

    init(
        _ statistics: Statistics, _ health: HealthReporter, _ connections: ConnectionTable
    ) throws(StorageError) {
        addTransactions(statistics, health, connections)
        addStorage(try health.storageHealth())
        addProcess()
    }

    private mutating func addTransactions(
        _ statistics: Statistics, _ health: HealthReporter, _ connections: ConnectionTable
    ) {
        counter(
            "atomic_state_transactions_accepted_total", "Transactions that were accepted.",
            statistics.acceptedCount.load(ordering: .relaxed))
        counter(
            "atomic_state_transactions_rejected_total", "Transactions that were rejected.",
            statistics.rejectedCount.load(ordering: .relaxed))
        counter(
            "atomic_state_batches_total", "Batches that were carried out.",
            statistics.batchCount.load(ordering: .relaxed))
        counter(
            "atomic_state_transactions_repeated_total",
            "Transactions that had been carried out before, by their idempotency keys.",
            statistics.repeatedTransactionCount.load(ordering: .relaxed))
        counter(
            "atomic_state_batches_repeated_total",
            "Batches that had been carried out before, by their names.",
            statistics.repeatedBatchCount.load(ordering: .relaxed))
        counter(
            "atomic_state_requests_refused_total",
            "Requests that were not queued: malformed, unfit, or at a bad time.",
            statistics.refusedRequestCount.load(ordering: .relaxed))
        counter(
            "atomic_state_commit_groups_total", "Groups of batches that were written and synced.",
            statistics.commitGroupCount.load(ordering: .relaxed))
        counter(
            "atomic_state_journal_bytes_total", "Bytes of journal records.",
            statistics.journalByteCount.load(ordering: .relaxed))
        counter(
            "atomic_state_outcome_bytes_total", "Bytes of outcome records.",
            statistics.outcomeByteCount.load(ordering: .relaxed))
        counter(
            "atomic_state_commit_seconds_total", "Time in RocksDB's synced writes.",
            Double(statistics.commitNanoseconds.load(ordering: .relaxed)) / 1e9)
        gauge(
            "atomic_state_commit_seconds_max", "The longest synced write.",
            Double(statistics.commitNanosecondsMax.load(ordering: .relaxed)) / 1e9)
        gauge(
            "atomic_state_durable_sequence", "The last sequence on disk.",
            statistics.durableSequence.load(ordering: .relaxed))
        gauge(
            "atomic_state_rows_complete_sequence", "The sequence a restart replays from.",
            statistics.rowsCompleteSequence.load(ordering: .relaxed))
        gauge(
            "atomic_state_rows_waiting_bytes", "Images of rows that are to be stored.",
            statistics.waitingRowByteCount.load(ordering: .relaxed))
        gauge(
            "atomic_state_queue_transactions",
            "Transactions, and keys of look-ups, that wait for the writer.",
            health.queuedTransactionCount)
        gauge("atomic_state_connections", "Open connections.", connections.count)
        gauge(
            "atomic_state_connection_bytes",
            "Memory of requests and answers that connections hold.", connections.memory.byteCount)
        labelled(
            "atomic_state_connections_ended_total", "counter",
            "Connections that the server ended, by reason.", "reason",
            statistics.endedConnections.map { ($0.0.rawValue, $0.1) })
        counter(
            "atomic_state_admin_requests_refused_total",
            "Requests to the admin port that were too many, too large or too slow.",
            statistics.refusedAdminRequestCount.load(ordering: .relaxed))
        gauge(
            "atomic_state_entities", "Entities of all types.",
            statistics.entityCount.load(ordering: .relaxed))
        gauge(
            "atomic_state_state_bytes", "Memory of rows, indices and texts.",
            statistics.stateByteCount.load(ordering: .relaxed))
        gauge(
            "atomic_state_remembered_outcomes",
            "Keyed transactions and named batches whose outcomes are known.",
            statistics.rememberedOutcomeCount.load(ordering: .relaxed))
        gauge(
            "atomic_state_remembered_outcome_bytes", "Memory of the tables of outcomes.",
            statistics.outcomeTableByteCount.load(ordering: .relaxed))
        gauge(
            "atomic_state_forgotten_until_seconds",
            "The time until which outcomes may be forgotten, since 1970-01-01T00:00:00Z.",
            Double(statistics.forgottenUntil.load(ordering: .relaxed)) / 1e3)
        gauge("atomic_state_ready", "1 if the readiness probe succeeds.", health.isReady ? 1 : 0)
    }

    private mutating func addStorage(_ storage: StorageHealth) {
        family(
            "level0_files", "Files of level 0.",
            storage.families.map { ($0.name, $0.level0FileCount) })
        family(
            "pending_compaction_bytes", "Estimated bytes that compactions have to rewrite.",
            storage.families.map { ($0.name, $0.pendingCompactionByteCount) })
        family(
            "memtable_bytes", "Bytes of memtables that are not flushed.",
            storage.families.map { ($0.name, $0.memtableByteCount) })
        family(
            "file_bytes", "Bytes of table files.",
            storage.families.map { ($0.name, $0.fileByteCount) })
        gauge(
            "atomic_state_rocksdb_running_compactions", "Compactions under way.",
            storage.runningCompactionCount)
        gauge(
            "atomic_state_rocksdb_running_flushes", "Flushes under way.", storage.runningFlushCount)
        gauge(
            "atomic_state_rocksdb_delayed_write_bytes_per_second",
            "What writers are slowed down to; 0 if they are not.",
            storage.delayedWriteRate)
        gauge(
            "atomic_state_rocksdb_writes_stopped", "1 if writers are stopped.",
            storage.writesStopped ? 1 : 0)
        counter(
            "atomic_state_rocksdb_write_stalls_total",
            "Times that RocksDB began to slow writers down, or stopped them.",
            storage.writeStallCount)
        counter(
            "atomic_state_rocksdb_background_errors_total", "Background errors.",
            storage.backgroundErrorCount)
    }

    /// https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics
    private mutating func addProcess() {
        let process = ProcessUsage.current
        counter("process_cpu_seconds_total", "User and system CPU time.", process.cpuSeconds)
        gauge("process_resident_memory_bytes", "Resident memory.", process.residentByteCount)
    }

    private mutating func counter(_ name: String, _ help: String, _ value: some Numeric) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) counter\n\(name) \(value)\n"
    }

    private mutating func gauge(_ name: String, _ help: String, _ value: some Numeric) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) gauge\n\(name) \(value)\n"
    }

    private mutating func family(_ name: String, _ help: String, _ values: [(String, UInt64)]) {
        labelled("atomic_state_rocksdb_\(name)", "gauge", help, "family", values)
    }

    private mutating func labelled(
        _ name: String, _ type: String, _ help: String, _ label: String,
        _ values: [(String, UInt64)]
    ) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
        for (key, value) in values { text += "\(name){\(label)=\"\(key)\"} \(value)\n" }
    }
}

/// What the operating system counts for this process.
struct ProcessUsage {
    let cpuSeconds: Double
    let residentByteCount: UInt64

    static var current: ProcessUsage {
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        func seconds(_ time: timeval) -> Double {
            Double(time.tv_sec) + Double(time.tv_usec) / 1e6
        }
        return ProcessUsage(
            cpuSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
            residentByteCount: residentPageCount * UInt64(sysconf(CInt(_SC_PAGESIZE))))
    }

    /// The second number of /proc/self/statm (proc(5)); 0 where there is no /proc.
    private static var residentPageCount: UInt64 {
        guard let words = firstLine(of: "/proc/self/statm")?.split(separator: " ") else { return 0 }
        return words.count > 1 ? UInt64(words[1]) ?? 0 : 0
    }
}
