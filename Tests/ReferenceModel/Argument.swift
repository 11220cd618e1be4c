package import AtomicStateValues

/// An argument or a stored value as it travels: a word, or bytes that need not be UTF-8.
package enum Argument: Hashable, Sendable, CustomStringConvertible {
    case word(UInt64)
    case bytes([UInt8])
    case time(TimeValue)
    /// Stored only: an optional field without a value.
    case absent

    package static func int(_ value: Int64) -> Argument { .word(UInt64(bitPattern: value)) }
    package static func text(_ text: String) -> Argument { .bytes(Array(text.utf8)) }

    package var description: String {
        switch self {
        case .word(let word): String(Int64(bitPattern: word))
        case .bytes(let bytes): String(decoding: bytes, as: UTF8.self).debugDescription
        case .time(let value): "\(value.seconds)s \(value.nanoseconds)ns"
        case .absent: "absent"
        }
    }
}

extension Argument: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
    package init(integerLiteral value: Int64) { self = .int(value) }
    package init(stringLiteral value: String) { self = .text(value) }
}
