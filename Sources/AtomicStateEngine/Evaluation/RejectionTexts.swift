package import AtomicStateSchema

/// Puts the rejections of a batch into words, one at a time.
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

    /// What the rule of the rejection that was described last had read.
    package private(set) var observations: [Observation] = []

    private let outcome: BatchOutcome
    private let schema: Schema
    private var texts = TextBuffer()
    /// The texts of the rules so far come first, and stay.
    private var rulesByteCount = 0
    private var rules: [Int: RuleTexts] = [:]
    private var lastRule: (index: Int, texts: RuleTexts)?

    package init(_ outcome: BatchOutcome, _ schema: Schema) {
        self.outcome = outcome
        self.schema = schema
    }

    /// Holds the texts of the rejection that was described last, in UTF-8.
    package var bytes: [UInt8] { texts.bytes }

    package mutating func describe(_ rejection: RejectionRecord) -> Rejection {
        texts.shorten(to: rulesByteCount)
        let rule = ruleTexts(at: rejection.rule)
        let records = outcome.observations[rejection.observations]
        describeObservations(of: rule, records)
        return Rejection(
            index: rejection.index, code: rejection.code, rule: rule.id,
            entityType: rejection.entityType == nil ? 0..<0 : rule.entityType,
            entityKey: rejection.key.map { texts.text(of: $0, as: rule.keyType, outcome.text) }
                ?? 0..<0,
            message: message(of: rejection, rule, records),
            value: side(.compared, of: records, as: rule.description.compared),
            limit: side(.limit, of: records, as: rule.description.limit))
    }

    private mutating func describeObservations(
        of rule: RuleTexts, _ records: ArraySlice<ObservationRecord>
    ) {
        observations.removeAll(keepingCapacity: true)
        for (index, name) in rule.observationNames.enumerated() {
            guard let value = records.value(.read, index) else { continue }
            let type = rule.description.observations[index].type
            observations.append(
                Observation(
                    name: name, value: texts.text(of: value, as: type, outcome.text),
                    before: records.value(.before, index).map {
                        texts.text(of: $0, as: type, outcome.text)
                    }))
        }
    }

    private mutating func message(
        of rejection: RejectionRecord, _ rule: RuleTexts, _ records: ArraySlice<ObservationRecord>
    ) -> Text {
        if let message = rule.message { return message }
        guard let parts = rule.description.message else {
            return texts.append(rejection.code.explanation)
        }
        let start = bytes.count
        for part in parts {
            switch part {
            case .text(let text): texts.append(text)
            case .observation(let index):
                guard let value = records.value(.read, index) else { continue }
                texts.append(value, as: rule.description.observations[index].type, outcome.text)
            }
        }
        return start..<bytes.count
    }

    /// A side of a comparison with a limit.
    private mutating func side(
        _ role: ObservationRole, of records: ArraySlice<ObservationRecord>, as type: ValueType?
    ) -> Text? {
        guard let type, let value = records.value(role, 0) else { return nil }
        if case .absent = value { return nil }
        return texts.text(of: value, as: type, outcome.text)
    }
}

// MARK: Rules

extension RejectionTexts {
    /// A rule, and the texts that all its rejections have in common.
    private final class RuleTexts {
        let description: RuleDescription
        let id: Text
        let entityType: Text
        /// Of the entity that the rule is about.
        let keyType: ValueType
        let observationNames: [Text]
        /// Nil for one that says what was read, or what the code means.
        let message: Text?

        init(_ description: RuleDescription, _ schema: Schema, in texts: inout TextBuffer) {
            let entity = description.entity.map { schema.entities[$0] }
            self.description = description
            id = texts.append(description.id)
            entityType = texts.append(entity?.name ?? "")
            keyType = entity?.keyType.valueType ?? .uint
            observationNames = description.observations.map { texts.append($0.name) }
            if let parts = description.message, case .text(let text)? = parts.first,
                parts.count == 1
            {
                message = texts.append(text)
            } else {
                message = nil
            }
        }
    }

    /// Only while no texts but those of rules are there.
    private mutating func ruleTexts(at index: Int) -> RuleTexts {
        // Mostly one rule is what many transactions break.
        if let lastRule, lastRule.index == index { return lastRule.texts }
        let rule = rules[index] ?? RuleTexts(outcome.rules[index], schema, in: &texts)
        rulesByteCount = texts.bytes.count
        rules[index] = rule
        lastRule = (index, rule)
        return rule
    }
}

extension ArraySlice<ObservationRecord> {
    fileprivate func value(_ role: ObservationRole, _ index: Int) -> RecordedValue? {
        first { $0.role == role && $0.index == index }?.value
    }
}
