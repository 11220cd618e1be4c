internal import Glibc

/// A lock with conditions to wait for.
///
/// The standard library's `Mutex` has no condition variable, and the writer and the committer are
/// threads that wait for several causes at once.
final class Monitor: @unchecked Sendable {  // Guarded by pthreads.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let conditions: UnsafeMutablePointer<pthread_cond_t>
    private let conditionCount: Int
    /// One bit for each condition to be signalled.
    private var signalled: UInt64 = 0

    /// At most 64 conditions.
    init(conditionCount: Int) {
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        conditions = .allocate(capacity: conditionCount)
        self.conditionCount = conditionCount
        for index in 0..<conditionCount {
            (conditions + index).initialize(to: pthread_cond_t())
            pthread_cond_init(conditions + index, nil)
        }
    }

    deinit {
        for index in 0..<conditionCount { pthread_cond_destroy(conditions + index) }
        conditions.deallocate()
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    func withLock<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(mutex)
        let result = body()
        let signalled = takeSignalled()
        pthread_mutex_unlock(mutex)
        // Not before: a thread that is woken first would only wait for the lock.
        send(signalled)
        return result
    }

    /// Gives the lock up until the condition is signalled. Only inside of `withLock`.
    func wait(_ condition: Int) {
        send(takeSignalled())
        pthread_cond_wait(conditions + condition, mutex)
    }

    /// Wakes a thread that waits for the condition, once the lock is given up. Only inside of `withLock`.
    func signal(_ condition: Int) {
        signalled |= 1 << condition
    }

    private func takeSignalled() -> UInt64 {
        defer { signalled = 0 }
        return signalled
    }

    private func send(_ signalled: UInt64) {
        var rest = signalled
        while rest != 0 {
            pthread_cond_signal(conditions + rest.trailingZeroBitCount)
            rest &= rest - 1
        }
    }
}

/// Runs the body on a thread of its own; `join` waits for its end. One that nobody waits for gives its
/// memory back when it ends.
final class WorkerThread: @unchecked Sendable {  // Set before it is shared; joined by one.
    private var thread = pthread_t()
    private var isJoined = false

    init(name: String, _ body: @escaping @Sendable () -> Void) {
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        let failure = pthread_create(
            &thread, nil,
            { argument in
                // SAFETY: the argument is the object retained below, taken exactly once.
                let start = Unmanaged<Start>.fromOpaque(argument.unsafelyUnwrapped)
                    .takeRetainedValue()
                start.nameThread()
                start.body()
                return nil
            }, start.toOpaque())
        precondition(failure == 0, "the system gives a server its few threads")
    }

    deinit {
        if !isJoined { pthread_detach(thread) }
    }

    /// At most once.
    func join() {
        pthread_join(thread, nil)
        isJoined = true
    }

    private final class Start {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }

        /// For whoever looks at the process from outside (proc(5)); without effect where there is no
        /// /proc.
        func nameThread() {
            let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
            guard file >= 0 else { return }
            _ = write(file, name, name.utf8.count)
            close(file)
        }
    }
}
