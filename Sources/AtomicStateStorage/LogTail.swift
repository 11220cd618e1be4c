internal import Glibc

/// The end of a log that holds no whole record of it: room that was not used or what the file held before, and
/// in front of it perhaps what was being written when the power went.
package struct LogTail: Sendable {
    package let path: String
    /// Where it begins.
    package let offset: Int
    /// Whether it begins with a record that is not whole.
    package let isTorn: Bool

    /// Looks through the logs that RocksDB will read: its write-ahead logs, and the MANIFEST in use.
    ///
    /// RocksDB itself takes a log that ends early for torn, yet neither one whose end has its length
    /// and not its bytes, nor damage for damage where it reads zeros. Hence this check before it opens
    /// them.
    ///
    /// - Parameter path: RocksDB's folder.
    /// - Returns: the tails, and the number of the last batch in them; 0 if there is none.
    /// - Throws: damage to a record that another one follows.
    static func all(
        inDatabase path: String
    ) throws(StorageError) -> (tails: [LogTail], lastBatchNumber: UInt64) {
        guard access(path, F_OK) == 0 else {
            guard errno == ENOENT else { throw .system("open", path) }
            return ([], 0)
        }
        var position = LogScan.Position()
        position.identitySecret = try BatchSeal.secret(ofDatabase: path)
        var tails = try writeAheadTails(of: writeAheadLogs(inDatabase: path), &position)
        if let name = try manifest(path) {
            let manifest = "\(path)/\(name)"
            if let tail = try tail(of: manifest, LogScan(path: manifest, .manifest)) {
                tails.append(tail)
            }
        }
        return (tails, position.lastNumber ?? 0)
    }

    /// Cuts the tail off, durably, so that what is written later does not follow it.
    func remove() throws(StorageError) {
        let file = open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { throw .system("open", path) }
        defer { close(file) }
        guard ftruncate(file, off_t(offset)) == 0 else { throw .system("truncate", path) }
        guard fsync(file) == 0 else { throw .system("fsync", path) }
    }

    /// The tails of logs that continue one another.
    private static func writeAheadTails(
        of logs: [String], _ position: inout LogScan.Position
    ) throws(StorageError) -> [LogTail] {
        var tails: [LogTail] = []
        for path in logs {
            let scan = try LogScan(path: path, .writeAhead(following: position))
            if let torn = tails.last(where: \.isTorn), scan.hasRecords {
                throw .damagedLog(torn.path, at: torn.offset)
            }
            if let tail = try tail(of: path, scan) { tails.append(tail) }
            position = scan.position
        }
        return tails
    }

    /// Nil if the log ends with its last record.
    private static func tail(of path: String, _ scan: LogScan) throws(StorageError) -> LogTail? {
        guard let damageOffset = scan.damageOffset else { return nil }
        guard !scan.hasRecordsBehindDamage else { throw .damagedLog(path, at: damageOffset) }
        return LogTail(path: path, offset: scan.intactByteCount, isTorn: scan.isTorn)
    }

    /// The name that CURRENT holds; nil if there is none, of which RocksDB has its own to say.
    private static func manifest(_ path: String) throws(StorageError) -> String? {
        guard let bytes = try beginning(ofFile: path + "/CURRENT") else { return nil }
        let line = String(decoding: bytes, as: UTF8.self)
        let name = String(line.prefix { $0 != "\n" })
        guard name.hasPrefix("MANIFEST-"), access("\(path)/\(name)", F_OK) == 0 else { return nil }
        return name
    }
}

extension StorageError {
    fileprivate static func damagedLog(_ path: String, at offset: Int) -> StorageError {
        StorageError(
            "\(path) is damaged at byte \(offset), and records follow that were durable: expected "
                + "intact records up to the last one")
    }
}

/// The paths of RocksDB's write-ahead logs, the oldest first.
private func writeAheadLogs(inDatabase path: String) throws(StorageError) -> [String] {
    try entryNames(of: path).filter { $0.hasSuffix(".log") }
        .compactMap { name in UInt64(name.dropLast(4)).map { (number: $0, name: name) } }
        .sorted { $0.number < $1.number }
        .map { "\(path)/\($0.name)" }
}

/// At most 64 bytes, which is all of RocksDB's small files; nil if there is no such file.
func beginning(ofFile path: String) throws(StorageError) -> ArraySlice<UInt8>? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
        guard errno == ENOENT else { throw .system("open", path) }
        return nil
    }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = pread(file, &bytes, bytes.count, 0)
    guard count >= 0 else { throw .system("read", path) }
    return bytes[..<count]
}

/// The names in a folder, but "." and "..".
func entryNames(of path: String) throws(StorageError) -> [String] {
    guard let directory = opendir(path) else { throw .system("open", path) }
    defer { closedir(directory) }
    var names: [String] = []
    while true {
        errno = 0
        guard let entry = readdir(directory) else {
            guard errno == 0 else { throw .system("read", path) }
            return names
        }
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != "." && name != ".." { names.append(name) }
    }
}
