package import AtomicStateSchema
internal import AtomicStateValues

/// A rejection in words.
package struct RejectionDescription: Sendable, Equatable {
    package let index: Int
    package let code: RejectionCode
    /// The rule's id; see `RuleDescription`.
    package let rule: String
    /// Empty, as the key, if the rejection is about no entity.
    package let entityType: String
    package let entityKey: String
    package let message: String
    package let observations: [(name: String, value: String)]

    package static func == (left: Self, right: Self) -> Bool {
        left.index == right.index && left.code == right.code && left.rule == right.rule
            && left.entityType == right.entityType && left.entityKey == right.entityKey
            && left.message == right.message
            && left.observations.elementsEqual(right.observations, by: ==)
    }
}

extension BatchOutcome {
    /// The first rejections, or all, in words.
    package func describeRejections(
        _ program: Program, limit: Int = .max
    ) -> [RejectionDescription] {
        rejections.prefix(limit).map { rejection in
            let rule = program.rules[rejection.rule]
            let type = rejection.entityType.map { program.schema.entities[$0] }
            let keyType = type?.keyType.valueType ?? .uint
            return RejectionDescription(
                index: rejection.index, code: rejection.code, rule: rule.id,
                entityType: type?.name ?? "",
                entityKey: rejection.key.map { render($0, as: keyType) } ?? "",
                message: rule.message ?? rejection.code.explanation,
                observations: observations[rejection.observations].map { observation in
                    let declaration = rule.observations[observation.index]
                    return (
                        declaration.name,
                        render(observation.value, as: declaration.type)
                    )
                })
        }
    }

    private func render(_ value: RecordedValue, as type: ValueType) -> String {
        switch (value, type) {
        case (.text(let range), .bytes): HexText.text(of: text[range])
        // An argument may have another length than a uuid has.
        case (.text(let range), .uuid):
            UUIDValue(text[range])?.text ?? HexText.text(of: text[range])
        case (.text(let range), _): String(decoding: text[range], as: UTF8.self)
        case (.word(let word), _): type.render(word)
        case (.time(let value), .duration): TimeKind.duration.text(of: value)
        case (.time(let value), _): TimeKind.timestamp.text(of: value)
        case (.absent, _): "no value"
        }
    }
}

extension ValueType {
    /// A word of this type as people write it.
    package func render(_ word: UInt64) -> String {
        switch self {
        case .bool: word == 0 ? "false" : "true"
        case .int: String(Int64(bitPattern: word))
        case .decimal(let scale): DecimalText.text(of: Int64(bitPattern: word), scale: scale)
        case .double: DoubleText.text(of: Double(bitPattern: word))
        case .enumeration(let values):
            word < values.count ? values[Int(word)] : "value \(word)"
        case .null: "null"
        case .uint, .string, .bytes, .uuid, .timestamp, .duration, .entity, .list: String(word)
        }
    }
}
