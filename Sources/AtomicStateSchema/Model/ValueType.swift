/// The static type of a rule's value, a field or a parameter.
///
/// The names and meanings are those of the Common Expression Language
/// (https://github.com/google/cel-spec, "Values"), plus `decimal`, enumerations and references.
package indirect enum ValueType: Hashable, Sendable {
    case bool
    /// A signed 64-bit integer.
    case int
    /// An unsigned 64-bit integer.
    case uint
    /// An exact number: a signed 64-bit integer counted in units of 10^-scale. `scale` is 0...18.
    case decimal(scale: Int)
    /// Unicode text, held as UTF-8.
    case string
    /// One of the named values, held as its index in `values`.
    case enumeration(values: [String])
    /// A reference to an entity of `Schema.entities[index]`.
    case entity(Int)
    /// A list literal's type; lists exist only at the right of `in`.
    case list(ValueType)
}

/// What identifies an entity among those of its type.
package enum KeyType: String, Sendable, CaseIterable {
    case string
    case uint64

    /// The type a rule sees when it reads `self.key`.
    package var valueType: ValueType {
        switch self {
        case .string: .string
        case .uint64: .uint
        }
    }
}

/// A constant: a literal of a rule, or a field's default.
package enum Literal: Hashable, Sendable {
    case bool(Bool)
    case int(Int64)
    case uint(UInt64)
    /// A count of units of 10^-scale, where the scale is that of the expression's or field's type.
    case decimal(unscaled: Int64)
    case string(String)
    /// An index into the enumeration's values.
    case enumeration(Int)
}
