/// The texts that a string, bytes, a UUID or an enumeration's value may be; never none.
///
/// An enumeration's values stand here by their names, so that they stay what they are when a rule
/// converts them to strings.
enum TextChoice: Hashable, Sendable {
    case only(Set<[UInt8]>)
    /// Every text of up to a number of bytes, apart from these.
    case allBut(Set<[UInt8]>, byteCountMax: Int)

    /// The text, if it can be only one.
    var single: [UInt8]? {
        guard case .only(let texts) = self, texts.count == 1 else { return nil }
        return texts.first
    }

    func intersection(_ other: TextChoice) -> TextChoice? {
        switch (self, other) {
        case (.only(let texts), let other), (let other, .only(let texts)):
            let common = texts.filter(other.contains)
            return common.isEmpty ? nil : .only(common)
        case (.allBut(let texts, let byteCount), .allBut(let others, let otherByteCount)):
            return .allBut(texts.union(others), byteCountMax: min(byteCount, otherByteCount))
        }
    }

    func union(_ other: TextChoice) -> TextChoice {
        switch (self, other) {
        case (.only(let texts), .only(let others)):
            return .only(texts.union(others))
        case (.only(let texts), .allBut(let excluded, let byteCount)),
            (.allBut(let excluded, let byteCount), .only(let texts)):
            let longest = texts.map(\.count).max() ?? 0
            return .allBut(excluded.subtracting(texts), byteCountMax: max(byteCount, longest))
        case (.allBut(let texts, let byteCount), .allBut(let others, let otherByteCount)):
            return .allBut(
                texts.intersection(others), byteCountMax: max(byteCount, otherByteCount))
        }
    }

    func excluding(_ text: [UInt8]) -> TextChoice? {
        switch self {
        case .only(let texts):
            let rest = texts.subtracting([text])
            return rest.isEmpty ? nil : .only(rest)
        case .allBut(let texts, let byteCount):
            return .allBut(texts.union([text]), byteCountMax: byteCount)
        }
    }

    /// How long the text may be; by `measure` if the texts are known, and never longer than its bytes.
    func lengths(_ measure: ([UInt8]) -> Int) -> Interval {
        switch self {
        case .only(let texts):
            let lengths = texts.map { Int128(measure($0)) }
            return Interval((lengths.min() ?? 0)...(lengths.max() ?? 0))
        case .allBut(let texts, let byteCount):
            return Interval(
                (texts.contains([]) && byteCount > 0 ? 1 : 0)...Int128(byteCount))
        }
    }

    var byteCountMax: Int {
        switch self {
        case .only(let texts): texts.map(\.count).max() ?? 0
        case .allBut(_, let byteCount): byteCount
        }
    }

    private func contains(_ text: [UInt8]) -> Bool {
        switch self {
        case .only(let texts): texts.contains(text)
        case .allBut(let texts, let byteCount): text.count <= byteCount && !texts.contains(text)
        }
    }
}
