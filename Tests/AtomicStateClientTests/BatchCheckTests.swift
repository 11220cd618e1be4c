import AtomicStateProtocol
import AtomicStateValues
import Testing

@testable import AtomicStateClient

@Suite struct BatchCheckTests {
    @Test func acceptsUpToTheLimit() throws {
        try requireWellFormed([], transactionCountMax: 4)
        try requireWellFormed([run(1), run(3)], transactionCountMax: 4)
        try requireWellFormed(
            [
                run(Array(repeating: .operation(0), count: 16), columnCount: 256),
                run([.create(entity: 0, fields: Array(0..<64))]),
            ], transactionCountMax: 4)
        try requireWellFormed([run(3, keyCount: 3), run(1)], transactionCountMax: 4)
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
            ([run([.operation(1 << 32)])], .invalidArgument),
            ([run([.create(entity: -1, fields: [])])], .invalidArgument),
            ([run([.create(entity: 0, fields: [-1])])], .invalidArgument),
            (
                [
                    run([
                        .update(
                            entity: 0, changes: [.init(field: -1, kind: .set)],
                            expectsVersion: false)
                    ])
                ],
                .invalidArgument
            ),
            ([run([.delete(entity: -1, expectsVersion: false)])], .invalidArgument),
            ([run([.delete(entity: 0, expectsVersion: false)], operation: 1)], .invalidArgument),
            ([run(Array(repeating: .operation(0), count: 17))], .resourceExhausted),
            ([run([.create(entity: 0, fields: Array(0..<65))])], .resourceExhausted),
            ([run([.operation(0)], columnCount: 257)], .resourceExhausted),
            ([run(3, keyCount: 2)], .invalidArgument),
            ([run(1), run(1, keyCount: 2)], .invalidArgument),
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

private func run(_ transactionCount: Int, keyCount: Int) -> Run {
    var run = run(transactionCount)
    run.idempotencyKeys = (0..<keyCount).map {
        IdempotencyKey(milliseconds: 1, high: 2, low: UInt64($0))
    }
    return run
}

private func run(_ steps: [Step], operation: Int = 0, columnCount: Int = 1) -> Run {
    var run = Run(
        steps: steps, transactionCount: 1,
        arguments: Array(repeating: Column(words: [1]), count: columnCount))
    run.operation = operation
    return run
}
