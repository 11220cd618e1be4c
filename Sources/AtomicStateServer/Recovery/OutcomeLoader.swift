internal import AtomicStateEngine
internal import AtomicStateStorage

/// Loads what is remembered on a thread of its own, while someone else loads rows and journal.
final class OutcomeLoader {
    private final class Result: @unchecked Sendable {  // Set by the thread, taken at its end.
        var memory: OutcomeMemory?
        var failure: RecoveryError?
    }

    private let result = Result()
    private var thread: WorkerThread?

    /// - Parameter capacity: the outcomes to remember.
    init(_ storage: any Storage, capacity: Int) {
        thread = WorkerThread(name: "outcome-loader") { [result] in
            do throws(RecoveryError) {
                result.memory = try OutcomeMemory(storage, capacity: capacity)
            } catch {
                result.failure = error
            }
        }
    }

    deinit { thread?.join() }

    /// Waits until all is loaded. At most once.
    ///
    /// - Throws: what is damaged, and where.
    func finish() throws(RecoveryError) -> OutcomeMemory {
        thread.take()?.join()
        if let failure = result.failure { throw failure }
        guard let memory = result.memory.take() else {
            preconditionFailure("what was loaded is taken once")
        }
        return memory
    }
}
