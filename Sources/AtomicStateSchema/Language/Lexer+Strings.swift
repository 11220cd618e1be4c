/// String and bytes literals: `'…'`, `"…"`, `'''…'''`, `"""…"""`, each raw after `r`, bytes after `b`.
extension Lexer {
    /// A literal that begins here, or nil if none does.
    mutating func stringOrBytes() throws(Diagnostic) -> Token.Kind? {
        guard let prefix = stringPrefix() else { return nil }
        let start = location
        advance(by: prefix.length)
        let delimiter = openingDelimiter()
        var value = LiteralValue()
        while !isAt(delimiter) {
            guard let scalar = peek() else {
                throw Diagnostic(start, "the string that begins here is not closed")
            }
            if scalar == "\n" || scalar == "\r", delimiter.count == 1 {
                throw Diagnostic(start, "the string that begins here is not closed on its line")
            }
            if scalar == "\\", !prefix.isRaw {
                try appendEscape(to: &value, inBytes: prefix.isBytes)
            } else {
                value.append(scalar)
                advance()
            }
        }
        advance(by: delimiter.count)
        return prefix.isBytes ? .bytes(value.bytes) : .string(value.text)
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

    private mutating func appendEscape(
        to value: inout LiteralValue, inBytes: Bool
    ) throws(Diagnostic) {
        let start = location
        advance()
        guard let letter = peek() else {
            throw Diagnostic(start, "the escape is not complete")
        }
        if ("0"..."3").contains(letter) {
            return try value.append(number(digits: 3, radix: 8, from: start), inBytes, at: start)
        }
        advance()
        switch letter {
        case "a": value.append("\u{07}")
        case "b": value.append("\u{08}")
        case "f": value.append("\u{0C}")
        case "n": value.append("\n")
        case "r": value.append("\r")
        case "t": value.append("\t")
        case "v": value.append("\u{0B}")
        case "\\", "?", "\"", "'", "`": value.append(letter)
        case "x", "X":
            try value.append(number(digits: 2, radix: 16, from: start), inBytes, at: start)
        case "u" where !inBytes:
            try value.append(number(digits: 4, radix: 16, from: start), inBytes, at: start)
        case "U" where !inBytes:
            try value.append(number(digits: 8, radix: 16, from: start), inBytes, at: start)
        default:
            throw Diagnostic(start, "unknown escape '\\\(letter)'; write '\\\\' for a backslash")
        }
    }

    private mutating func number(digits count: Int, radix: Int, from start: SourceLocation)
        throws(Diagnostic) -> UInt32
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
        return value
    }
}

/// What a literal stands for: characters are UTF-8 in both kinds, but a number escaped in bytes is a
/// byte, and in a string a code point.
private struct LiteralValue {
    private(set) var bytes: [UInt8] = []

    var text: String { String(decoding: bytes, as: UTF8.self) }

    mutating func append(_ scalar: Unicode.Scalar) {
        bytes.append(contentsOf: UTF8.encode(scalar).unsafelyUnwrapped)
    }

    mutating func append(
        _ number: UInt32, _ inBytes: Bool, at location: SourceLocation
    ) throws(Diagnostic) {
        if inBytes {
            // Two hexadecimal digits, or three octal ones from \000 to \377.
            bytes.append(UInt8(number))
        } else if let scalar = Unicode.Scalar(number) {
            append(scalar)
        } else {
            throw Diagnostic(location, "the escape is not a Unicode code point")
        }
    }
}
