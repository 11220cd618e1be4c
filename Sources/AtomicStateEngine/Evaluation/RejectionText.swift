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
    package let observations: [Observation]
    /// For a rule that compares something with a limit, what it would have been, and the limit.
    package let value: String?
    package let limit: String?

    package struct Observation: Sendable, Equatable {
        package let name: String
        package let value: String
        /// The value before the transaction, if the entity existed.
        package let before: String?
    }
}

extension BatchOutcome {
    /// The first rejections, or all, in words.
    package func describeRejections(
        _ schema: Schema, limit: Int = .max
    ) -> [RejectionDescription] {
        rejections.prefix(limit).map { describe($0, schema) }
    }

    private func describe(_ rejection: RejectionRecord, _ schema: Schema) -> RejectionDescription {
        let rule = rules[rejection.rule]
        let type = rejection.entityType.map { schema.entities[$0] }
        let records = observations[rejection.observations]
        func observed(_ role: ObservationRole, _ index: Int, _ type: ValueType?) -> String? {
            records.first { $0.role == role && $0.index == index }
                .flatMap { record in type.map { render(record.value, as: $0) } }
        }
        func comparand(_ role: ObservationRole, _ type: ValueType?) -> String? {
            guard let record = records.first(where: { $0.role == role }), let type,
                !record.value.isAbsent
            else { return nil }
            return render(record.value, as: type)
        }
        let message = rule.message?.map { part in
            switch part {
            case .text(let text): text
            case .observation(let index):
                observed(.read, index, rule.observations[index].type) ?? ""
            }
        }
        return RejectionDescription(
            index: rejection.index, code: rejection.code, rule: rule.id,
            entityType: type?.name ?? "",
            entityKey: rejection.key.map { render($0, as: type?.keyType.valueType ?? .uint) } ?? "",
            message: message?.joined() ?? rejection.code.explanation,
            observations: rule.observations.enumerated().compactMap { index, declaration in
                observed(.read, index, declaration.type).map {
                    RejectionDescription.Observation(
                        name: declaration.name, value: $0,
                        before: observed(.before, index, declaration.type))
                }
            },
            value: comparand(.compared, rule.compared), limit: comparand(.limit, rule.limit))
    }

    /// The text, or its beginning.
    private func shown(_ bytes: ArraySlice<UInt8>) -> String {
        let most = EngineLimits.shownTextByteCountMax
        let text = String(decoding: bytes.prefix(most), as: UTF8.self)
        return bytes.count > most ? text + "…" : text
    }

    private func render(_ value: RecordedValue, as type: ValueType) -> String {
        switch (value, type) {
        case (.text(let range), .bytes): HexText.text(of: text[range])
        // An argument may have another length than a uuid has.
        case (.text(let range), .uuid):
            UUIDValue(text[range])?.text ?? HexText.text(of: text[range])
        case (.text(let range), _): shown(text[range])
        case (.word(let word), _): type.render(word)
        case (.time(let value), .duration): TimeKind.duration.text(of: value)
        case (.time(let value), _): TimeKind.timestamp.text(of: value)
        case (.absent, _): "no value"
        }
    }
}

extension RecordedValue {
    fileprivate var isAbsent: Bool {
        if case .absent = self { true } else { false }
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
