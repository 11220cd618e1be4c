/// Which sequences were acknowledged. At the end they must be all up to the server's last one, each
/// exactly once.
///
/// Replies come nearly in the order of their sequences, so that what is not yet contiguous stays
/// small: about a range for each batch in flight.
struct SequenceLedger {
    /// Everything before the load, and everything acknowledged without a gap since.
    private var contiguousEnd: UInt64
    /// Beyond it, ascending and disjoint.
    private var ranges: [ClosedRange<UInt64>] = []
    private var duplicates: [ClosedRange<UInt64>] = []

    /// - Parameter lastSequence: the server's last sequence before the load.
    init(lastSequence: UInt64) {
        contiguousEnd = lastSequence
    }

    /// - Parameter count: at least 1.
    mutating func add(first: UInt64, count: UInt64) {
        let range = first...(first + count - 1)
        let index = ranges.firstIndex { $0.lowerBound > first } ?? ranges.endIndex
        let overlapsBefore =
            first <= contiguousEnd || (index > 0 && ranges[index - 1].upperBound >= first)
        let overlapsAfter =
            index < ranges.endIndex && ranges[index].lowerBound <= range.upperBound
        guard !overlapsBefore, !overlapsAfter else {
            duplicates.append(range)
            return
        }
        ranges.insert(range, at: index)
        let joining = ranges.prefix { range in
            guard range.lowerBound == contiguousEnd + 1 else { return false }
            contiguousEnd = range.upperBound
            return true
        }
        ranges.removeFirst(joining.count)
    }

    /// What is wrong, in words; empty if nothing is.
    func differences(durableSequence: UInt64) -> [String] {
        var differences = duplicates.prefix(10).map {
            "sequences \($0.lowerBound) to \($0.upperBound) were acknowledged more than once"
        }
        if let next = ranges.first {
            differences.append(
                "sequences \(contiguousEnd + 1) to \(next.lowerBound - 1) were never acknowledged")
        }
        let last = ranges.last?.upperBound ?? contiguousEnd
        if last != durableSequence {
            differences.append(
                "the last acknowledged sequence is \(last), the server's is \(durableSequence)")
        }
        return differences
    }
}
