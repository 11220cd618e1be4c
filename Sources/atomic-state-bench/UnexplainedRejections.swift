internal import AtomicStateProtocol

/// Rejections that no rule of a scenario's schema explains. All that its transactions can break are invariants.
struct UnexplainedRejections {
    /// The rejection code of docs/rules.md.
    private static let invariantViolated: UInt32 = 1

    private var count = 0
    private var first: String?

    mutating func note(_ rejection: Rejection) {
        guard rejection.code != Self.invariantViolated else { return }
        count += 1
        if first == nil { first = "\(rejection.rule): \(rejection.message)" }
    }

    /// In words; nil if there is none.
    var difference: String? {
        first.map {
            "\(count) rejections that the scenario's schema does not explain, such as \($0)"
        }
    }
}
