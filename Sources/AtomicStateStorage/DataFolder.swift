internal import Glibc

// The data folder:
//
//     IDENTITY    what this folder is, as lines of text; locked by the process that uses the folder
//     rocksdb/    the database
//     staging/    files on their way into the database; emptied at every start
//
// IDENTITY:
//
//     atomic-state data
//     format 3
//     state creating | ready
//     schema the schema's name
//
// "creating" is a folder whose first start did not come to its end; it holds nothing yet. A schema
// changes, and its versions are in the database; its name stays, and tells whose data this is.

/// A data folder that this process alone uses, until the value goes.
package struct DataFolder: ~Copyable {
    package static let format = 3
    private static let firstLine = "atomic-state data"

    private struct Contents {
        let schemaName: String
        let isNew: Bool
    }

    package let path: String
    package let schemaName: String
    /// Whether the folder has never been used.
    package private(set) var isNew: Bool
    private let identity: CInt

    package var databasePath: String { path + "/rocksdb" }
    package var stagingPath: String { path + "/staging" }

    /// Opens the folder for this process alone.
    ///
    /// - Parameter schemaName: creates the folder for a schema of this name if it is not there, and
    ///   refuses a folder of another one. Nil takes an existing folder as it is.
    /// - Throws: what is wrong with the folder. Nothing in it has been changed then.
    package init(opening path: String, schemaName: String?) throws(StorageError) {
        let (identity, found) = try Self.lock(path, schemaName: schemaName)
        self.path = path
        self.identity = identity
        self.schemaName = found.schemaName
        isNew = found.isNew
    }

    deinit { Self.release(identity) }

    /// Notes that the folder's database is there: from now on its absence is an error.
    package mutating func markReady() throws(StorageError) {
        // The database's folder has to be there before the note that it is.
        try Self.syncDirectory(self.path)
        // In place, so that the lock stays with the file; both texts have the same length.
        let text = Self.identity(state: "ready   ", schemaName: schemaName)
        let path = path + "/IDENTITY"
        try Self.write(text, to: identity, path)
        guard fsync(identity) == 0 else { throw .system("fsync", path) }
        isNew = false
    }

    /// Removes what an earlier process left in the staging folder.
    package func clearStaging() throws(StorageError) {
        if mkdir(stagingPath, 0o750) != 0 && errno != EEXIST {
            throw .system("mkdir", stagingPath)
        }
        for name in try entryNames(of: stagingPath) {
            let file = stagingPath + "/" + name
            guard unlink(file) == 0 else { throw .system("unlink", file) }
        }
    }

    /// Opens and locks IDENTITY, and tells what it says.
    private static func lock(
        _ path: String, schemaName: String?
    ) throws(StorageError) -> (identity: CInt, found: Contents) {
        let identityPath = path + "/IDENTITY"
        if access(identityPath, F_OK) != 0 {
            guard errno == ENOENT else { throw .system("open", identityPath) }
            guard let schemaName else {
                throw StorageError(
                    "\(path) is not a data folder: expected a file IDENTITY in it")
            }
            try create(path, schemaName: schemaName)
        }
        let identity = open(identityPath, O_RDWR | O_CLOEXEC)
        guard identity >= 0 else { throw .system("open", identityPath) }
        do throws(StorageError) {
            guard flock(identity, LOCK_EX | LOCK_NB) == 0 else {
                throw StorageError("\(path) is in use by another process")
            }
            let found = try parse(try read(identity, identityPath), path: identityPath)
            if let schemaName { try require(schemaName, of: found.schemaName, path) }
            guard access(path, W_OK) == 0 else { throw .system("write to", path) }
            return (identity, found)
        } catch {
            release(identity)
            throw error
        }
    }

    /// - Throws: if a schema of this name is not the data's.
    package func requireSchema(_ name: String) throws(StorageError) {
        try Self.require(name, of: schemaName, path)
    }

    private static func require(
        _ schemaName: String, of found: String, _ path: String
    ) throws(StorageError) {
        guard schemaName == found else {
            throw StorageError(
                "\(path) holds data of another schema: expected one whose name is \(found), found "
                    + schemaName)
        }
    }

    /// Closes a file and gives its lock up. To close it alone would not do: a process that is just being
    /// started by this one still has it open.
    private static func release(_ descriptor: CInt) {
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    private static func identity(state: String, schemaName: String) -> String {
        "\(firstLine)\nformat \(format)\nstate \(state)\nschema \(schemaName)\n"
    }

    private static func create(_ path: String, schemaName: String) throws(StorageError) {
        let temporaryName = "IDENTITY.new"
        guard mkdir(path, 0o750) == 0 || errno == EEXIST else { throw .system("mkdir", path) }
        // One process after the other: an IDENTITY that is put in the place of another is locked by neither.
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw .system("open", path) }
        defer { release(folder) }
        guard flock(folder, LOCK_EX) == 0 else { throw .system("flock", path) }
        if access(path + "/IDENTITY", F_OK) == 0 { return }
        // A first start that did not come far leaves the temporary file behind.
        guard try entryNames(of: path).allSatisfy({ $0 == temporaryName }) else {
            throw StorageError(
                "\(path) is neither a data folder nor empty: expected one of the two")
        }
        try syncParent(of: path)
        let temporary = path + "/" + temporaryName
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard file >= 0 else { throw .system("create", temporary) }
        defer { close(file) }
        let text = identity(state: "creating", schemaName: schemaName)
        try write(text, to: file, temporary)
        guard fsync(file) == 0 else { throw .system("fsync", temporary) }
        guard rename(temporary, path + "/IDENTITY") == 0 else { throw .system("rename", temporary) }
        try syncDirectory(path)
    }

    /// Writes a text at the beginning of a file.
    private static func write(
        _ text: String, to file: CInt, _ path: String
    ) throws(StorageError) {
        let bytes = Array(text.utf8)
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                pwrite(file, $0.baseAddress! + written, $0.count - written, off_t(written))
            }
            guard count > 0 else { throw .system("write", path) }
            written += count
        }
    }

    /// A folder's own name is durable once the folder that it is in was synced.
    private static func syncParent(of path: String) throws(StorageError) {
        let parent = path + "/.."
        // Who may not read the parent has not made the folder, but found it there.
        if access(parent, R_OK) != 0 && errno == EACCES { return }
        try syncDirectory(parent)
    }

    private static func syncDirectory(_ path: String) throws(StorageError) {
        let directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw .system("open", path) }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw .system("fsync", path) }
    }

    private static func read(_ file: CInt, _ path: String) throws(StorageError) -> String {
        var bytes = [UInt8](repeating: 0, count: 1024)
        let count = pread(file, &bytes, bytes.count, 0)
        guard count >= 0 else { throw .system("read", path) }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    private static func parse(
        _ text: String, path: String
    ) throws(StorageError) -> Contents {
        let lines = text.split(separator: "\n")
        // A file that was cut short may still have four lines, of which the last one is not whole.
        guard lines.first == Substring(firstLine), lines.count == 4, text.hasSuffix("\n") else {
            throw StorageError(
                "\(path): expected four whole lines, the first \"\(firstLine)\"")
        }
        func value(_ line: Int, _ name: String) throws(StorageError) -> Substring {
            let words = lines[line].split(separator: " ")
            guard words.count == 2, words[0] == name else {
                throw StorageError(
                    "\(path), line \(line + 1): expected \"\(name)\" and a value, found "
                        + "\"\(lines[line])\"")
            }
            return words[1]
        }
        let format = try value(1, "format")
        guard format == "\(Self.format)" else {
            throw StorageError(
                "\(path): data of format \(format), which this version can't read: expected format "
                    + "\(Self.format)")
        }
        let state = try value(2, "state")
        guard state == "creating" || state == "ready" else {
            throw StorageError("\(path): state \(state): expected \"creating\" or \"ready\"")
        }
        return Contents(
            schemaName: String(try value(3, "schema")), isNew: state == "creating")
    }
}
