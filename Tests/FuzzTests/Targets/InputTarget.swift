/// Bytes that come from outside, what reads them, and what has to hold whatever they are.
struct InputTarget: Sendable {
    let name: String
    /// Inputs as they occur.
    let seeds: @Sendable () throws -> [[UInt8]]
    /// What inputs are made of, for a fuzzer to put together.
    let words: @Sendable () -> [[UInt8]]
    /// Reads the bytes. A trap is a finding, too.
    let check: @Sendable (_ bytes: UnsafeRawBufferPointer) throws(Finding) -> Void

    static let all = [
        connection, request, response, schema, rule, record, outcomes, row, steps,
    ]

    static func named(_ name: String) -> InputTarget? {
        all.first { $0.name == name }
    }

    /// Reads bytes in memory of exactly their size, so that a read past the end can be noticed.
    func check(_ bytes: [UInt8]) throws(Finding) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        defer { memory.deallocate() }
        memory.copyBytes(from: bytes)
        try check(UnsafeRawBufferPointer(memory))
    }
}

/// What does not hold of an input.
struct Finding: Error, CustomStringConvertible {
    let description: String
}

func expect(_ holds: Bool, _ description: @autoclosure () -> String) throws(Finding) {
    guard holds else { throw Finding(description: description()) }
}
