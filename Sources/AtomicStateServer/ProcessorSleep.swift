internal import Glibc
internal import Logging
internal import Synchronization

/// Keeps idle processors from sleeping while requests come in. To wake one takes tens of microseconds, on
/// a virtual machine sometimes milliseconds, and a small batch waits for several of them.
///
/// Idle processors spin for as long as the kernel's device is held open with a latency of 0 µs written to
/// it ("PM Quality Of Service Interface" in the Linux kernel's documentation). That takes power, so it is
/// given up when no requests come. Without a driver for idle processors, as in some virtual machines, the
/// kernel halts them whatever it is told.
final class ProcessorSleep: Sendable {
    private let device: String
    private let state = Mutex(State())
    private let isPrevented = Atomic<Bool>(false)
    private let hasWork = Atomic<Bool>(false)
    private let logger: Logger

    private struct State {
        /// The device, open while processors may not sleep.
        var descriptor: Int32?
        var hasFailed = false
    }

    struct Refusal: Error, CustomStringConvertible {
        let description: String
    }

    /// - Parameter driver: the file that names the kernel's driver for idle processors, or "none".
    /// - Throws: `Refusal` if this process may not keep processors awake, or nothing can.
    init(
        device: String = "/dev/cpu_dma_latency",
        driver: String = "/sys/devices/system/cpu/cpuidle/current_driver", logger: Logger
    ) throws(Refusal) {
        self.device = device
        self.logger = logger
        guard firstLine(of: driver) != "none" else {
            throw Refusal(
                description: "processors can't be kept awake: the kernel has no driver for idle "
                    + "processors that could be told so (\(driver) is none)")
        }
        close(try prevention())
    }

    deinit {
        allow()
    }

    /// A request has come in.
    func noteWork() {
        hasWork.store(true, ordering: .relaxed)
        if !isPrevented.load(ordering: .relaxed) { prevent() }
    }

    /// Lets processors sleep if no request came since the last look.
    func look() {
        if !hasWork.exchange(false, ordering: .relaxed) { allow() }
    }

    private func prevent() {
        state.withLock { state in
            guard !isPrevented.load(ordering: .relaxed) else { return }
            // Without the device, too: it is tried again after a pause, not with each request.
            isPrevented.store(true, ordering: .relaxed)
            do throws(Refusal) {
                state.descriptor = try prevention()
                state.hasFailed = false
            } catch {
                if !state.hasFailed { logger.warning("\(error)") }
                state.hasFailed = true
            }
        }
    }

    private func allow() {
        state.withLock { state in
            if let descriptor = state.descriptor.take() { close(descriptor) }
            isPrevented.store(false, ordering: .relaxed)
        }
    }

    /// The device, opened and told that no processor may sleep.
    private func prevention() throws(Refusal) -> Int32 {
        let descriptor = open(device, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw refusal() }
        var microseconds: Int32 = 0
        guard write(descriptor, &microseconds, 4) == 4 else {
            defer { close(descriptor) }
            throw refusal()
        }
        return descriptor
    }

    private func refusal() -> Refusal {
        Refusal(
            description: "processors can't be kept awake: \(device): "
                + String(cString: strerror(errno)))
    }
}
