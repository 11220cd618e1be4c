internal import CPlatform
internal import Glibc

/// Room behind what is written of RocksDB's write-ahead log in use.
///
/// A sync of a file that has grown stores its new size as well, which takes a write of its own between that
/// of the data and the flush. So the file has the room in its size already. RocksDB knows nothing of it: it
/// writes on where it is, and to extend the file changes nothing that was written. What is left at the end is cut off
/// by RocksDB when it closes the log, or by `LogTail` at the next start.
///
/// All of it is advice: a log without room only takes longer to sync.
struct LogRoom: ~Copyable {
    private static let timeBetweenLooks = Duration.milliseconds(200)
    private static let byteCountMin = 128 << 10

    private let databasePath: String
    private var path = ""
    private var descriptor: CInt = -1
    /// About where RocksDB writes next.
    private var position = 0
    private var byteCountSinceLook = 0
    private var nextLook: ContinuousClock.Instant

    init(inDatabase path: String, now: ContinuousClock.Instant) {
        databasePath = path
        nextLook = now
        look()
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// To be told of all that is written, as it happens.
    mutating func note(writtenByteCount byteCount: Int, now: ContinuousClock.Instant) {
        position += byteCount
        byteCountSinceLook += byteCount
        guard now >= nextLook else { return }
        nextLook = now + Self.timeBetweenLooks
        look()
    }

    /// Makes sure that what comes until the look after the next has room, if no more comes than came since
    /// the last one.
    private mutating func look() {
        guard let log = try? writeAheadLogs(inDatabase: databasePath).last else { return }
        if log != path { follow(log) }
        guard let end = size else { return }
        let needed = max(Self.byteCountMin, 2 * byteCountSinceLook)
        byteCountSinceLook = 0
        if end - position < needed {
            _ = extend(descriptor, off_t(position + 2 * needed))
        }
    }

    private mutating func follow(_ log: String) {
        if descriptor >= 0 { close(descriptor) }
        path = log
        descriptor = open(log, O_WRONLY | O_CLOEXEC)
        position = size ?? 0
    }

    private var size: Int? {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? Int(status.st_size) : nil
    }
}
