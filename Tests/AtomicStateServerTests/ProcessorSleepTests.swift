import Foundation
import Logging
import Testing

@testable import AtomicStateServer

/// A file stands for the kernel's device: processors are kept awake for as long as it is open.
@Suite final class ProcessorSleepTests {
    private let device = FileManager.default.temporaryDirectory
        .appending(path: "processor-sleep-\(UUID().uuidString)").path

    init() {
        #expect(FileManager.default.createFile(atPath: device, contents: nil))
    }

    deinit {
        try? FileManager.default.removeItem(atPath: device)
        try? FileManager.default.removeItem(atPath: driver)
    }

    /// There is none where a test does not make one.
    private var driver: String { device + "-driver" }

    private func processorSleep() throws -> ProcessorSleep {
        try ProcessorSleep(device: device, driver: driver, logger: Logger(label: "test"))
    }

    private var isHeld: Bool {
        let folder = "/proc/self/fd"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.contains {
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)"))
                == device
        }
    }

    @Test func isPreventedFromARequestUntilNoneCame() throws {
        let processorSleep = try processorSleep()
        #expect(!isHeld)
        processorSleep.noteWork()
        processorSleep.noteWork()
        #expect(isHeld)
        #expect(FileManager.default.contents(atPath: device) == Data([0, 0, 0, 0]))
        processorSleep.look()
        #expect(isHeld, "a request came before the look")
        processorSleep.noteWork()
        processorSleep.look()
        #expect(isHeld)
        processorSleep.look()
        #expect(!isHeld)
        processorSleep.noteWork()
        #expect(isHeld)
    }

    @Test func isAllowedByTheEnd() throws {
        do {
            let processorSleep = try processorSleep()
            processorSleep.noteWork()
            #expect(isHeld)
        }
        #expect(!isHeld)
    }

    @Test func isNotPreventedWithoutTheDevice() throws {
        let processorSleep = try processorSleep()
        try FileManager.default.removeItem(atPath: device)
        processorSleep.noteWork()
        #expect(!isHeld)
        #expect(throws: ProcessorSleep.Refusal.self) { try self.processorSleep() }
        #expect(FileManager.default.createFile(atPath: device, contents: nil))
        processorSleep.look()
        processorSleep.look()
        processorSleep.noteWork()
        #expect(isHeld)
    }

    @Test func isNotPreventedWithoutAnIdleDriver() throws {
        func name(_ name: String) {
            #expect(
                FileManager.default.createFile(atPath: driver, contents: Data("\(name)\n".utf8)))
        }
        name("haltpoll")
        _ = try processorSleep()
        name("none")
        let refusal = #expect(throws: ProcessorSleep.Refusal.self) { try self.processorSleep() }
        #expect(refusal?.description.contains("no driver for idle processors") == true)
    }
}
