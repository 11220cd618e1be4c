import CPlatform
import Foundation
import Testing

@testable import AtomicStateServer

/// Where the disk's interrupts go, told by a copy of what the kernel tells of two processors; and that a thread is kept
/// there.
@Suite final class DiskProcessorTests {
    private let root = FileManager.default.temporaryDirectory
        .appending(path: "disk-processor-\(UUID().uuidString)").path

    init() throws {
        try folder("sys/devices/pci0/virtio1/block/vda/mq/0")
        try folder("sys/devices/pci0/virtio1/block/vda/vda2")
        try write("2\n", "sys/devices/pci0/virtio1/block/vda/vda2/partition")
        try link("sys/devices/pci0/virtio1/block/vda/device", to: "../../../virtio1")
        try folder("sys/dev/block")
        try link("sys/dev/block/254:0", to: "../../devices/pci0/virtio1/block/vda")
        try link("sys/dev/block/254:2", to: "../../devices/pci0/virtio1/block/vda/vda2")
        try folder("proc/irq/35")
        try folder("proc/irq/36")
        try folder("proc/irq/37")
        try write(
            """
                       CPU0       CPU1
             35:          0          1 PCI-MSIX-0000:00:02.0   0-edge      virtio1-config
             36:          7    1713599 PCI-MSIX-0000:00:02.0   1-edge      virtio1-req.0
             37:    9000000          0 PCI-MSIX-0000:00:12.0   1-edge      virtio12-req.0
            LOC:   99999999   99999999   Local timer interrupts

            """, "proc/interrupts")
        try write("0\n", "proc/irq/35/effective_affinity_list")
        try write("1\n", "proc/irq/36/effective_affinity_list")
        try write("0\n", "proc/irq/37/effective_affinity_list")
    }

    deinit {
        try? FileManager.default.removeItem(atPath: root)
    }

    @Test(arguments: ["254:0", "254:2"])
    func isFoundForADiskAndItsPartition(device: String) {
        #expect(DiskInterrupts(device: device, root: root)?.processor == 1)
    }

    @Test func isToldAnewWhenItChanges() throws {
        let interrupts = try #require(DiskInterrupts(device: "254:0", root: root))
        try write("0\n", "proc/irq/36/effective_affinity_list")
        #expect(interrupts.processor == 0)
        try write("0-1\n", "proc/irq/36/effective_affinity_list")
        #expect(interrupts.processor == nil, "they go to more than one")
    }

    @Test func isNoneForADiskWithSeveralQueuesOrAnotherDevice() throws {
        #expect(DiskInterrupts(device: "0:42", root: root) == nil)
        try folder("sys/devices/pci0/virtio1/block/vda/mq/1")
        #expect(DiskInterrupts(device: "254:0", root: root) == nil)
    }

    @Test func isNoneIfNoInterruptIsCalledLikeTheDisk() throws {
        try write(
            "       CPU0  CPU1\n 37:   9   0 PCI-MSIX-0000:00:12.0  1-edge  virtio12-req.0\n",
            "proc/interrupts")
        #expect(DiskInterrupts(device: "254:0", root: root) == nil)
    }

    /// Here it depends on the machine, and is no error.
    @Test func theFolderOfTheTestsCanBeAsked() {
        #expect(DiskInterrupts(of: root)?.processor ?? 0 >= 0)
        #expect(DiskInterrupts(of: root + "/missing") == nil)
    }

    @Test func aThreadIsKeptThereUntilItIsLetGo() throws {
        // A thread of its own: the others' threads are not to be kept.
        let places = try inThread { [root] in
            let before = allowedProcessors()
            let processor = before.last ?? 0
            try "\(processor)\n".write(
                toFile: root + "/proc/irq/36/effective_affinity_list", atomically: true,
                encoding: .utf8)
            let disk = DiskProcessor(try #require(DiskInterrupts(device: "254:0", root: root)))
            disk.letGo()
            disk.keepThread()
            disk.keepThread()
            let kept = allowedProcessors()
            disk.letGo()
            return [before, [processor], kept, allowedProcessors()]
        }
        #expect(places[2] == places[1])
        #expect(places[3] == places[0] && !places[0].isEmpty)
    }

    @Test func aThreadThatMayNotRunThereIsLeftAlone() throws {
        try write("\(CPU_SETSIZE - 1)\n", "proc/irq/36/effective_affinity_list")
        let places = try inThread { [root] in
            let before = allowedProcessors()
            let disk = DiskProcessor(try #require(DiskInterrupts(device: "254:0", root: root)))
            disk.keepThread()
            defer { disk.letGo() }
            return [before, allowedProcessors()]
        }
        #expect(places[0] == places[1])
    }

    // MARK: The copy

    private func folder(_ path: String) throws {
        try FileManager.default.createDirectory(
            atPath: "\(root)/\(path)", withIntermediateDirectories: true)
    }

    private func write(_ text: String, _ path: String) throws {
        try text.write(toFile: "\(root)/\(path)", atomically: true, encoding: .utf8)
    }

    private func link(_ path: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(
            atPath: "\(root)/\(path)", withDestinationPath: target)
    }
}

private func inThread(_ body: @escaping @Sendable () throws -> [[Int]]) throws -> [[Int]] {
    nonisolated(unsafe) var result: Result<[[Int]], any Error> = .success([])
    let thread = WorkerThread(name: "test") { result = Result { try body() } }
    thread.join()
    return try result.get()
}

/// Where the calling thread may run.
private func allowedProcessors() -> [Int] {
    var processors = cpu_set_t()
    guard sched_getaffinity(0, MemoryLayout<cpu_set_t>.size, &processors) == 0 else { return [] }
    return withUnsafeBytes(of: processors) { bytes in
        (0..<bytes.count * 8).filter { bytes[$0 / 8] & (1 << ($0 % 8)) != 0 }
    }
}
