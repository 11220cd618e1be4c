internal import AtomicStateProtocol

/// What a server would refuse as malformed, and end the connection for, which other callers share.
/// So it is refused before it is sent.
func requireWellFormed(_ runs: [Run], transactionCountMax: Int) throws(Status) {
    var transactionCount = 0
    for (index, run) in runs.enumerated() {
        try requireEncodable(run.operation, "the operation of run \(index)")
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
        for (position, column) in run.arguments.enumerated() {
            let name = "run \(index), argument \(position)"
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

func requireWellFormed(_ column: Column, _ name: String) throws(Status) {
    let byteCount = column.lengths.reduce(0) { $0 + Int($1) }
    guard column.words.isEmpty || column.lengths.isEmpty, column.text.count == byteCount else {
        throw Status(
            .invalidArgument, "\(name): expected words, or text with the lengths of its parts")
    }
    guard column.nanoseconds.isEmpty || column.nanoseconds.count == column.words.count else {
        throw Status(.invalidArgument, "\(name): expected nanoseconds for all words or none")
    }
}

/// A message has 32 unsigned bits for each index.
func requireEncodable(_ index: Int, _ name: String) throws(Status) {
    guard UInt32(exactly: index) != nil else {
        throw Status(.invalidArgument, "\(name) is \(index): expected 0 to \(UInt32.max)")
    }
}
