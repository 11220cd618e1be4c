import Foundation
import Glibc
import SeededRandom

/// What a disk holds of a folder, for certain and perhaps: built from what was there before and the
/// trace of what a process did.
///
/// A file's changes are certain once a sync of that file that began after them has succeeded. Its
/// names are not part of it: an entry of a folder is certain once the folder was synced. That is less
/// than ext4 keeps, which makes a new file's name durable with its content and never changes the order
/// of names. A rename happens or does not; nothing shows half of one.
final class DiskModel {
    /// What survives of the changes that are not certain.
    enum Data: CaseIterable {
        case nothing
        case everything
        /// The changes up to some moment, the one after them in part: up to any byte, or to the end of a sector, page or
        /// block.
        case prefix
        /// Any sectors of any changes; zeros where a file grew and its data did not come.
        case sectors
        /// The same with random bytes, as a file system shows that does not clear blocks.
        case sectorsAndGarbage
        /// Files have grown, and hold zeros there.
        case sizeOnly
    }

    enum Names: CaseIterable {
        case nothing, everything, prefix
    }

    private static let sectorByteCount = 512

    private final class Node {
        let isFolder: Bool
        /// A file's certain content.
        var bytes: [UInt8] = []
        var changes: [FileChange] = []
        /// A folder's certain entries, and those that the process sees.
        var entries: [String: Node] = [:]
        var currentEntries: [String: Node] = [:]
        var entryChanges: [EntryChange] = []
        /// Changes that have become certain, or are lost; a sync that is under way notes the number of all so far.
        var certainCount = 0
        var changeCount: Int { certainCount + (isFolder ? entryChanges.count : changes.count) }

        init(isFolder: Bool) { self.isFolder = isFolder }
    }

    private enum FileChange {
        case write(offset: Int, bytes: ArraySlice<UInt8>)
        case resize(Int)
        case grow(Int)
    }

    private enum EntryChange {
        case set(String, Node)
        case remove(String)
        case rename(String, String, Node)
    }

    private let folder: String
    private let root = Node(isFolder: true)
    private let trace: DiskTrace
    private var nextRecord = 0
    private var open: [UInt64: Node] = [:]
    /// For each handle the numbers of changes that syncs under way cover.
    private var syncs: [UInt64: [Int]] = [:]

    /// - Parameter folder: the path by which the process knows the folder.
    /// - Parameter initial: a copy of what the folder held before the trace began, all of it certain.
    init(of folder: URL, initial: URL, trace: DiskTrace) throws {
        self.folder = folder.path
        self.trace = trace
        try Self.load(initial, into: root)
    }

    private static func load(_ folder: URL, into node: Node) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
            let url = folder.appending(path: name)
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder)
            let child = Node(isFolder: isFolder.boolValue)
            if isFolder.boolValue {
                try load(url, into: child)
            } else {
                child.bytes = [UInt8](try Foundation.Data(contentsOf: url))
            }
            node.entries[name] = child
            node.currentEntries[name] = child
        }
    }

    // MARK: Following the process

    /// Follows the trace up to a size of it.
    func advance(to end: Int) {
        while nextRecord < trace.records.count, trace.records[nextRecord].end <= end {
            follow(trace.records[nextRecord].event)
            nextRecord += 1
        }
    }

    private func follow(_ event: DiskTrace.Event) {
        switch event {
        case .open(let handle, let path, let flags): follow(handle, path, flags)
        case .write(let handle, let offset, let bytes):
            open[handle]?.changes.append(.write(offset: offset, bytes: trace.bytes[bytes]))
        case .truncate(let handle, let size): open[handle]?.changes.append(.resize(size))
        case .allocate(let handle, let size): open[handle]?.changes.append(.grow(size))
        case .syncBegin(let handle): syncs[handle, default: []].append(open[handle]!.changeCount)
        case .syncEnd(let handle, let error):
            // Of several at once, the one that covers the least.
            let covered = syncs[handle]!.removeFirst()
            if error == 0 {
                makeCertain(open[handle]!, upTo: covered)
            } else {
                drop(open[handle]!, upTo: covered)
            }
        case .rename(let from, let to):
            guard let (parent, name) = place(from), let node = parent.currentEntries[name] else {
                return  // RocksDB's own log of messages, which is not watched.
            }
            let (parent2, name2) = place(to)!
            precondition(parent === parent2, "\(from) moves to another folder")
            parent.currentEntries[name] = nil
            parent.currentEntries[name2] = node
            parent.entryChanges.append(.rename(name, name2, node))
        case .link(let from, let to):
            let (parent, name) = place(from)!
            add(parent.currentEntries[name]!, at: to)
        case .unlink(let path), .removeFolder(let path):
            let (parent, name) = place(path)!
            guard parent.currentEntries.removeValue(forKey: name) != nil else { return }
            parent.entryChanges.append(.remove(name))
        case .makeFolder(let path): add(Node(isFolder: true), at: path)
        case .call: break
        }
    }

    private func follow(_ handle: UInt64, _ path: String, _ flags: CInt) {
        guard let (parent, name) = place(path) else {
            open[handle] = root
            return
        }
        if parent.currentEntries[name] == nil { add(Node(isFolder: false), at: path) }
        let node = parent.currentEntries[name]!
        open[handle] = node
        if flags & O_TRUNC != 0 { node.changes.append(.resize(0)) }
    }

    private func add(_ node: Node, at path: String) {
        let (parent, name) = place(path)!
        parent.currentEntries[name] = node
        parent.entryChanges.append(.set(name, node))
    }

    /// The folder that a path's last component is in; nil for the watched folder itself.
    private func place(_ path: String) -> (Node, String)? {
        precondition(path.hasPrefix(folder), "\(path) is not below \(folder)")
        var names: [String] = []
        for name in path.dropFirst(folder.count).split(separator: "/").map(String.init) {
            if name == ".." { names.removeLast() } else { names.append(name) }
        }
        guard let last = names.last else { return nil }
        let parent = names.dropLast().reduce(root) { $0.currentEntries[$1]! }
        return (parent, last)
    }

    private func makeCertain(_ node: Node, upTo count: Int) {
        let newCount = count - node.certainCount
        guard newCount > 0 else { return }
        if node.isFolder {
            node.entryChanges[..<newCount].forEach { Self.apply($0, to: &node.entries) }
            node.entryChanges.removeFirst(newCount)
        } else {
            node.changes[..<newCount].forEach { Self.apply($0, to: &node.bytes) }
            node.changes.removeFirst(newCount)
        }
        node.certainCount += newCount
    }

    /// After a failed sync a kernel may take pages for clean that it could not write: their changes
    /// are gone, and a later sync that succeeds does not bring them back.
    private func drop(_ file: Node, upTo count: Int) {
        let lostCount = count - file.certainCount
        guard !file.isFolder, lostCount > 0 else { return }
        file.changes.removeFirst(lostCount)
        file.certainCount += lostCount
    }

    private static func apply(_ change: EntryChange, to entries: inout [String: Node]) {
        switch change {
        case .set(let name, let node): entries[name] = node
        case .remove(let name): entries[name] = nil
        case .rename(let from, let to, let node):
            entries[from] = nil
            entries[to] = node
        }
    }

    private static func apply(_ change: FileChange, to bytes: inout [UInt8]) {
        switch change {
        case .write(let offset, let data):
            grow(&bytes, to: offset + data.count)
            bytes.replaceSubrange(offset..<(offset + data.count), with: data)
        case .resize(let size):
            if size < bytes.count { bytes.removeLast(bytes.count - size) }
            grow(&bytes, to: size)
        case .grow(let size): grow(&bytes, to: size)
        }
    }

    private static func grow(_ bytes: inout [UInt8], to size: Int) {
        if size > bytes.count {
            bytes.append(contentsOf: repeatElement(0, count: size - bytes.count))
        }
    }

    // MARK: After the power cut

    /// Writes what the disk may hold now into a new folder.
    func write(
        to url: URL, data: Data, names: Names, using generator: inout SeededGenerator
    ) throws {
        try write(root, to: url, data, names, using: &generator)
    }

    private func write(
        _ node: Node, to url: URL, _ data: Data, _ names: Names,
        using generator: inout SeededGenerator
    ) throws {
        guard node.isFolder else {
            try Foundation.Data(survivingBytes(of: node, data, using: &generator)).write(to: url)
            return
        }
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
        var entries = node.entries
        let count = node.entryChanges.count
        let prefix = Int.random(in: 0...count, using: &generator)
        for (index, change) in node.entryChanges.enumerated() {
            let survives =
                switch names {
                case .nothing: false
                case .everything: true
                case .prefix: index < prefix
                }
            if survives { Self.apply(change, to: &entries) }
        }
        // In a fixed order, so that the seed alone decides.
        for (name, child) in entries.sorted(by: { $0.key < $1.key }) {
            try write(child, to: url.appending(path: name), data, names, using: &generator)
        }
    }

    private func survivingBytes(
        of node: Node, _ data: Data, using generator: inout SeededGenerator
    ) -> [UInt8] {
        var bytes = node.bytes
        switch data {
        case .nothing: break
        case .everything: node.changes.forEach { Self.apply($0, to: &bytes) }
        case .prefix:
            let count = Int.random(in: 0...node.changes.count, using: &generator)
            node.changes[..<count].forEach { Self.apply($0, to: &bytes) }
            if count < node.changes.count, case .write(let offset, let torn) = node.changes[count] {
                let end = offset + Int.random(in: 0..<torn.count, using: &generator)
                let unit = [1, Self.sectorByteCount, 4_096, 32_768].randomElement(
                    using: &generator)!
                let part = torn.prefix(max(end / unit * unit - offset, 0))
                Self.apply(.write(offset: offset, bytes: part), to: &bytes)
            }
        case .sectors, .sectorsAndGarbage:
            let odds = [0.1, 0.5, 0.9].randomElement(using: &generator)!
            for change in node.changes where data == .sectorsAndGarbage {
                guard case .write(let offset, let written) = change else { continue }
                let garbage = (0..<max(0, offset + written.count - bytes.count)).map { _ in
                    UInt8.random(in: .min ... .max, using: &generator)
                }
                bytes += garbage
            }
            for change in node.changes {
                for sector in Self.sectors(of: change)
                where Double.random(in: 0..<1, using: &generator) < odds {
                    Self.apply(sector, to: &bytes)
                }
            }
        case .sizeOnly:
            var grown = bytes
            node.changes.forEach { Self.apply($0, to: &grown) }
            Self.apply(.resize(grown.count), to: &bytes)
        }
        return bytes
    }

    private static func sectors(of change: FileChange) -> [FileChange] {
        guard case .write(let offset, let bytes) = change else { return [change] }
        var sectors: [FileChange] = []
        var position = 0
        while position < bytes.count {
            let length = min(
                sectorByteCount - (offset + position) % sectorByteCount, bytes.count - position)
            let start = bytes.startIndex + position
            sectors.append(
                .write(offset: offset + position, bytes: bytes[start..<(start + length)]))
            position += length
        }
        return sectors
    }
}
