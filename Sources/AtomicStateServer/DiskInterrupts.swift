internal import CPlatform
internal import Glibc

/// The interrupts of a disk with one queue, all of which go to one processor. A disk with a queue for each
/// processor interrupts the one that asked, so nobody has to care.
///
/// Found in /sys and /proc: "Multi-Queue Block IO Queueing Mechanism" and "SMP IRQ affinity" in the Linux kernel's
/// documentation.
struct DiskInterrupts {
    private let affinityFile: String

    /// Nil where there is no such disk, or nothing tells: on a logical volume, on a network file system, if the
    /// interrupt is not called like the disk.
    ///
    /// - Parameter path: a file or folder on the disk.
    init?(of path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(device: "\(gnu_dev_major(status.st_dev)):\(gnu_dev_minor(status.st_dev))")
    }

    /// - Parameters:
    ///   - device: major and minor number, as in `254:0`.
    ///   - root: where /sys and /proc are.
    init?(device: String, root: String = "") {
        guard let disk = Self.disk(device, root: root),
            exists(disk + "/mq/0"), !exists(disk + "/mq/1"),
            let name = resolved(disk + "/device")?.split(separator: "/").last,
            let number = Self.busiest(of: name, in: root + "/proc/interrupts")
        else { return nil }
        affinityFile = "\(root)/proc/irq/\(number)/effective_affinity_list"
    }

    /// Where they go at present; nil if that is not one processor.
    var processor: Int32? { firstLine(of: affinityFile).flatMap { Int32($0) } }

    /// The folder of the disk that has the device's number, or a partition with that number.
    private static func disk(_ device: String, root: String) -> String? {
        guard let folder = resolved("\(root)/sys/dev/block/\(device)") else { return nil }
        return exists(folder + "/partition") ? resolved(folder + "/..") : folder
    }

    /// The number of the interrupt that came most often: others of a device tell of changes to it.
    private static func busiest(of name: Substring, in path: String) -> String? {
        var busiest: (number: String?, count: Int) = (nil, -1)
        var processorCount: Int?
        forEachLine(of: path) { line in
            let words = line.split(separator: " ")
            // The first line has a column for each processor.
            guard let columns = processorCount else {
                processorCount = words.count
                return
            }
            let actions = words.dropFirst(1 + columns)
            guard actions.contains(where: { $0 == name || $0.hasPrefix("\(name)-") }) else {
                return
            }
            let count = words.dropFirst().prefix(columns).compactMap { Int($0) }.reduce(0, +)
            if count > busiest.count { busiest = ("\(words[0].dropLast())", count) }
        }
        return busiest.number
    }
}

private func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

private func resolved(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
}
