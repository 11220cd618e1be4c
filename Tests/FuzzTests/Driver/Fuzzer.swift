import Foundation

// The functions that libFuzzer's own main calls, https://llvm.org/docs/LibFuzzer.html. The first
// argument says what to do; what follows a target's name goes to libFuzzer.
//
//     fuzzer targets             the targets' names
//     fuzzer prepare TARGET DIR  writes DIR/seeds and DIR/words, a dictionary
//     fuzzer TARGET ...          hands inputs to the target

/// Set before the first input.
nonisolated(unsafe) private var chosen: InputTarget?

@_cdecl("LLVMFuzzerInitialize")
public func initialize(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>
) -> CInt {
    let words = (0..<Int(count.pointee)).compactMap {
        arguments.pointee[$0].map { String(cString: $0) }
    }
    switch words.dropFirst().first {
    case "targets":
        for target in InputTarget.all { print(target.name) }
        exit(0)
    case "prepare" where words.count == 4:
        prepare(named(words[2]), URL(filePath: words[3]))
        exit(0)
    case let name?:
        chosen = named(name)
    case nil:
        fail("expected: targets, prepare TARGET DIR, or TARGET and libFuzzer's options")
    }
    // The program's name takes the place of the target's.
    arguments.pointee[1] = arguments.pointee[0]
    arguments.pointee += 1
    count.pointee -= 1
    return 0
}

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ byteCount: Int) -> CInt {
    do throws(Finding) {
        try chosen?.check(UnsafeRawBufferPointer(start: data, count: byteCount))
    } catch {
        fatalError("\(error)")
    }
    return 0
}

private func named(_ name: String) -> InputTarget {
    guard let target = InputTarget.named(name) else { fail("no target is called \(name)") }
    return target
}

private func fail(_ message: String) -> Never {
    FileHandle.standardError.write(Data("fuzzer: \(message)\n".utf8))
    exit(2)
}

private func prepare(_ target: InputTarget, _ folder: URL) {
    do {
        let seeds = folder.appending(path: "seeds")
        try FileManager.default.createDirectory(at: seeds, withIntermediateDirectories: true)
        for (index, seed) in try target.seeds().enumerated() {
            try Data(seed).write(to: seeds.appending(path: "seed-\(index)"))
        }
        let words = target.words().filter { !$0.isEmpty }.map { word in
            let escaped = word.map { byte in
                let digits = String(byte, radix: 16)
                return "\\x" + (digits.count == 1 ? "0" : "") + digits
            }
            return "\"\(escaped.joined())\"\n"
        }
        try Data(words.joined().utf8).write(to: folder.appending(path: "words"))
    } catch {
        fail("\(error)")
    }
}
