/// Reads text from its front.
struct TextScanner {
    private let text: UnsafeRawBufferPointer
    private var offset = 0

    init(_ text: UnsafeRawBufferPointer) {
        self.text = text
    }

    var isAtEnd: Bool { offset == text.count }

    var next: UInt8? { offset < text.count ? text[offset] : nil }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard let next, next == UInt8(ascii: character) else { return false }
        offset += 1
        return true
    }

    mutating func skip(word: StaticString) -> Bool {
        let length = word.utf8CodeUnitCount
        guard text.count - offset >= length,
            (0..<length).allSatisfy({ text[offset + $0] == word.utf8Start[$0] })
        else { return false }
        offset += length
        return true
    }

    mutating func digit() -> Int64? {
        guard let next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(next) else { return nil }
        offset += 1
        return Int64(next - UInt8(ascii: "0"))
    }

    /// A number of exactly so many digits.
    mutating func number(digits count: Int) -> Int64? {
        var number: Int64 = 0
        for _ in 0..<count {
            guard let digit = digit() else { return nil }
            number = number * 10 + digit
        }
        return number
    }
}
