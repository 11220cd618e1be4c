internal import CPlatform
internal import Synchronization

/// Keeps a thread that does little but wait for syncs on the processor that the disk's interrupts go to. From there
/// it would have to be woken on another one, twice a commit.
final class DiskProcessor: Sendable {
    private let interrupts: DiskInterrupts
    private let kept = Mutex<Thread?>(nil)
    private let isKeeping = Atomic<Bool>(false)

    private struct Thread {
        let identifier: pid_t
        /// Where it might run before.
        var processors: cpu_set_t
    }

    init(_ interrupts: DiskInterrupts) {
        self.interrupts = interrupts
    }

    /// Keeps the calling thread there, if it may run there. It has to live until it is let go, or as long as this.
    func keepThread() {
        guard !isKeeping.load(ordering: .relaxed) else { return }
        kept.withLock { kept in
            guard kept == nil else { return }
            // Also where it fails: it is tried again after the thread would have been let go, not at once.
            isKeeping.store(true, ordering: .relaxed)
            var processors = cpu_set_t()
            guard let processor = interrupts.processor,
                keep_on_processor(processor, &processors) == 0
            else { return }
            kept = Thread(identifier: gettid(), processors: processors)
        }
    }

    /// Lets the thread run where it might before. On any thread.
    func letGo() {
        guard isKeeping.load(ordering: .relaxed) else { return }
        kept.withLock { kept in
            isKeeping.store(false, ordering: .relaxed)
            guard var thread = kept.take() else { return }
            sched_setaffinity(thread.identifier, MemoryLayout<cpu_set_t>.size, &thread.processors)
        }
    }
}
