internal import Glibc

/// The first line of a short file, such as those of /proc and /sys, up to 127 bytes; nil if it can't be read.
func firstLine(of path: String) -> String? {
    guard let file = fopen(path, "re") else { return nil }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 128)
    guard fgets(&line, CInt(line.count), file) != nil else { return nil }
    let newline = CChar(UInt8(ascii: "\n"))
    return String(
        decoding: line.prefix { $0 != 0 && $0 != newline }.map(UInt8.init(bitPattern:)),
        as: UTF8.self)
}
