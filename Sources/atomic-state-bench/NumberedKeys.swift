internal import AtomicStateProtocol

/// Text keys of one length, made of a prefix and a number: "team-0000042".
struct NumberedKeys: Sendable {
    private static let digitCount = 7
    static let countMax = 10_000_000

    private let prefix: [UInt8]
    private var width: Int { prefix.count + Self.digitCount }

    init(prefix: String) {
        self.prefix = Array(prefix.utf8)
    }

    /// The key with a number from 0 to `countMax` - 1.
    subscript(number: Int) -> String {
        column(CollectionOfOne(number)).strings[0]
    }

    func column(_ numbers: some Collection<Int>) -> Column {
        var column = Column()
        column.lengths = Array(repeating: UInt32(width), count: numbers.count)
        let byteCount = numbers.count * width
        column.text = Array(unsafeUninitializedCapacity: byteCount) { text, initializedCount in
            var start = 0
            for number in numbers {
                _ = text[start..<start + prefix.count].initialize(fromContentsOf: prefix)
                start += width
                writeDigits(of: number, before: start, to: text)
            }
            initializedCount = byteCount
        }
        return column
    }

    private func writeDigits(
        of number: Int, before end: Int, to text: UnsafeMutableBufferPointer<UInt8>
    ) {
        precondition((0..<Self.countMax).contains(number))
        var rest = UInt32(number)
        for index in ((end - Self.digitCount)..<end).reversed() {
            text.initializeElement(at: index, to: UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        }
    }
}
