package import AtomicStateValues

/// The static type of a rule's value, a field or a parameter.
///
/// The names and meanings are those of the Common Expression Language
/// (https://github.com/google/cel-spec, "Values"), plus `decimal`, `uuid`, enumerations and
/// references.
package indirect enum ValueType: Hashable, Sendable {
    case bool
    /// A signed 64-bit integer.
    case int
    /// An unsigned 64-bit integer.
    case uint
    /// An exact number: a signed 64-bit integer counted in units of 10^-scale. `scale` is 0...18.
    case decimal(scale: Int)
    /// An IEEE 754 number of 64 bits. Rules compute with it; no field or parameter holds it.
    case double
    /// Unicode text, held as UTF-8.
    case string
    case bytes
    /// 16 bytes, held as such.
    case uuid
    /// A point in time between the years 1 and 9999, to the nanosecond.
    case timestamp
    /// A length of time, to the nanosecond.
    case duration
    /// The type of `null`, which stands for an optional field's absent value in effects.
    case null
    /// One of the named values, held as its index in `values`.
    case enumeration(values: [String])
    /// A reference to an entity of `Schema.entities[index]`.
    case entity(Int)
    /// A list's type. A list exists only inside of a rule, where its length is known; an empty one
    /// has no type of element.
    case list(ValueType?)
}

extension ValueType {
    /// How a value is held in registers, rows and columns.
    package enum Form: Sendable {
        /// One word.
        case word
        /// Bytes somewhere else: in a register an address and a byte count, in a row one word.
        case text
        /// Two words: the seconds and the nanoseconds of a `TimeValue`.
        case time(TimeKind)
    }

    package var form: Form {
        switch self {
        case .bool, .int, .uint, .decimal, .double, .enumeration, .entity, .null: .word
        case .string, .bytes, .uuid: .text
        case .timestamp: .time(.timestamp)
        case .duration: .time(.duration)
        case .list: preconditionFailure("a list is compiled element by element")
        }
    }
}

/// What identifies an entity among those of its type.
package enum KeyType: String, Sendable, CaseIterable {
    case string
    case uint64
    case uuid

    /// The type a rule sees when it reads `self.key`.
    package var valueType: ValueType {
        switch self {
        case .string: .string
        case .uint64: .uint
        case .uuid: .uuid
        }
    }

    /// Whether the key is held as bytes, and not as a number.
    package var isText: Bool { self != .uint64 }
}

/// A constant: a literal of a rule, or a field's default.
package enum Literal: Hashable, Sendable {
    case bool(Bool)
    case int(Int64)
    case uint(UInt64)
    /// A double as it is written, because it may still become an exact decimal.
    case double(String)
    /// A count of units of 10^-scale, where the scale is that of the expression's or field's type.
    case decimal(unscaled: Int64)
    case string(String)
    /// Of bytes, or the 16 bytes of a UUID.
    case bytes([UInt8])
    /// A timestamp or a duration.
    case time(TimeValue)
    case null
    /// An index into the enumeration's values.
    case enumeration(Int)
}
