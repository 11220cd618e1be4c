import Foundation
import Synchronization
import Testing

@testable import AtomicStateStorage

/// Processes that start at once on a folder that is not there yet.
@Suite struct FirstStartTests {
    private static let processCount = 6

    private final class Attempts: Sendable {
        let count = Atomic(0)
    }

    @Test func oneOfThemHasTheFolder() async {
        for round in 0..<50 {
            let path = FileManager.default.temporaryDirectory
                .appending(path: "atomic-state-\(UUID())").path
            defer { try? FileManager.default.removeItem(atPath: path) }
            let attempts = Attempts()
            let failures = await withTaskGroup(of: String?.self) { group in
                for _ in 0..<Self.processCount {
                    group.addTask { await Self.open(path, attempts) }
                }
                return await group.reduce(into: []) { $0 += [$1].compactMap(\.self) }
            }
            #expect(failures.count == Self.processCount - 1, "round \(round): \(failures)")
            #expect(failures.allSatisfy { $0.contains("in use by another process") }, "\(failures)")
        }
    }

    /// Opens the folder as a process of its own would, as locks are of open files, and keeps it until all have tried.
    ///
    /// - Returns: why that failed.
    private static func open(_ path: String, _ attempts: Attempts) async -> String? {
        do throws(StorageError) {
            let folder = try DataFolder(opening: path, schemaName: "test")
            attempts.count.add(1, ordering: .relaxed)
            while attempts.count.load(ordering: .relaxed) < processCount { await Task.yield() }
            _ = consume folder
            return nil
        } catch {
            attempts.count.add(1, ordering: .relaxed)
            return error.description
        }
    }
}
