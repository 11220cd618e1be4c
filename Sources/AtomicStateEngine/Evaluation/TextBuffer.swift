internal import AtomicStateSchema
internal import AtomicStateValues

/// Texts in UTF-8, one after the other, so that many of them take a few allocations.
struct TextBuffer {
    /// A part of `bytes`.
    typealias Text = Range<Int>

    private(set) var bytes: [UInt8] = []
    /// Those whose text was asked for since `shorten`.
    private var numbers: [Number] = []

    private struct Number {
        let word: UInt64
        let scale: Int
        let text: Text
    }

    /// Removes what lies behind the first bytes.
    mutating func shorten(to byteCount: Int) {
        bytes.removeLast(bytes.count - byteCount)
        numbers.removeAll(keepingCapacity: true)
    }

    @discardableResult
    mutating func append(_ text: String) -> Text {
        let start = bytes.count
        bytes.append(contentsOf: text.utf8)
        return start..<bytes.count
    }

    /// A value as people write it: there already, or appended. What a rule reads is often the same before
    /// the transaction, and what it compares.
    ///
    /// - Parameter text: as of `append`.
    mutating func text(of value: RecordedValue, as type: ValueType, _ text: [UInt8]) -> Text {
        guard case .word(let word) = value, let scale = type.scale else {
            return append(value, as: type, text)
        }
        if let known = numbers.first(where: { $0.word == word && $0.scale == scale }) {
            return known.text
        }
        let text = append(word, as: type)
        numbers.append(Number(word: word, scale: scale, text: text))
        return text
    }

    /// A value as people write it.
    ///
    /// - Parameter text: what a `RecordedValue.text` is a part of.
    @discardableResult
    mutating func append(_ value: RecordedValue, as type: ValueType, _ text: [UInt8]) -> Text {
        switch (value, type) {
        case (.text(let range), .bytes): append(shown(text[range]) { HexText.text(of: $0) })
        // An argument may have another length than a uuid has.
        case (.text(let range), .uuid):
            append(UUIDValue(text[range])?.text ?? HexText.text(of: text[range]))
        case (.text(let range), _):
            append(shown(text[range]) { String(decoding: $0, as: UTF8.self) })
        case (.word(let word), _): append(word, as: type)
        case (.time(let value), .duration): append(TimeKind.duration.text(of: value))
        case (.time(let value), _): append(TimeKind.timestamp.text(of: value))
        case (.absent, _): append("no value")
        }
    }

    /// A word of this type as people write it.
    mutating func append(_ word: UInt64, as type: ValueType) -> Text {
        switch type {
        case .bool: append(word == 0 ? "false" : "true")
        case .int: append(Int64(bitPattern: word), scale: 0)
        case .decimal(let scale): append(Int64(bitPattern: word), scale: scale)
        case .double: append(DoubleText.text(of: Double(bitPattern: word)))
        case .enumeration(let values):
            append(word < values.count ? values[Int(word)] : "value \(word)")
        case .null: append("null")
        case .uint, .string, .bytes, .uuid, .timestamp, .duration, .entity, .list:
            append(magnitude: word, isNegative: false, scale: 0)
        }
    }

    /// The value, or its beginning.
    private func shown(
        _ bytes: ArraySlice<UInt8>, _ text: (ArraySlice<UInt8>) -> String
    ) -> String {
        let most = EngineLimits.shownTextByteCountMax
        return text(bytes.prefix(most)) + (bytes.count > most ? "…" : "")
    }

    private mutating func append(_ units: Int64, scale: Int) -> Text {
        append(magnitude: units.magnitude, isNegative: units < 0, scale: scale)
    }

    /// Without a String's detour: most of what rules read are numbers.
    private mutating func append(magnitude: UInt64, isNegative: Bool, scale: Int) -> Text {
        let start = bytes.count
        DecimalText.append(magnitude, isNegative: isNegative, scale: scale, to: &bytes)
        return start..<bytes.count
    }
}

extension ValueType {
    /// Of a signed number; 0 for an integer.
    fileprivate var scale: Int? {
        switch self {
        case .int: 0
        case .decimal(let scale): scale
        default: nil
        }
    }
}
