internal import AtomicStateProtocol

/// What a server would refuse as malformed, and end the connection for, which other callers share.
/// So it is refused before it is sent.
func requireWellFormed(_ runs: [Run], transactionCountMax: Int) throws(Status) {
    var transactionCount = 0
    for (index, run) in runs.enumerated() {
        try requireEncodable(run.operation, "the operation of run \(index)")
        guard run.steps.isEmpty || run.operation == 0 else {
            throw Status(
                .invalidArgument, "run \(index): expected an operation or steps, found both")
        }
        guard run.transactionCount > 0 else {
            throw Status(.invalidArgument, "run \(index): expected at least one transaction")
        }
        let (sum, overflows) = transactionCount.addingReportingOverflow(run.transactionCount)
        guard !overflows, sum <= transactionCountMax else {
            throw Status(
                .resourceExhausted,
                "a batch of more transactions than \(transactionCountMax), the server's limit")
        }
        transactionCount = sum
        guard run.idempotencyKeys.isEmpty || run.idempotencyKeys.count == run.transactionCount
        else {
            throw Status(
                .invalidArgument,
                "run \(index): \(run.idempotencyKeys.count) idempotency keys for "
                    + "\(run.transactionCount) transactions: expected one for each, or none")
        }
        try requireWellFormed(run.steps, "run \(index)")
        try requireAtMost(
            ProtocolLimits.runColumnCountMax, run.arguments.count, "columns", of: "run \(index)")
        for (position, column) in run.arguments.enumerated() {
            // Put into words only for an error: most batches have none.
            var name: String { "run \(index), argument \(position)" }
            try requireWellFormed(column, name)
            let valueCount = max(column.words.count, column.lengths.count)
            guard valueCount == run.transactionCount else {
                throw Status(
                    .invalidArgument,
                    "\(name): \(valueCount) values for \(run.transactionCount) transactions")
            }
        }
    }
}

private func requireWellFormed(
    _ steps: [Step], _ run: @autoclosure () -> String
) throws(Status) {
    try requireAtMost(
        ProtocolLimits.transactionStepCountMax, steps.count, "steps", of: run())
    for (index, step) in steps.enumerated() {
        var name: String { "\(run()), step \(index)" }
        switch step {
        case .operation(let operation):
            try requireEncodable(operation, "the operation of \(name)")
        case .create(let entity, let fields):
            try requireWellFormed(entity: entity, fields: fields, name)
        case .update(let entity, let changes, _):
            try requireWellFormed(entity: entity, fields: changes.map(\.field), name)
        case .delete(let entity, _):
            try requireWellFormed(entity: entity, fields: [], name)
        }
    }
}

private func requireWellFormed(
    entity: Int, fields: [Int], _ name: @autoclosure () -> String
) throws(Status) {
    try requireEncodable(entity, "the entity of \(name())")
    try requireAtMost(ProtocolLimits.stepFieldCountMax, fields.count, "fields", of: name())
    for field in fields { try requireEncodable(field, "a field of \(name())") }
}

func requireWellFormed(_ column: Column, _ name: @autoclosure () -> String) throws(Status) {
    let byteCount = column.lengths.reduce(0) { $0 + Int($1) }
    guard column.words.isEmpty || column.lengths.isEmpty, column.text.count == byteCount else {
        throw Status(
            .invalidArgument, "\(name()): expected words, or text with the lengths of its parts")
    }
    guard column.nanoseconds.isEmpty || column.nanoseconds.count == column.words.count else {
        throw Status(.invalidArgument, "\(name()): expected nanoseconds for all words or none")
    }
}

/// A message has 32 unsigned bits for each index.
func requireEncodable(_ index: Int, _ name: @autoclosure () -> String) throws(Status) {
    guard UInt32(exactly: index) != nil else {
        throw Status(.invalidArgument, "\(name()) is \(index): expected 0 to \(UInt32.max)")
    }
}
