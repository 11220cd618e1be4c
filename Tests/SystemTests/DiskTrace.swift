import Foundation
import Glibc

/// What a process did to the files below a folder, as `Tests/FaultyDisk` notes it; the format is in
/// its header.
struct DiskTrace {
    enum Event {
        case open(handle: UInt64, path: String, flags: CInt)
        case write(handle: UInt64, offset: Int, bytes: Range<Int>)
        case truncate(handle: UInt64, size: Int)
        case allocate(handle: UInt64, size: Int)
        case syncBegin(handle: UInt64)
        case syncEnd(handle: UInt64, error: CInt)
        case rename(from: String, to: String)
        case link(from: String, to: String)
        case unlink(String)
        case makeFolder(String)
        case removeFolder(String)
        /// Any call, before it is carried out; the error is the injected one, or 0.
        case call(name: String, path: String, error: CInt)
    }

    struct Record {
        let event: Event
        /// The trace's size with this record as its last one.
        let end: Int
    }

    let bytes: [UInt8]
    private(set) var records: [Record] = []

    /// The environment of a process whose files are watched.
    ///
    /// - Parameter fault: the call that is to fail, see `FaultyDisk.c`.
    static func environment(
        folder: URL, trace: URL, fault: String? = nil
    ) -> [String: String] {
        var environment = [
            "LD_PRELOAD": binary("libFaultyDisk.so").path, "FAULTY_DISK_FOLDER": folder.path,
            "FAULTY_DISK_TRACE": trace.path,
        ]
        environment["FAULTY_DISK_FAULT"] = fault
        return environment
    }

    /// The size of a trace that is being written: what came before now is below it.
    static func size(of trace: URL) -> Int {
        var status = stat()
        return stat(trace.path, &status) == 0 ? Int(status.st_size) : 0
    }

    /// A record at the end that is cut short is left out.
    init(contentsOf trace: URL) throws {
        bytes = [UInt8](try Data(contentsOf: trace))
        var position = 0
        while let record = try read(at: &position) { records.append(record) }
    }

    private func read(at position: inout Int) throws -> Record? {
        let headerByteCount = 40
        guard position + headerByteCount <= bytes.count else { return nil }
        let start = position
        func number<Number: FixedWidthInteger>(_ offset: Int, _: Number.Type) -> Number {
            bytes.withUnsafeBytes {
                $0.loadUnaligned(fromByteOffset: start + offset, as: Number.self)
            }
        }
        let value = CInt(bitPattern: number(4, UInt32.self))
        let handle = number(8, UInt64.self)
        let offset = Int(number(16, UInt64.self))
        let pathEnd = start + headerByteCount + Int(number(24, UInt32.self))
        let path2End = pathEnd + Int(number(28, UInt32.self))
        let end = path2End + Int(number(32, UInt64.self))
        guard end <= bytes.count else { return nil }
        let path = String(decoding: bytes[(start + headerByteCount)..<pathEnd], as: UTF8.self)
        let path2 = String(decoding: bytes[pathEnd..<path2End], as: UTF8.self)
        position = end
        let event: Event
        switch number(0, UInt32.self) {
        case 1: event = .open(handle: handle, path: path, flags: value)
        case 2: event = .write(handle: handle, offset: offset, bytes: path2End..<end)
        case 3: event = .truncate(handle: handle, size: offset)
        case 4: event = .allocate(handle: handle, size: offset)
        case 5: event = .syncBegin(handle: handle)
        case 6: event = .syncEnd(handle: handle, error: value)
        case 7: event = .rename(from: path, to: path2)
        case 8: event = .link(from: path, to: path2)
        case 9: event = .unlink(path)
        case 10: event = .makeFolder(path)
        case 11: event = .removeFolder(path)
        case 12:
            let words = path.split(separator: " ", maxSplits: 1).map(String.init)
            event = .call(name: words[0], path: words[1], error: value)
        case let kind: throw ServerProcess.Failure(description: "trace: unknown kind \(kind)")
        }
        return Record(event: event, end: end)
    }
}

extension DiskTrace {
    /// How many writes to files with such names began while the one before was not synced: of two such records the first may
    /// be torn and the second whole.
    func unsyncedWriteCount(of prefix: String) -> Int {
        var isSynced: [UInt64: Bool] = [:]
        var count = 0
        for record in records {
            switch record.event {
            case .open(let handle, let path, flags: _):
                let name = path.split(separator: "/").last ?? ""
                isSynced[handle] = name.hasPrefix(prefix) ? true : nil
            case .write(let handle, offset: _, bytes: _) where isSynced[handle] != nil:
                if isSynced[handle] == false { count += 1 }
                isSynced[handle] = false
            case .syncEnd(let handle, error: 0) where isSynced[handle] != nil:
                isSynced[handle] = true
            default: break
            }
        }
        return count
    }
}
