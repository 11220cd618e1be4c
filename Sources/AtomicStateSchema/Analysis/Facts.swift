/// What is known of stored values at some point of a rule: that is, under the condition that the parts
/// of the rule that were looked at have come out in a certain way.
struct Facts: Hashable, Sendable {
    /// What is not in here may be whatever its type allows.
    private var ranges: [StoredPath: ValueRange] = [:]
    /// Whether an optional value is there, where that is known.
    private var presence: [StoredPath: Bool] = [:]

    func range(of path: StoredPath) -> ValueRange? { ranges[path] }

    func isPresent(_ path: StoredPath) -> Bool? { presence[path] }

    func setting(_ path: StoredPath, _ range: ValueRange) -> Facts {
        var facts = self
        facts.ranges[path] = range
        return facts
    }

    func setting(_ path: StoredPath, isPresent: Bool) -> Facts {
        var facts = self
        facts.presence[path] = isPresent
        return facts
    }

    /// What is known if it is not known which of the two holds. Nil stands for what can't be.
    static func either(_ first: Facts?, _ second: Facts?) -> Facts? {
        guard let first else { return second }
        guard let second else { return first }
        var facts = Facts()
        for (path, range) in first.ranges {
            if let other = second.ranges[path] { facts.ranges[path] = range.union(other) }
        }
        facts.presence = first.presence.filter { second.presence[$0.key] == $0.value }
        return facts
    }
}

/// How an expression may come out. A way that can't be is left out, so there may be none at all if the
/// facts it was looked at under contradict each other.
struct Outcomes: Sendable {
    struct Case: Sendable {
        let range: ValueRange
        let facts: Facts
    }

    /// Of a bool at most one each for false and true, of everything else at most one.
    var values: [Case] = []
    /// What is known if it fails.
    var failure: Facts?
}

extension Outcomes {
    /// A value of the type, in the range. Of bools, false and true are told apart.
    init(_ range: ValueRange, _ type: ValueType, _ facts: Facts, failure: Facts? = nil) {
        guard type == .bool, case .number(let interval) = range else {
            self.init(values: [Case(range: range, facts: facts)], failure: failure)
            return
        }
        self.init(
            whenTrue: interval.contains(1) ? facts : nil,
            whenFalse: interval.contains(0) ? facts : nil, whenFailed: failure)
    }

    init(whenTrue: Facts?, whenFalse: Facts?, whenFailed: Facts?) {
        values = [(whenFalse, false), (whenTrue, true)].compactMap { facts, value in
            facts.map { Case(range: ValueRange(.bool(value), .bool), facts: $0) }
        }
        failure = whenFailed
    }

    /// What is known if a bool is true; nil if it can't be.
    var whenTrue: Facts? { facts(of: true) }
    var whenFalse: Facts? { facts(of: false) }

    private func facts(of value: Bool) -> Facts? {
        values.first { $0.range == ValueRange(.bool(value), .bool) }?.facts
    }

    /// All values as one.
    var value: Case? {
        guard let first = values.first else { return nil }
        return values.dropFirst().reduce(first) { merged, next in
            let facts = Facts.either(merged.facts, next.facts) ?? merged.facts
            return Case(range: merged.range.union(next.range), facts: facts)
        }
    }
}
