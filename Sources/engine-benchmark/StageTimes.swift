/// How long the batches took in each stage.
struct StageTimes {
    private var durations: [String: [Duration]] = [:]

    mutating func add(_ batch: [String: Duration]) {
        for (stage, duration) in batch { durations[stage, default: []].append(duration) }
    }

    /// Nanoseconds a transaction: the best batch and the median one.
    func json(transactionCountPerBatch: Int) -> String {
        let stages = durations.sorted { $0.key < $1.key }.map { stage, durations in
            let sorted = durations.map { ($0 / transactionCountPerBatch) / .nanoseconds(1) }
                .sorted()
            return "\"\(stage)\": {\"best\": \(sorted[0]), \"median\": \(sorted[sorted.count / 2])}"
        }
        return "{\(stages.joined(separator: ", "))}"
    }
}
