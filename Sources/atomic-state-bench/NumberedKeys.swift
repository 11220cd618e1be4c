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
        column.text = Array(repeating: UInt8(ascii: "0"), count: numbers.count * width)
        var start = 0
        for number in numbers {
            for (index, byte) in prefix.enumerated() { column.text[start + index] = byte }
            start += width
            writeDigits(of: number, before: start, to: &column.text)
        }
        return column
    }

    private func writeDigits(of number: Int, before end: Int, to text: inout [UInt8]) {
        precondition((0..<Self.countMax).contains(number))
        var rest = UInt32(number)
        var index = end
        while rest > 0 {
            index -= 1
            text[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }

    /// The number of a key in a column that `column(_:)` made.
    func number(at position: Int, in column: Column) -> Int {
        let end = (position + 1) * width
        var number = 0
        for byte in column.text[(end - Self.digitCount)..<end] {
            number = number * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return number
    }
}
