import AtomicStateSchema
import AtomicStateValues

/// A value as the reference model holds it.
enum ModelValue: Hashable, Sendable {
    case bool(Bool)
    /// An int, or a decimal in units of its scale.
    case number(Int64)
    case unsigned(UInt64)
    /// Code points, which CEL compares; Swift's own equality takes different spellings for one.
    case text([Unicode.Scalar])
    case double(Double)
    /// Bytes, or a UUID's.
    case bytes([UInt8])
    case time(TimeValue)
    /// What an optional field without a value holds.
    case absent
    case enumeration(Int)
    case entity(ModelEntity.Identity)

    init(_ literal: Literal) {
        switch literal {
        case .bool(let value): self = .bool(value)
        case .int(let value), .decimal(unscaled: let value): self = .number(value)
        case .uint(let value): self = .unsigned(value)
        case .string(let text): self = .text(Array(text.unicodeScalars))
        case .double(let text): self = .double(Double(text) ?? .nan)
        case .bytes(let bytes): self = .bytes(bytes)
        case .time(let value): self = .time(value)
        case .null: self = .absent
        case .enumeration(let index): self = .enumeration(index)
        }
    }
}

extension ModelValue {
    var isTrue: Bool { self == .bool(true) }

    /// An int, uint or decimal; other values are no numbers, which the checker knows.
    var exact: Int128 {
        switch self {
        case .number(let value): Int128(value)
        case .unsigned(let value): Int128(value)
        // A total takes an absent value for nothing.
        case .absent: 0
        case .bool, .text, .double, .bytes, .time, .enumeration, .entity:
            preconditionFailure("\(self) is no number")
        }
    }

    var scalars: [Unicode.Scalar] {
        guard case .text(let scalars) = self else { preconditionFailure("\(self) is no text") }
        return scalars
    }

    var identity: ModelEntity.Identity {
        guard case .entity(let identity) = self else { preconditionFailure("\(self) is no entity") }
        return identity
    }

    /// The number as a value of the type.
    static func number(_ exact: Int128, as type: ValueType) throws(RejectionCode) -> ModelValue {
        if type == .uint {
            guard let value = UInt64(exactly: exact) else { throw .arithmeticOverflow }
            return .unsigned(value)
        }
        guard let value = Int64(exactly: exact) else { throw .arithmeticOverflow }
        return .number(value)
    }
}

extension [Unicode.Scalar] {
    var string: String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: self)
        return String(view)
    }

    var byteCount: Int { string.utf8.count }
}
