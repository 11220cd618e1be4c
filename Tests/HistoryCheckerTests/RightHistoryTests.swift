import HistoryChecker
import ReferenceModel
import Testing

/// Histories that look odd and are right.
@Suite struct RightHistoryTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// Operation 1 and what follows it, in the bank that scripts begin with.
        let write: @Sendable (inout Script) -> Void

        init(_ description: String, write: @escaping @Sendable (inout Script) -> Void) {
            testDescription = description
            self.write = write
        }
    }

    @Test(arguments: concurrent + unknown + repeated)
    func passes(right: Case) throws {
        var script = try Script.bank()
        right.write(&script)
        let violations = HistoryChecker(schema: script.schema).violations(in: script.history)
        #expect(violations == [])
    }

    static let concurrent = [
        Case("reads during a write see what was before, then what is after") { script in
            script.submit(10...20, [script.deposit(1, 10)], [.accepted(sequence: 4)])
            script.get(11...12, [1], [Script.account(100, version: 3)])
            script.get(13...14, [1], [Script.account(110, version: 4)])
        },
        Case("writes in another order than they were sent") { script in
            script.submit(10...13, [script.deposit(1, 10)], [.accepted(sequence: 5)])
            script.submit(11...12, [script.deposit(1, 10)], [.accepted(sequence: 4)])
        },
        Case("a rejection by what another one takes at the same time") { script in
            script.submit(10...13, [script.withdraw(1, 60)], [Script.overdrawn(1)])
            script.submit(11...12, [script.withdraw(1, 60)], [.accepted(sequence: 4)])
        },
        Case("a read between a batch's transactions") { script in
            script.submit(
                10...13, [script.deposit(1, 10), script.deposit(1, 10)],
                [.accepted(sequence: 4), .accepted(sequence: 5)])
            script.get(11...12, [1], [Script.account(110, version: 4)])
        },
        Case("a rejection between a batch's accepted ones") { script in
            script.submit(
                10...11,
                [script.withdraw(1, 150), script.deposit(1, 50), script.withdraw(1, 150)],
                [Script.overdrawn(1), .accepted(sequence: 4), .accepted(sequence: 5)])
        },
        Case("an atomic batch turned back by what its own transactions add up to") { script in
            script.submit(
                10...11, [script.withdraw(1, 60), script.withdraw(1, 60)],
                [.notApplied, Script.overdrawn(1)], isAtomic: true)
            script.get(12...13, [1, 3], [Script.account(100, version: 3), nil])
        },
    ]

    static let unknown = [
        Case("a write without an answer that was not carried out") { script in
            script.submit(at: 10, [script.deposit(1, 10)])
            script.get(11...12, [1], [Script.account(100, version: 3)])
        },
        Case("a write without an answer that is seen") { script in
            script.submit(at: 10, [script.deposit(1, 10)])
            script.get(11...12, [1], [Script.account(100, version: 3)])
            script.get(13...14, [1], [Script.account(110, version: 4)])
        },
        Case("writes without an answer that explain what is missing, the second first") { script in
            script.submit(at: 10, [script.deposit(1, 10)])
            script.submit(at: 10, [script.deposit(2, 20)])
            script.submit(11...12, [script.deposit(1, 100)], [.accepted(sequence: 6)])
            script.get(
                11...13, [1, 2],
                [Script.account(100, version: 3), Script.account(20, version: 4)])
        },
        Case("an atomic batch without an answer, and a rejection by it") { script in
            script.submit(
                at: 10, [script.withdraw(1, 30), script.withdraw(1, 30)], isAtomic: true)
            script.submit(11...12, [script.withdraw(1, 60)], [Script.overdrawn(1)])
        },
        Case("keys that tell which of two it was") { script in
            let deposits = (1...2).map { script.deposit(1, 10, key: $0) }
            script.submit(at: 10, [deposits[0]])
            script.submit(at: 10, [deposits[1]])
            script.submit(11...12, [deposits[1]], [.duplicate(sequence: 4)])
            script.submit(13...14, [deposits[0]], [.duplicate(sequence: 5)])
        },
    ]

    static let repeated = [
        Case("a batch's outcome, though the state is another one by now") { script in
            let withdrawals = [script.withdraw(1, 60), script.withdraw(1, 60)]
            let outcomes = [.accepted(sequence: 4), Script.overdrawn(1)]
            script.submit(at: 10, withdrawals, name: 1)
            script.submit(11...12, withdrawals, outcomes, name: 1)
            script.submit(13...14, [script.deposit(1, 500)], [.accepted(sequence: 5)])
            script.submit(15...16, withdrawals, outcomes, name: 1)
        },
        Case("a rejected transaction's key, in another batch and another state") { script in
            let withdrawal = script.withdraw(1, 150, key: 1)
            script.submit(10...11, [withdrawal], [Script.overdrawn(1)])
            script.submit(12...13, [script.deposit(1, 500)], [.accepted(sequence: 4)])
            script.submit(
                14...15, [script.deposit(2, 1), withdrawal],
                [.accepted(sequence: 5), Script.overdrawn(1)])
        },
        Case("an atomic batch, by its keys") { script in
            let deposits = (1...2).map { script.deposit(1, 10, key: $0) }
            script.submit(
                10...11, deposits, [.accepted(sequence: 4), .accepted(sequence: 5)],
                isAtomic: true)
            script.submit(
                12...13, deposits, [.duplicate(sequence: 4), .duplicate(sequence: 5)],
                isAtomic: true)
        },
        Case("a key that is refused for another transaction") { script in
            let refused = ModelRejection(code: .idempotencyKeyReused, rule: "")
            script.submit(10...11, [script.deposit(1, 10, key: 1)], [.accepted(sequence: 4)])
            script.submit(12...13, [script.deposit(1, 20, key: 1)], [.rejected(refused)])
        },
    ]
}
