import AtomicStateProtocol

extension Rejection {
    /// For a person: what was violated, where, what the rule saw, and the limit that it set.
    var explanation: String {
        var lines = ["rejected: \(message.printed)", "  rule:   \(rule) (code \(code))"]
        if !entityType.isEmpty { lines.append("  entity: \(entityType) \(entityKey.printed)") }
        lines += observations.map { "  saw:    \($0.explanation)" }
        if !limit.isEmpty { lines += ["  value:  \(value.printed)", "  limit:  \(limit.printed)"] }
        return lines.joined(separator: "\n")
    }
}

extension Rejection.Observation {
    /// With the value before, if the transaction would have changed it.
    fileprivate var explanation: String {
        before.isEmpty || before == value
            ? "\(name) = \(value.printed)" : "\(name) = \(before.printed) → \(value.printed)"
    }
}
