import AtomicStateProtocol
import AtomicStateSchema

/// Transfers between random accounts of examples/bank.yaml.
struct TransferLoad: Load {
    private let open: Int
    private let transfer: Int
    private let accountCount: Int

    init(_ compiled: CompiledSchema, accountCount: Int) {
        open = compiled.operation("open")
        transfer = compiled.operation("transfer")
        self.accountCount = accountCount
    }

    var preparation: [Run] {
        (0..<accountCount).batches.map { accounts in
            var owners = Column()
            for _ in accounts { owners.append("") }
            // A limit that no run of transfers uses up.
            let limits = Column(words: accounts.map { _ in 1 << 40 })
            return Run(
                operation: open, transactionCount: accounts.count,
                arguments: [Column(words: accounts.map { UInt64($0) }), owners, limits])
        }
    }

    func batch(_ generator: inout SeededGenerator) -> Run {
        let count = UInt64(accountCount)
        var (from, to, amount) = (Column(), Column(), Column())
        for _ in 0..<transactionCountPerBatch {
            let source = generator.next() % count
            from.append(source)
            to.append((source + 1 + generator.next() % (count - 1)) % count)
            amount.append(1 + generator.next() % 100)
        }
        return Run(
            operation: transfer, transactionCount: transactionCountPerBatch,
            arguments: [from, to, amount])
    }
}
