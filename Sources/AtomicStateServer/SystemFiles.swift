internal import Glibc

// Files of /proc and /sys.

/// The first line of a file; nil if it can't be read.
func firstLine(of path: String) -> String? {
    var first: String?
    forEachLine(of: path) { if first == nil { first = $0 } }
    return first
}

/// Calls the body with each line, without its end. With none if the file can't be read.
func forEachLine(of path: String, _ body: (String) -> Void) {
    guard let file = fopen(path, "re") else { return }
    defer { fclose(file) }
    var line: UnsafeMutablePointer<CChar>?
    var capacity = 0
    defer { free(line) }
    while true {
        let count = getline(&line, &capacity, file)
        guard count > 0, let line else { return }
        let bytes = UnsafeRawBufferPointer(start: line, count: count)
        body(
            String(
                decoding: bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...],
                as: UTF8.self))
    }
}
