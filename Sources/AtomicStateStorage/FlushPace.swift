/// How fast RocksDB is to write memtables out: a little faster than commits fill them.
///
/// At the disk's full speed a flush is over sooner, but as long as it lasts each commit's sync waits behind its pieces.
/// RocksDB disregards the limit when a commit has to wait for a memtable.
struct FlushPace {
    /// Of what is written: greater than 1, so that a memtable is flushed before the next is full.
    static let share = 1.5
    static let bytesPerSecondMin = 16.0 * 1024 * 1024
    static let timeBetweenChanges = Duration.milliseconds(100)
    /// What is left of the limit from one change to the next at least, so that a load in waves keeps that of its
    /// crests.
    static let decay = 0.9

    private var bytesPerSecond = 0.0
    private var byteCount = 0
    private var lastChange: ContinuousClock.Instant

    init(now: ContinuousClock.Instant) {
        lastChange = now
    }

    /// To be told of all that is written, as it happens.
    ///
    /// - Returns: from now on the limit in bytes per second; nil for the same as before.
    mutating func limit(
        afterWriting writtenByteCount: Int, now: ContinuousClock.Instant
    ) -> Int64? {
        byteCount += writtenByteCount
        let time = now - lastChange
        guard time >= Self.timeBetweenChanges else { return nil }
        bytesPerSecond = max(
            Double(byteCount) / (time / .seconds(1)) * Self.share, bytesPerSecond * Self.decay,
            Self.bytesPerSecondMin)
        byteCount = 0
        lastChange = now
        return Int64(bytesPerSecond)
    }
}
