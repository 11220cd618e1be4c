/// The entities that do not fit a schema: the first few in words, and how many there are.
package struct MigrationFindings: Sendable {
    /// The most entities that are described.
    private let limit: Int
    /// Each names its entity, what is broken, and what was read.
    package private(set) var described: [String] = []
    package private(set) var count = 0
    /// Whether there are values that the new types can't hold, or totals that do not fit. The engine
    /// is not fit for use then, and no rule was judged.
    package internal(set) var isIncomplete = false

    package init(limit: Int = .max) {
        self.limit = limit
    }

    package var isEmpty: Bool { count == 0 }

    mutating func add(_ description: @autoclosure () -> String) {
        if count < limit { described.append(description()) }
        count += 1
    }
}
