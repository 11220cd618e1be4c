internal import AtomicStateEngine
internal import AtomicStateProtocol
internal import AtomicStateSchema

/// The most bytes that replies are reckoned to take, before they are known.
struct ReplyEstimate {
    /// For each entity type.
    private let byteCountPerKey: [Int]

    init(_ schema: Schema) {
        byteCountPerKey = schema.entities.map { type in
            let fields = type.fields.map { field in
                Self.byteCount(of: field.type, textByteCountMax: field.maximumByteCount)
            }
            // Whether it was found, and its version.
            return fields.reduce(9 + type.derived.count * Self.wordByteCount, +)
        }
    }

    func submit(transactionCount: Int) -> Int {
        let described = min(
            transactionCount * ServerLimits.rejectionByteCount,
            2 * ServerLimits.describedRejectionByteCountMax)
        return min(described + transactionCount * 24, ProtocolLimits.frameByteCountMax)
    }

    func get(type: Int, keyCount: Int) -> Int {
        min(64 + keyCount * byteCountPerKey[type], ProtocolLimits.frameByteCountMax)
    }

    /// A word, nanoseconds, and whether it is there.
    private static let wordByteCount = 13

    private static func byteCount(of type: ValueType, textByteCountMax: Int?) -> Int {
        if case .entity = type { return EngineLimits.keyByteCountMax + wordByteCount }
        return (textByteCountMax ?? 0) + wordByteCount
    }
}
