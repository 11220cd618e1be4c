/// Operations of a history that contradict each other, or the schema, and why.
package struct Violation: Equatable, Sendable, CustomStringConvertible {
    package enum Kind: Sendable {
        /// What was told is no answer to what was asked.
        case malformedReply
        case sequenceRepeated
        case sequenceMissing
        /// A batch's accepted transactions do not follow one another.
        case batchTorn
        /// Part of an atomic batch was applied.
        case atomicBatchTorn
        /// A key or a batch name has two outcomes.
        case twoOutcomes
        /// The order of sequences is not that of real time.
        case realTime
        /// Accepted, though the schema's rules reject it after all that precedes it.
        case wronglyAccepted
        case invariantBroken
        case rejectionUnexplained
        case readUnexplained
        /// Too many operations without a known outcome to try in every order.
        case undecided
    }

    package let kind: Kind
    /// Indices into `History.operations`.
    package let operations: [Int]
    package let explanation: String

    package var description: String {
        "\(kind), \(operations.map { "#\($0)" }.joined(separator: " ")): \(explanation)"
    }
}
