internal import AtomicStateEngine
internal import AtomicStateStorage

/// Loads what is remembered on a thread of its own, while someone else loads rows and journal.
final class OutcomeLoader {
    private final class Box: @unchecked Sendable {  // Set by the thread, taken at its end.
        var result: Result<OutcomeMemory, RecoveryError>?
    }

    private let box = Box()
    private var thread: WorkerThread?

    /// - Parameter capacity: the outcomes to remember.
    init(_ storage: any Storage, capacity: Int) {
        thread = WorkerThread(name: "outcome-loader") { [box] in
            box.result = Result { () throws(RecoveryError) in
                try OutcomeMemory(storage, capacity: capacity)
            }
        }
    }

    deinit { thread?.join() }

    /// Waits until all is loaded. At most once.
    ///
    /// - Throws: what is damaged, and where.
    func finish() throws(RecoveryError) -> OutcomeMemory {
        thread.take()?.join()
        guard let result = box.result.take() else {
            preconditionFailure("what was loaded is taken once")
        }
        return try result.get()
    }
}
