internal import AtomicStateEngine
internal import AtomicStateStorage

/// Reads rows on a thread of its own, a few batches ahead of whoever loads them.
final class RowReader: @unchecked Sendable {  // Guarded by `monitor`.
    private enum Wake {
        static let reader = 0
        static let loader = 1
    }

    private final class Batch {
        var rows = RowImageBatch(expectedByteCount: ServerLimits.readRowByteCount)
    }

    private struct NobodyLoads: Error {}

    private let monitor = Monitor(conditionCount: 2)
    private var batches = FirstInFirstOut<Batch>()
    private var batchCount = 0
    private var hasEnded = false
    private var failure: StorageError?
    private var isAbandoned = false

    private init() {}

    /// Calls the body with all rows of a version, batch after batch, in the order of the keys.
    static func forEachBatch<Failure: Error>(
        in storage: any Storage, schemaVersion: UInt16,
        _ body: (borrowing RowImageBatch) throws(Failure) -> Void
    ) throws(IterationError<Failure>) {
        let reader = RowReader()
        let thread = WorkerThread(name: "row-reader") { reader.read(storage, schemaVersion) }
        defer {
            reader.abandon()
            thread.join()
        }
        while let batch = reader.next() {
            do {
                try body(batch.rows)
            } catch {
                throw .body(error)
            }
        }
        if let failure = reader.failure { throw .storage(failure) }
    }
}

// MARK: Loader

extension RowReader {
    /// The next batch; nil behind the last one, after which `failure` tells why there are no more.
    private func next() -> Batch? {
        monitor.withLock {
            while true {
                if let batch = batches.removeFirst() {
                    batchCount -= 1
                    monitor.signal(Wake.reader)
                    return batch
                }
                if hasEnded { return nil }
                monitor.wait(Wake.loader)
            }
        }
    }

    /// Lets the reader end soon.
    private func abandon() {
        monitor.withLock {
            isAbandoned = true
            monitor.signal(Wake.reader)
        }
    }
}

// MARK: Reader

extension RowReader {
    private func read(_ storage: any Storage, _ schemaVersion: UInt16) {
        var batch = Batch()
        var failure: StorageError?
        do throws(IterationError<NobodyLoads>) {
            try storage.forEachRow(schemaVersion: schemaVersion) {
                (key, image) throws(NobodyLoads) in
                batch.rows.append(key: key, image: image)
                guard batch.rows.byteCount >= ServerLimits.readRowByteCount else { return }
                try hand(batch)
                batch = Batch()
            }
            if batch.rows.count > 0 { try? hand(batch) }
        } catch {
            if case .storage(let error) = error { failure = error }
        }
        monitor.withLock {
            self.failure = failure
            hasEnded = true
            monitor.signal(Wake.loader)
        }
    }

    /// Waits until the loader is not far behind.
    private func hand(_ batch: Batch) throws(NobodyLoads) {
        let isWanted = monitor.withLock {
            while batchCount >= ServerLimits.readRowBatchCount, !isAbandoned {
                monitor.wait(Wake.reader)
            }
            batches.append(batch)
            batchCount += 1
            monitor.signal(Wake.loader)
            return !isAbandoned
        }
        if !isWanted { throw NobodyLoads() }
    }
}
