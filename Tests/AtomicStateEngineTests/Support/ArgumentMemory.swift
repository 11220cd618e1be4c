import AtomicStateEngine
import ReferenceModel

/// A run's arguments in memory of exactly their size, as the engine takes them.
final class ArgumentMemory {
    private(set) var columns: [ArgumentColumn] = []
    private var memory: [UnsafeMutableRawBufferPointer] = []

    /// - Parameter transactions: the arguments of each; all have the same kinds.
    init(_ transactions: [[Argument]]) {
        for parameter in transactions.first?.indices ?? 0..<0 {
            append(transactions.map { $0[parameter] })
        }
    }

    deinit {
        for part in memory { part.deallocate() }
    }

    private func append(_ values: [Argument]) {
        var words: [UInt64] = []
        var text: [UInt8] = []
        var lengths: [UInt32] = []
        var nanoseconds: [UInt32] = []
        for value in values {
            switch value {
            case .word(let word):
                words.append(word)
            case .bytes(let bytes):
                text += bytes
                lengths.append(UInt32(bytes.count))
            case .time(let value):
                words.append(UInt64(bitPattern: value.seconds))
                nanoseconds.append(UInt32(value.nanoseconds))
            case .absent:
                preconditionFailure("no argument is absent")
            }
        }
        if lengths.isEmpty {
            columns.append(
                ArgumentColumn(
                    words: copy(words),
                    nanoseconds: nanoseconds.contains { $0 != 0 } ? copy(nanoseconds) : nil))
        } else {
            columns.append(
                ArgumentColumn(text: UnsafeRawBufferPointer(copy(text)), lengths: copy(lengths)))
        }
    }

    private func copy<Element: BitwiseCopyable>(
        _ elements: [Element]
    ) -> UnsafeBufferPointer<Element> {
        let copy = UnsafeMutableBufferPointer<Element>.allocate(capacity: elements.count)
        _ = copy.initialize(from: elements)
        memory.append(UnsafeMutableRawBufferPointer(copy))
        return UnsafeBufferPointer(copy)
    }
}
