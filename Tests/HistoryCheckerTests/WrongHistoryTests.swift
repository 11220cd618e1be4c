import HistoryChecker
import ReferenceModel
import Testing

/// Histories that can't be, each by what it is: the checker says so, and names the operations.
@Suite struct WrongHistoryTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let kind: Violation.Kind
        /// What is named, by number.
        let operations: [Int]
        /// Operation 1 and what follows it, in the bank that scripts begin with.
        let write: @Sendable (inout Script) -> Void

        init(
            _ description: String, _ kind: Violation.Kind, _ operations: [Int],
            write: @escaping @Sendable (inout Script) -> Void
        ) {
            testDescription = description
            self.kind = kind
            self.operations = operations
            self.write = write
        }
    }

    @Test(arguments: reads + rejections + sequences + repetitions + batches)
    func isFound(wrong: Case) throws {
        var script = try Script.bank()
        wrong.write(&script)
        let violations = HistoryChecker(schema: script.schema).violations(in: script.history)
        #expect(violations.map(\.kind) == [wrong.kind], "\(violations)")
        #expect(violations.first?.operations == wrong.operations, "\(violations)")
    }

    static let reads = [
        Case("a lost acknowledged write", .readUnexplained, [1, 2]) { script in
            script.submit(10...11, [script.deposit(1, 10)], [.accepted(sequence: 4)])
            script.get(12...13, [1], [Script.account(100, version: 3)])
        },
        Case("a stale read", .readUnexplained, [2, 3]) { script in
            script.submit(10...11, [script.deposit(1, 10)], [.accepted(sequence: 4)])
            script.submit(12...13, [script.deposit(1, 10)], [.accepted(sequence: 5)])
            script.get(14...15, [1], [Script.account(110, version: 4)])
        },
        Case("a value that was never written", .readUnexplained, [0, 1]) { script in
            script.get(10...11, [1], [Script.account(107, version: 3)])
        },
        Case("another version than the value's", .readUnexplained, [0, 1]) { script in
            script.get(10...11, [1], [Script.account(100, version: 2)])
        },
        Case("an entity that was never created", .readUnexplained, [0, 1]) { script in
            script.get(10...11, [3], [Script.account(0, version: 3)])
        },
        Case("an entity that is there and not found", .readUnexplained, [0, 1]) { script in
            script.get(10...11, [1, 2], [Script.account(100, version: 3), nil])
        },
        Case("a rejected transaction's effect", .readUnexplained, [1, 2]) { script in
            script.submit(10...11, [script.withdraw(1, 500)], [Script.overdrawn(1)])
            script.get(12...13, [1], [Script.account(-400, version: 4)])
        },
        Case("a write that was sent after the read", .readUnexplained, [0, 1, 2]) { script in
            script.get(10...11, [1], [Script.account(110, version: 4)])
            script.submit(12...13, [script.deposit(1, 10)], [.accepted(sequence: 4)])
        },
        Case("reads that go back", .readUnexplained, [2, 3]) { script in
            script.submit(10...20, [script.deposit(1, 10)], [.accepted(sequence: 4)])
            script.get(11...12, [1], [Script.account(110, version: 4)])
            script.get(13...14, [1], [Script.account(100, version: 3)])
        },
        Case("half of a transfer", .readUnexplained, [0, 2]) { script in
            script.submit(10...20, [script.transfer(1, 2, 30)], [.accepted(sequence: 4)])
            script.get(
                11...12, [1, 2],
                [Script.account(70, version: 4), Script.account(0, version: 2)])
        },
    ]

    static let rejections = [
        Case("a rejection that no state explains", .rejectionUnexplained, [0, 1]) { script in
            script.submit(10...11, [script.withdraw(1, 50)], [Script.overdrawn(1)])
        },
        Case("a rejection about another entity", .rejectionUnexplained, [0, 1]) { script in
            script.submit(10...11, [script.withdraw(1, 500)], [Script.overdrawn(2)])
        },
        Case("a rejection by another rule", .rejectionUnexplained, [0, 1]) { script in
            let rejection = ModelRejection(code: .requirementFailed, rule: "positive")
            script.submit(10...11, [script.withdraw(1, 500)], [.rejected(rejection)])
        },
        Case("a rejection by what was over", .rejectionUnexplained, [1, 2]) { script in
            script.submit(10...11, [script.deposit(1, 500)], [.accepted(sequence: 4)])
            script.submit(12...13, [script.withdraw(1, 550)], [Script.overdrawn(1)])
        },
        Case("a rejection by what had not begun", .rejectionUnexplained, [0, 1, 2]) { script in
            script.submit(10...11, [script.withdraw(1, 60)], [Script.overdrawn(1)])
            script.submit(12...13, [script.withdraw(1, 60)], [.accepted(sequence: 4)])
        },
        Case("a rejection at another place of its batch", .rejectionUnexplained, [0, 1]) { script in
            script.submit(
                10...11, [script.deposit(1, 500), script.withdraw(1, 550)],
                [.accepted(sequence: 4), Script.overdrawn(1)])
        },
        Case("a rejection before its batch's accepted ones", .rejectionUnexplained, [0, 1]) {
            script in
            script.submit(
                10...11, [script.withdraw(1, 60), script.withdraw(1, 60)],
                [Script.overdrawn(1), .accepted(sequence: 4)])
        },
        Case("an atomic batch turned back by nothing", .rejectionUnexplained, [0, 1]) { script in
            script.submit(
                10...11, [script.deposit(1, 50), script.withdraw(1, 150)],
                [.notApplied, Script.overdrawn(1)], isAtomic: true)
        },
        Case("a key that nothing else has is reused", .rejectionUnexplained, [1]) { script in
            let rejection = ModelRejection(code: .idempotencyKeyReused, rule: "")
            script.submit(10...11, [script.deposit(1, 1, key: 1)], [.rejected(rejection)])
        },
    ]

    static let sequences = [
        Case("accepted against a rule", .wronglyAccepted, [1]) { script in
            script.submit(10...11, [script.withdraw(1, 500)], [.accepted(sequence: 4)])
        },
        Case("reordered real time", .realTime, [1, 2]) { script in
            script.submit(10...11, [script.deposit(1, 10)], [.accepted(sequence: 5)])
            script.submit(12...13, [script.deposit(1, 10)], [.accepted(sequence: 4)])
        },
        Case("a hole", .sequenceMissing, [0, 1]) { script in
            script.submit(10...11, [script.deposit(1, 10)], [.accepted(sequence: 5)])
        },
        Case("a hole that no lost answer explains", .sequenceMissing, [0, 2]) { script in
            script.submit(at: 10, [script.withdraw(1, 500)])
            script.submit(11...12, [script.deposit(1, 10)], [.accepted(sequence: 5)])
        },
        Case("a sequence told twice", .sequenceRepeated, [1, 2]) { script in
            script.submit(10...11, [script.deposit(1, 10)], [.accepted(sequence: 4)])
            script.submit(10...11, [script.deposit(1, 10)], [.accepted(sequence: 4)])
        },
        Case("too much is not known", .undecided, []) { script in
            for amount in 1...9 { script.submit(at: 10, [script.deposit(1, Int64(amount))]) }
            script.get(11...12, [1], [Script.account(1_000, version: 4)])
        },
    ]

    static let repetitions = [
        Case("a batch carried out twice, told", .twoOutcomes, [1, 2]) { script in
            script.submit(10...11, [script.deposit(1, 10)], [.accepted(sequence: 4)], name: 1)
            script.submit(12...13, [script.deposit(1, 10)], [.accepted(sequence: 5)], name: 1)
        },
        Case("a batch carried out twice, seen", .readUnexplained, [2, 3]) { script in
            script.submit(at: 10, [script.deposit(1, 10)], name: 1)
            script.submit(11...12, [script.deposit(1, 10)], [.accepted(sequence: 4)], name: 1)
            script.get(13...14, [1], [Script.account(120, version: 5)])
        },
        Case("a batch carried out twice, by the second sequence", .sequenceMissing, [0, 2]) {
            script in
            script.submit(at: 10, [script.deposit(1, 10)], name: 1)
            script.submit(11...12, [script.deposit(1, 10)], [.accepted(sequence: 5)], name: 1)
        },
        Case("another batch of the same name", .twoOutcomes, [1, 2]) { script in
            script.submit(10...11, [script.deposit(1, 10)], [.accepted(sequence: 4)], name: 1)
            script.submit(12...13, [script.deposit(1, 20)], [.accepted(sequence: 4)], name: 1)
        },
        Case("a key that is accepted twice", .twoOutcomes, [1, 2]) { script in
            let deposit = script.deposit(1, 10, key: 1)
            script.submit(10...11, [deposit], [.accepted(sequence: 4)])
            script.submit(12...13, [deposit], [.accepted(sequence: 5)])
        },
        Case("a key that is accepted and rejected", .twoOutcomes, [1, 2]) { script in
            let withdrawal = script.withdraw(1, 60, key: 1)
            script.submit(10...11, [withdrawal], [.accepted(sequence: 4)])
            script.submit(12...13, [withdrawal], [Script.overdrawn(1)])
        },
        Case("a key for two transactions", .twoOutcomes, [1, 2]) { script in
            script.submit(10...11, [script.deposit(1, 10, key: 1)], [.accepted(sequence: 4)])
            script.submit(12...13, [script.deposit(1, 20, key: 1)], [.duplicate(sequence: 4)])
        },
        Case("the sequence of another transaction", .twoOutcomes, [0]) { script in
            script.submit(10...11, [script.deposit(1, 10, key: 1)], [.duplicate(sequence: 3)])
        },
        Case("a duplicate without a key", .malformedReply, [1]) { script in
            script.submit(10...11, [script.deposit(1, 10)], [.duplicate(sequence: 3)])
        },
    ]

    static let batches = [
        Case("a torn batch", .batchTorn, [1]) { script in
            let deposit = script.deposit(1, 10)
            script.submit(
                10...13, [deposit, deposit], [.accepted(sequence: 4), .accepted(sequence: 6)])
            script.submit(11...12, [deposit], [.accepted(sequence: 5)])
        },
        Case("half of an atomic batch, told", .atomicBatchTorn, [1]) { script in
            script.submit(
                10...11, [script.deposit(1, 10), script.withdraw(1, 500)],
                [.accepted(sequence: 4), Script.overdrawn(1)], isAtomic: true)
        },
        Case("half of an atomic batch, seen", .readUnexplained, [1, 2]) { script in
            script.submit(
                10...11, [script.deposit(1, 10), script.withdraw(1, 500)],
                [.notApplied, Script.overdrawn(1)], isAtomic: true)
            script.get(12...13, [1], [Script.account(110, version: 4)])
        },
        Case("the middle of an atomic batch", .readUnexplained, [0, 2]) { script in
            script.submit(
                10...20, [script.deposit(1, 10), script.deposit(1, 10)],
                [.accepted(sequence: 4), .accepted(sequence: 5)], isAtomic: true)
            script.get(11...12, [1], [Script.account(110, version: 4)])
        },
        Case("some of an atomic batch is new", .atomicBatchTorn, [2]) { script in
            let deposit = script.deposit(1, 10, key: 1)
            script.submit(10...11, [deposit], [.accepted(sequence: 4)])
            script.submit(
                12...13, [deposit, script.deposit(1, 10)],
                [.duplicate(sequence: 4), .accepted(sequence: 5)], isAtomic: true)
        },
        Case("a batch that is not atomic is turned back", .malformedReply, [1]) { script in
            script.submit(10...11, [script.deposit(1, 10)], [.notApplied])
        },
        Case("a transaction without an outcome", .malformedReply, [1]) { script in
            script.submit(
                10...11, [script.deposit(1, 10), script.deposit(1, 10)], [.accepted(sequence: 4)])
        },
        Case("a key without an answer", .malformedReply, [1]) { script in
            script.get(10...11, [1, 2], [Script.account(100, version: 3)])
        },
        Case("an answer before its request", .malformedReply, [2]) { script in
            script.submit(10...11, [script.deposit(1, 10)], [.accepted(sequence: 4)])
            script.getAnsweredBefore(12, [1], [Script.account(110, version: 4)])
        },
    ]

    /// Each team alone leaves the licence room for six more seats; both together break it.
    @Test func writeSkewIsFound() throws {
        var script = try Script.seats()
        script.submit(10...13, [script.call("add_seats", "a", 6)], [.accepted(sequence: 4)])
        script.submit(11...12, [script.call("add_seats", "b", 6)], [.accepted(sequence: 5)])
        let violations = HistoryChecker(schema: script.schema).violations(in: script.history)
        #expect(violations.map(\.kind) == [.wronglyAccepted])
        #expect(violations.map(\.operations) == [[2]])
        #expect(violations.first?.explanation.contains("licence of Organization acme") == true)
    }

    /// Invariants are evaluated on the state itself, too, whatever judged the transaction.
    @Test func brokenInvariantsAreFound() throws {
        let schema = try Workload(.bank).schema
        var model = ReferenceModel(schema: schema.withoutInvariants)
        let script = try Script.bank()
        _ = model.execute(
            [script.open(1), script.open(2)].map { ($0.form, $0.arguments) }, isAtomic: false)
        let before = model.under(schema)
        let withdrawal = script.withdraw(2, 1)
        #expect(model.execute(withdrawal.form, arguments: withdrawal.arguments) == nil)
        #expect(
            model.under(schema).brokenInvariant(since: before)
                == ModelRejection(
                    code: .invariantViolated, rule: "within_credit", entityType: "Account",
                    entityKey: "2"))
        #expect(before.brokenInvariant(since: ReferenceModel(schema: schema)) == nil)
    }
}
