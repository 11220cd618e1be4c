import AtomicStateProtocol
import Testing

@testable import AtomicStateClient

@Suite struct BatchCheckTests {
    @Test func acceptsUpToTheLimit() throws {
        try requireWellFormed([], transactionCountMax: 4)
        try requireWellFormed([run(1), run(3)], transactionCountMax: 4)
    }

    @Test(
        arguments: [
            ([run(-1)], .invalidArgument), ([run(0)], .invalidArgument),
            ([run(5)], .resourceExhausted), ([run(4), run(1)], .resourceExhausted),
            (
                [run(1), Run(operation: 0, transactionCount: .max, arguments: [])],
                .resourceExhausted
            ),
            ([run(1, operation: -1)], .invalidArgument),
            ([run(1, operation: 1 << 32)], .invalidArgument),
            ([run(1, Column(words: [1, 2]))], .invalidArgument),
            ([run(1, Column())], .invalidArgument),
            ([run(1, mixed)], .invalidArgument),
            ([run(1, truncated)], .invalidArgument),
        ] as [([Run], StatusCode)])
    func refuses(runs: [Run], code: StatusCode) {
        let status = #expect(throws: Status.self) {
            try requireWellFormed(runs, transactionCountMax: 4)
        }
        #expect(status?.code == code)
    }
}

private let mixed: Column = {
    var column = Column(words: [1])
    column.append("")
    return column
}()

private let truncated: Column = {
    var column = Column()
    column.lengths = [2]
    column.text = [65]
    return column
}()

private func run(_ transactionCount: Int, operation: Int = 0) -> Run {
    let words = Array(repeating: 1 as UInt64, count: max(transactionCount, 0))
    return run(transactionCount, operation: operation, Column(words: words))
}

private func run(_ transactionCount: Int, operation: Int = 0, _ column: Column) -> Run {
    Run(operation: operation, transactionCount: transactionCount, arguments: [column])
}
