/// A set of slots, as a bit for each, that is emptied in ascending order.
struct SlotSet: ~Copyable {
    private static let wordCountMin = 8

    private var words: UnsafeMutablePointer<UInt64>
    private var wordCount = wordCountMin
    /// No word before this one has a slot.
    private var firstWord = 0
    private(set) var count = 0

    init() {
        words = .allocate(capacity: wordCount)
        words.initialize(repeating: 0, count: wordCount)
    }

    deinit { words.deallocate() }

    @inline(__always)
    mutating func insert(_ slot: Int) {
        let word = slot >> 6
        if word >= wordCount { reserve(word + 1) }
        let bit: UInt64 = 1 << UInt64(slot & 63)
        if words[word] & bit == 0 { count += 1 }
        words[word] |= bit
        firstWord = min(firstWord, word)
    }

    mutating func insertAll(before end: Int) {
        let fullCount = end >> 6
        reserve(fullCount + 1)
        words.update(repeating: .max, count: fullCount)
        words[fullCount] |= 1 << UInt64(end & 63) - 1
        firstWord = 0
        count = (0..<wordCount).reduce(0) { $0 + words[$1].nonzeroBitCount }
    }

    /// Nil if the set is empty.
    mutating func removeFirst() -> Int? {
        guard count > 0 else { return nil }
        while words[firstWord] == 0 { firstWord += 1 }
        let bit = words[firstWord].trailingZeroBitCount
        words[firstWord] &= words[firstWord] &- 1
        count -= 1
        return firstWord << 6 + bit
    }

    private mutating func reserve(_ wordCount: Int) {
        guard wordCount > self.wordCount else { return }
        let larger = max(wordCount, self.wordCount * 2)
        let words = UnsafeMutablePointer<UInt64>.allocate(capacity: larger)
        words.update(from: self.words, count: self.wordCount)
        (words + self.wordCount).initialize(repeating: 0, count: larger - self.wordCount)
        self.words.deallocate()
        self.words = words
        self.wordCount = larger
    }
}
