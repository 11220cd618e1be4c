import AtomicStateSchema
import Foundation

/// Reads and compiles a schema file; every mistake in it is printed, and ends the process.
func compileSchema(path: String) -> CompiledSchema {
    guard let data = FileManager.default.contents(atPath: path) else {
        fail("\(path): no such file, or it can't be read")
    }
    guard let text = String(data: data, encoding: .utf8) else {
        fail("\(path): expected UTF-8")
    }
    do {
        return try CompiledSchema(text: text)
    } catch {
        let count = error.diagnostics.count
        FileHandle.standardError.write(Data(error.rendered(file: path, source: text).utf8))
        fail("\(path): \(count) \(count == 1 ? "mistake" : "mistakes")")
    }
}
