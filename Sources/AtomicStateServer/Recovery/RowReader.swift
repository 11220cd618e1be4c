internal import AtomicStateEngine
internal import AtomicStateStorage
internal import struct NIOCore.CircularBuffer

/// Reads blocks of rows on a thread of its own, a few ahead of whoever loads them.
final class RowReader: @unchecked Sendable {  // Guarded by `monitor`.
    private enum Wake {
        static let reader = 0
        static let loader = 1
    }

    private final class Block {
        private(set) var bytes: ByteBuffer

        init(_ bytes: UnsafeRawBufferPointer) {
            self.bytes = ByteBuffer(capacity: bytes.count)
            self.bytes.append(bytes)
        }
    }

    private struct NobodyLoads: Error {}

    private let monitor = Monitor(conditionCount: 2)
    private var blocks = CircularBuffer<Block>()
    private var hasEnded = false
    private var failure: StorageError?
    private var isAbandoned = false

    private init() {}

    /// Calls the body with each of the blocks, in order.
    static func forEachBlock<Failure: Error>(
        in storage: any Storage, _ blocks: Range<UInt64>,
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(IterationError<Failure>) {
        let reader = RowReader()
        let thread = WorkerThread(name: "row-reader") { reader.read(blocks, storage) }
        defer {
            reader.abandon()
            thread.join()
        }
        while let block = reader.next() {
            do throws(Failure) {
                try block.bytes.withBytes(body)
            } catch {
                throw .body(error)
            }
        }
        if let failure = reader.failure { throw .storage(failure) }
    }
}

// MARK: Loader

extension RowReader {
    /// The next block; nil behind the last one, after which `failure` tells why there are no more.
    private func next() -> Block? {
        monitor.withLock {
            while true {
                if let block = blocks.popFirst() {
                    monitor.signal(Wake.reader)
                    return block
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
    private func read(_ blocks: Range<UInt64>, _ storage: any Storage) {
        var failure: StorageError?
        do throws(IterationError<NobodyLoads>) {
            try storage.forEachRowBlock(in: blocks) { (bytes) throws(NobodyLoads) in
                try hand(Block(bytes))
            }
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
    private func hand(_ block: Block) throws(NobodyLoads) {
        let isWanted = monitor.withLock {
            while blocks.count >= ServerLimits.readRowBlockCount, !isAbandoned {
                monitor.wait(Wake.reader)
            }
            blocks.append(block)
            monitor.signal(Wake.loader)
            return !isAbandoned
        }
        if !isWanted { throw NobodyLoads() }
    }
}
