internal import Glibc

/// Where the server's parts take the time from.
struct Clock: Sendable {
    private let monotonic: @Sendable () -> UInt64
    private let wall: @Sendable () -> UInt64

    /// The system's clocks.
    static let system = Clock(
        monotonicNanoseconds: { nanoseconds(of: CLOCK_MONOTONIC) },
        wallMicroseconds: { nanoseconds(of: CLOCK_REALTIME) / 1_000 })

    init(
        monotonicNanoseconds: @escaping @Sendable () -> UInt64,
        wallMicroseconds: @escaping @Sendable () -> UInt64
    ) {
        monotonic = monotonicNanoseconds
        wall = wallMicroseconds
    }

    /// Never steps back.
    var monotonicNanoseconds: UInt64 { monotonic() }

    /// Since 1970-01-01T00:00:00Z.
    var wallMicroseconds: UInt64 { wall() }
}

private func nanoseconds(of clock: clockid_t) -> UInt64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
