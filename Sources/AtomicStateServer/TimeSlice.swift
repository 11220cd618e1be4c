internal import CPlatform

/// Short time slices for the threads that a batch passes through. One that is woken then runs at once instead
/// of waiting until a background thread, a flush for one, has used up its own slice of some milliseconds
/// (EEVDF scheduler, Linux 6.12 and later; without effect before).
enum TimeSlice {
    private static let nanoseconds: UInt64 = 200_000

    /// The calling thread's from now on.
    static func shorten() {
        _ = set_time_slice(nanoseconds)
    }
}
