/// String and bytes literals: `'…'`, `"…"`, `'''…'''`, `"""…"""`, each raw after `r`, bytes after `b`.
extension Lexer {
    /// A literal that begins here, or nil if none does.
    mutating func stringOrBytes() throws(Diagnostic) -> Token.Kind? {
        guard let prefix = stringPrefix() else { return nil }
        let start = location
        advance(by: prefix.length)
        let delimiter = openingDelimiter()
        var value = String.UnicodeScalarView()
        while !isAt(delimiter) {
            guard let scalar = peek() else {
                throw Diagnostic(start, "the string that begins here is not closed")
            }
            if scalar == "\n" || scalar == "\r", delimiter.count == 1 {
                throw Diagnostic(start, "the string that begins here is not closed on its line")
            }
            if scalar == "\\", !prefix.isRaw {
                value.append(try escape(inBytes: prefix.isBytes))
            } else {
                value.append(scalar)
                advance()
            }
        }
        advance(by: delimiter.count)
        return prefix.isBytes ? .bytes : .string(String(value))
    }

    /// CEL's order is `b`, then `r`.
    private func stringPrefix() -> (length: Int, isBytes: Bool, isRaw: Bool)? {
        var length = 0
        let isBytes = peek() == "b" || peek() == "B"
        if isBytes { length += 1 }
        let isRaw = peek(length) == "r" || peek(length) == "R"
        if isRaw { length += 1 }
        guard peek(length) == "'" || peek(length) == "\"" else { return nil }
        return (length, isBytes, isRaw)
    }

    private mutating func openingDelimiter() -> [Unicode.Scalar] {
        guard let quote = peek() else { return [] }
        let triple = [quote, quote, quote]
        let delimiter = isAt(triple) ? triple : [quote]
        advance(by: delimiter.count)
        return delimiter
    }

    private func isAt(_ delimiter: [Unicode.Scalar]) -> Bool {
        delimiter.indices.allSatisfy { peek($0) == delimiter[$0] }
    }

    private mutating func escape(inBytes: Bool) throws(Diagnostic) -> Unicode.Scalar {
        let start = location
        advance()
        guard let letter = peek() else {
            throw Diagnostic(start, "the escape is not complete")
        }
        if ("0"..."3").contains(letter) { return try codePoint(digits: 3, radix: 8, from: start) }
        advance()
        switch letter {
        case "a": return "\u{07}"
        case "b": return "\u{08}"
        case "f": return "\u{0C}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "v": return "\u{0B}"
        case "\\", "?", "\"", "'", "`": return letter
        case "x", "X": return try codePoint(digits: 2, radix: 16, from: start)
        case "u" where !inBytes: return try codePoint(digits: 4, radix: 16, from: start)
        case "U" where !inBytes: return try codePoint(digits: 8, radix: 16, from: start)
        default: throw Diagnostic(start, "unknown escape '\\\(letter)'; write '\\\\' for a backslash")
        }
    }

    private mutating func codePoint(digits count: Int, radix: Int, from start: SourceLocation)
        throws(Diagnostic) -> Unicode.Scalar
    {
        var value: UInt32 = 0
        for _ in 0..<count {
            guard let digit = peek().flatMap({ UInt32(String($0), radix: radix) }) else {
                throw Diagnostic(start, "the escape needs \(count) digits of base \(radix)")
            }
            // Eight hexadecimal digits fill 32 bits, so this can't overflow.
            value = value * UInt32(radix) + digit
            advance()
        }
        guard let scalar = Unicode.Scalar(value) else {
            throw Diagnostic(start, "the escape is not a Unicode code point")
        }
        return scalar
    }
}
