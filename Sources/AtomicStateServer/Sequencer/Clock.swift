internal import Glibc

/// Nanoseconds of a clock that never steps back.
func monotonicNanoseconds() -> UInt64 {
    nanoseconds(of: CLOCK_MONOTONIC)
}

/// Microseconds since 1970-01-01T00:00:00Z.
func wallClockMicroseconds() -> UInt64 {
    nanoseconds(of: CLOCK_REALTIME) / 1_000
}

private func nanoseconds(of clock: clockid_t) -> UInt64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
