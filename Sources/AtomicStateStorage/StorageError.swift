internal import CRocksDB
internal import Glibc

/// A failed call of RocksDB or of the operating system: which, on what, and what it said.
package struct StorageError: Error, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }

    /// A failed system call, from `errno`.
    static func system(_ call: String, _ path: String) -> StorageError {
        StorageError("\(call) \(path): \(String(cString: strerror(errno)))")
    }
}

/// Calls RocksDB with a place for its error, which is freed here and named after the call.
func withErrorPointer<Result>(
    _ call: @autoclosure () -> String,
    _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
) throws(StorageError) -> Result {
    var message: UnsafeMutablePointer<CChar>?
    let result = body(&message)
    guard let message else { return result }
    defer { rocksdb_free(message) }
    throw StorageError("\(call()): \(String(cString: message))")
}
