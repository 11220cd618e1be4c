package import AtomicStateSchema
package import AtomicStateValues

/// What became of a batch's transactions: how many were accepted, and each rejection with what its
/// rule read. Kept as numbers and bytes; `RejectionTexts` puts them into words.
package struct BatchOutcome {
    /// The sequence of the first accepted transaction; 0 if there is none.
    package internal(set) var firstSequence: UInt64 = 0
    package internal(set) var acceptedCount = 0
    package internal(set) var rejections: [RejectionRecord] = []
    package internal(set) var observations: [ObservationRecord] = []
    /// Transactions that were accepted before.
    package internal(set) var duplicates: [DuplicateRecord] = []
    /// Transactions that were rejected before.
    package internal(set) var repeatedRejections: [RepeatedRejection] = []
    /// Nil for a batch without a name, and without keys.
    package internal(set) var identity: BatchIdentity?
    /// What the rejections refer to.
    package internal(set) var rules: [RuleDescription] = []
    /// The texts that records refer to.
    package internal(set) var text: [UInt8] = []
    /// The ends of observations and text that are kept, once enough rejections are described.
    private var describedEnd: (observations: Int, text: Int)?

    package init() {}
}

package struct RejectionRecord: Sendable {
    /// The transaction's place in the batch.
    package let index: Int
    package let code: RejectionCode
    /// An index into `BatchOutcome.rules`.
    package let rule: Int
    /// The key of the entity that the rule is about, whose type `entityType` tells.
    package let key: RecordedValue?
    package let entityType: Int?
    /// Its part of `BatchOutcome.observations`.
    package let observations: Range<Int>
    /// The transaction came, and was rejected, before in the batch.
    var isRepeated = false
}

extension RejectionRecord {
    /// The same for a transaction that comes again in the batch.
    func repeated(at index: Int) -> RejectionRecord {
        RejectionRecord(
            index: index, code: code, rule: rule, key: key, entityType: entityType,
            observations: observations, isRepeated: true)
    }

    /// Whether the transaction was judged, so that its rejection is what its key stands for.
    var isDecided: Bool { !code.isAboutKey && !isRepeated }
}

/// A transaction that was accepted before.
package struct DuplicateRecord: Sendable {
    /// The transaction's place in the batch.
    package let index: Int
    package let sequence: UInt64
}

/// A transaction that was rejected before.
package struct RepeatedRejection: Sendable {
    /// The transaction's place in the batch.
    package let index: Int
    /// What tells the rejection, and the place that the transaction had there.
    package let reply: RememberedReply
    package let originalIndex: Int
}

package struct ObservationRecord: Sendable {
    /// An index into the rule's observations; 0 for the sides of a comparison with a limit.
    package let index: Int
    package let role: ObservationRole
    package let value: RecordedValue
}

package enum RecordedValue: Sendable {
    case word(UInt64)
    case time(TimeValue)
    /// An optional field without a value.
    case absent
    /// A part of `BatchOutcome.text`.
    case text(Range<Int>)
}

extension BatchOutcome {
    mutating func observe(_ index: Int, _ role: Int, _ value: RecordedValue) {
        guard let role = ObservationRole(rawValue: UInt16(role)) else {
            preconditionFailure("the compiler writes the role")
        }
        observations.append(ObservationRecord(index: index, role: role, value: value))
    }

    /// As much of a text as is ever shown, and a byte more if there is more.
    mutating func record(beginningOf text: UnsafeRawBufferPointer) -> RecordedValue {
        record(
            UnsafeRawBufferPointer(rebasing: text.prefix(EngineLimits.shownTextByteCountMax + 1)))
    }

    mutating func record(_ text: UnsafeRawBufferPointer) -> RecordedValue {
        let start = self.text.count
        self.text.append(contentsOf: text)
        return .text(start..<self.text.count)
    }

    /// Keeps the place, code and rule of the last rejection alone if enough are described.
    mutating func limitDescriptions() {
        guard rejections.count >= EngineLimits.describedRejectionCountMax else { return }
        guard let end = describedEnd else {
            describedEnd = (observations.count, text.count)
            return
        }
        let last = rejections[rejections.count - 1]
        rejections[rejections.count - 1] = RejectionRecord(
            index: last.index, code: last.code, rule: last.rule, key: nil, entityType: nil,
            observations: 0..<0)
        observations.removeLast(observations.count - end.observations)
        text.removeLast(text.count - end.text)
    }
}
