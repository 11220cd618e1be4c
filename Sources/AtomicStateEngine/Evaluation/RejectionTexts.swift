package import AtomicStateSchema
internal import AtomicStateValues

/// Rejections in words. The texts, in UTF-8, lie one after the other, so that thousands of them take a few
/// allocations.
package struct RejectionTexts {
    /// A part of `bytes`.
    package typealias Text = Range<Int>

    package struct Rejection {
        /// The transaction's place in the batch.
        package let index: Int
        package let code: RejectionCode
        /// The rule's id; see `RuleDescription`.
        package let rule: Text
        /// Empty, as the key, if the rejection is about no entity.
        package let entityType: Text
        package let entityKey: Text
        package let message: Text
        /// Its part of `RejectionTexts.observations`.
        package let observations: Range<Int>
        /// For a rule that compares something with a limit, what it would have been, and the limit.
        package let value: Text?
        package let limit: Text?
    }

    package struct Observation {
        package let name: Text
        package let value: Text
        /// The value before the transaction, if the entity existed.
        package let before: Text?
    }

    package private(set) var rejections: [Rejection] = []
    package private(set) var observations: [Observation] = []
    package private(set) var bytes: [UInt8] = []

    init() {}

    /// The outcome's first rejections, as many as there may be.
    ///
    /// - Parameter byteCountMax: about what they may take, put together.
    package init(
        _ outcome: BatchOutcome, _ schema: Schema, countMax: Int = .max, byteCountMax: Int = .max
    ) {
        for rejection in outcome.rejections.prefix(countMax) {
            append(rejection, of: outcome, schema)
            guard byteCount <= byteCountMax else {
                rejections.removeLast()
                return
            }
        }
    }

    private var byteCount: Int {
        bytes.count + rejections.count * 64 + observations.count * 16
    }

    private mutating func append(
        _ rejection: RejectionRecord, of outcome: BatchOutcome, _ schema: Schema
    ) {
        let rule = outcome.rules[rejection.rule]
        let records = outcome.observations[rejection.observations]
        let firstObservation = observations.count
        for (index, declaration) in rule.observations.enumerated() {
            guard let value = records.value(.read, index) else { continue }
            observations.append(
                Observation(
                    name: append(declaration.name),
                    value: append(value, as: declaration.type, outcome.text),
                    before: records.value(.before, index).map {
                        append($0, as: declaration.type, outcome.text)
                    }))
        }
        let type = rejection.entityType
        let keyType = type.map { schema.entities[$0].keyType.valueType } ?? .uint
        rejections.append(
            Rejection(
                index: rejection.index, code: rejection.code, rule: append(rule.id),
                entityType: append(type.map { schema.entities[$0].name } ?? ""),
                entityKey: rejection.key.map { append($0, as: keyType, outcome.text) }
                    ?? append(""),
                message: appendMessage(of: rejection, rule, records, outcome.text),
                observations: firstObservation..<observations.count,
                value: appendSide(.compared, of: records, as: rule.compared, outcome.text),
                limit: appendSide(.limit, of: records, as: rule.limit, outcome.text)))
    }

    private mutating func appendMessage(
        of rejection: RejectionRecord, _ rule: RuleDescription,
        _ records: ArraySlice<ObservationRecord>, _ text: [UInt8]
    ) -> Text {
        guard let message = rule.message else { return append(rejection.code.explanation) }
        let start = bytes.count
        for part in message {
            switch part {
            case .text(let text): append(text)
            case .observation(let index):
                guard let value = records.value(.read, index) else { continue }
                append(value, as: rule.observations[index].type, text)
            }
        }
        return start..<bytes.count
    }

    /// A side of a comparison with a limit.
    private mutating func appendSide(
        _ role: ObservationRole, of records: ArraySlice<ObservationRecord>, as type: ValueType?,
        _ text: [UInt8]
    ) -> Text? {
        guard let type, let value = records.value(role, 0) else { return nil }
        if case .absent = value { return nil }
        return append(value, as: type, text)
    }

    @discardableResult
    private mutating func append(
        _ value: RecordedValue, as type: ValueType, _ text: [UInt8]
    ) -> Text {
        switch (value, type) {
        case (.text(let range), .bytes): append(HexText.text(of: text[range]))
        // An argument may have another length than a uuid has.
        case (.text(let range), .uuid):
            append(UUIDValue(text[range])?.text ?? HexText.text(of: text[range]))
        case (.text(let range), _): append(shown(text[range]))
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
        case .int: append(Int64(bitPattern: word))
        case .decimal(let scale):
            append(DecimalText.text(of: Int64(bitPattern: word), scale: scale))
        case .double: append(DoubleText.text(of: Double(bitPattern: word)))
        case .enumeration(let values):
            append(word < values.count ? values[Int(word)] : "value \(word)")
        case .null: append("null")
        case .uint, .string, .bytes, .uuid, .timestamp, .duration, .entity, .list: append(word)
        }
    }

    /// The text, or its beginning.
    private func shown(_ bytes: ArraySlice<UInt8>) -> String {
        let most = EngineLimits.shownTextByteCountMax
        let text = String(decoding: bytes.prefix(most), as: UTF8.self)
        return bytes.count > most ? text + "…" : text
    }

    @discardableResult
    private mutating func append(_ text: String) -> Text {
        let start = bytes.count
        bytes.append(contentsOf: text.utf8)
        return start..<bytes.count
    }

    /// Without a String's detour: most of what rules read are numbers.
    private mutating func append(_ number: some FixedWidthInteger) -> Text {
        let start = bytes.count
        // 19 digits and a sign, or 20 digits.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { characters in
            var first = characters.endIndex
            var rest = number.magnitude
            repeat {
                first -= 1
                characters[first] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            if number < 0 {
                first -= 1
                characters[first] = UInt8(ascii: "-")
            }
            bytes.append(contentsOf: characters[first...])
        }
        return start..<bytes.count
    }
}

extension ArraySlice<ObservationRecord> {
    fileprivate func value(_ role: ObservationRole, _ index: Int) -> RecordedValue? {
        first { $0.role == role && $0.index == index }?.value
    }
}
