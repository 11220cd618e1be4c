/// A growing list of words that is owned by one place, and keeps its capacity.
struct WordList: ~Copyable {
    private var words: UnsafeMutablePointer<UInt64>
    private var capacity: Int
    private(set) var count = 0

    init(capacity: Int = 64) {
        self.capacity = capacity
        words = .allocate(capacity: capacity)
    }

    deinit { words.deallocate() }

    @inline(__always)
    mutating func append(_ word: UInt64) {
        if count == capacity { reserve(count + 1) }
        words[count] = word
        count += 1
    }

    /// Appends as many words, which the body has to give by their place among them.
    @inline(__always)
    mutating func append(count more: Int, _ word: (Int) -> UInt64) {
        reserve(count + more)
        let end = words + count
        for index in 0..<more { end[index] = word(index) }
        count += more
    }

    mutating func removeLast() -> UInt64? {
        guard count > 0 else { return nil }
        count -= 1
        return words[count]
    }

    mutating func removeAll() { count = 0 }

    func withWords(_ body: (UnsafeBufferPointer<UInt64>) -> Void) {
        body(UnsafeBufferPointer(start: words, count: count))
    }

    private mutating func reserve(_ count: Int) {
        guard count > capacity else { return }
        capacity = max(capacity * 2, count)
        let larger = UnsafeMutablePointer<UInt64>.allocate(capacity: capacity)
        larger.update(from: words, count: self.count)
        words.deallocate()
        words = larger
    }
}
