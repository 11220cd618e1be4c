import AtomicStateSchema
import Foundation

/// The schemas that random transactions run against.
enum TestSchema: String, CaseIterable, Sendable {
    case bank, seats, warehouse, registry, diary, guild

    func program() throws -> Program {
        try Program(compiling: Schema(parsing: text()))
    }

    private func text() throws -> String {
        switch self {
        case .bank, .seats:
            let root = URL(fileURLWithPath: #filePath)
                .deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().deletingLastPathComponent()
            return try String(
                contentsOf: root.appending(path: "examples/\(rawValue).yaml"), encoding: .utf8)
        case .warehouse: return Self.warehouseText
        case .registry: return Self.registryText
        case .diary: return Self.diaryText
        case .guild: return Self.guildText
        }
    }
}
