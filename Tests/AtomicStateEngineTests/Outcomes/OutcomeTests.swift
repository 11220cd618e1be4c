import AtomicStateEngine
import AtomicStateSchema
import AtomicStateValues
import ReferenceModel
import SeededRandom
import Testing

/// What comes again gets its first outcome, and is not carried out.
@Suite struct OutcomeTests {
    private let remembering: RememberingEngine
    private let open: Int
    private let deposit: Int
    private let withdraw: Int
    private let now: UInt64 = 1_000_000

    init() throws {
        remembering = try RememberingEngine(capacity: 128)
        open = try #require(remembering.program.operation(named: "open"))
        deposit = try #require(remembering.program.operation(named: "deposit"))
        withdraw = try #require(remembering.program.operation(named: "withdraw"))
        remembering.set(milliseconds: now)
        let opened = try submit([SubmittedTransaction(operation: open, arguments: [1, "", 0])])
        try #require(opened == [.accepted(1)])
    }

    private func key(_ number: UInt64, at milliseconds: UInt64? = nil) -> IdempotencyKey {
        IdempotencyKey(milliseconds: milliseconds ?? now, high: 0, low: number)
    }

    private func name(_ number: UInt64, at milliseconds: UInt64? = nil) -> BatchName {
        BatchName(producer: 7, number: number, sentMilliseconds: milliseconds ?? now)
    }

    private func deposit(_ amount: Argument, _ key: IdempotencyKey? = nil) -> SubmittedTransaction {
        SubmittedTransaction(operation: deposit, arguments: [1, amount], key: key)
    }

    private func withdraw(_ amount: Argument, _ key: IdempotencyKey? = nil) -> SubmittedTransaction
    {
        SubmittedTransaction(operation: withdraw, arguments: [1, amount], key: key)
    }

    @discardableResult
    private func submit(
        _ transactions: [SubmittedTransaction], isAtomic: Bool = false, name: BatchName? = nil
    ) throws -> [ToldOutcome]? {
        try remembering.submit(
            SubmittedBatch(transactions: transactions, isAtomic: isAtomic, name: name))
    }

    private func restart() throws {
        remembering.closeGroup()
        try remembering.restart()
    }

    private var balance: Argument? {
        remembering.engine.snapshot(ofType: 0, keys: [1])[1]?.values[1]
    }

    @Test(arguments: [false, true]) func keyedTransaction(restarts: Bool) throws {
        #expect(
            try submit([deposit(5, key(1)), withdraw(9, key(2))])
                == [.accepted(2), .rejected(.invariantViolated)])
        #expect(try submit([deposit(100)]) == [.accepted(3)])
        if restarts { try restart() }
        // The withdrawal would be accepted by now.
        #expect(
            try submit([withdraw(9, key(2)), withdraw(1), deposit(5, key(1))])
                == [.rejected(.invariantViolated), .accepted(4), .accepted(2)])
        #expect(balance == 104)
    }

    @Test func keyTwiceInOneBatch() throws {
        #expect(
            try submit([deposit(5, key(1)), deposit(6, key(2)), deposit(5, key(1))])
                == [.accepted(2), .accepted(3), .accepted(2)])
        #expect(balance == 11)
    }

    /// Which of the two the key stands for could not be told of a batch that is one.
    @Test(arguments: [5, 6] as [Argument]) func keyTwiceInOneAtomicBatch(amount: Argument) throws {
        let outcome = try submit(
            [deposit(5, key(1)), deposit(2), deposit(amount, key(1))], isAtomic: true)
        #expect(outcome == [.notApplied, .notApplied, .rejected(.idempotencyKeyReused)])
        #expect(balance == 0)
        #expect(try submit([deposit(7, key(1))]) == [.accepted(2)])
    }

    @Test(arguments: [false, true]) func rejectedKeyTwiceInOneBatch(restarts: Bool) throws {
        let batch = [withdraw(9, key(1)), deposit(50), withdraw(9, key(1)), withdraw(9, key(2))]
        let told: [ToldOutcome] = [
            .rejected(.invariantViolated), .accepted(2), .rejected(.invariantViolated),
            .accepted(3),
        ]
        #expect(try submit(batch, name: name(1)) == told)
        if restarts { try restart() }
        #expect(try submit(batch, name: name(1)) == told)
        #expect(try submit([withdraw(9, key(1))]) == [.rejected(.invariantViolated)])
    }

    @Test(arguments: [false, true]) func keyOfOtherContent(restarts: Bool) throws {
        try submit([deposit(5, key(1))])
        if restarts { try restart() }
        for other in [deposit(6, key(1)), withdraw(5, key(1))] {
            #expect(try submit([other]) == [.rejected(.idempotencyKeyReused)])
        }
        #expect(try submit([deposit(5, key(1))]) == [.accepted(2)])
        #expect(balance == 5)
    }

    @Test(arguments: [false, true]) func namedBatch(restarts: Bool) throws {
        let plain = [deposit(5), deposit(6)]
        let mixed = [withdraw(100), deposit(7), withdraw(200)]
        #expect(try submit(plain, name: name(1)) == [.accepted(2), .accepted(3)])
        let told = try submit(mixed, name: name(2))
        #expect(
            told == [
                .rejected(.invariantViolated), .accepted(4), .rejected(.invariantViolated),
            ])
        try submit([deposit(1_000)])
        if restarts { try restart() }
        #expect(try submit(mixed, name: name(2)) == told)
        #expect(try submit(plain, name: name(1)) == [.accepted(2), .accepted(3)])
        #expect(balance == 1_018)
        // Other content, of any kind.
        #expect(try submit([deposit(5), deposit(7)], name: name(1)) == nil)
        #expect(try submit([deposit(5)], name: name(1)) == nil)
        #expect(try submit(plain, isAtomic: true, name: name(1)) == nil)
        #expect(try submit([deposit(5, key(1)), deposit(6, key(2))], name: name(1)) == nil)
        #expect(balance == 1_018)
    }

    @Test(arguments: [false, true]) func atomicBatchThatWasAccepted(restarts: Bool) throws {
        let batch = [deposit(5, key(1)), deposit(6, key(2))]
        #expect(try submit(batch, isAtomic: true) == [.accepted(2), .accepted(3)])
        if restarts { try restart() }
        #expect(try submit(batch, isAtomic: true) == [.accepted(2), .accepted(3)])
        // A part of it with something new can't be all or nothing any more.
        let other = [deposit(7, key(3)), deposit(6, key(2))]
        #expect(
            try submit(other, isAtomic: true)
                == [.notApplied, .rejected(.idempotencyKeyReused)])
        #expect(try submit([deposit(7, key(3))]) == [.accepted(4)])
        #expect(balance == 18)
    }

    @Test(arguments: [false, true]) func atomicBatchThatWasTurnedBack(restarts: Bool) throws {
        let batch = [deposit(5, key(1)), withdraw(100, key(2)), deposit(6, key(3))]
        let told: [ToldOutcome] = [.notApplied, .rejected(.invariantViolated), .notApplied]
        #expect(try submit(batch, isAtomic: true) == told)
        try submit([deposit(1_000)])
        if restarts { try restart() }
        #expect(try submit(batch, isAtomic: true) == told)
        // The others never had an outcome.
        #expect(
            try submit([deposit(5, key(1)), deposit(6, key(3))]) == [.accepted(3), .accepted(4)])
        #expect(balance == 1_011)
    }

    /// The slots of a batch that is turned back are free again, those before and behind it are not.
    @Test func atomicBatchBetweenOthers() throws {
        try submit((0..<7).map { deposit(1, key($0)) })
        let refused = (7..<13).map { deposit(1, key($0)) } + [withdraw(1_000, key(13))]
        #expect(try submit(refused, isAtomic: true)?.last == .rejected(.invariantViolated))
        #expect(try submit([deposit(1, key(3))]) == [.accepted(5)])
        #expect(try submit([withdraw(1_000, key(13))]) == [.rejected(.invariantViolated)])
        #expect(
            try submit((7..<13).map { deposit(1, key($0)) })
                == (9...14).map { .accepted($0) })
    }

    @Test func keyFromTheFuture() throws {
        let limit = OutcomeMemory.earlinessMaxMilliseconds
        #expect(
            try submit([deposit(5, key(1, at: now + limit + 1))])
                == [.rejected(.idempotencyKeyEarly)])
        #expect(try submit([deposit(5, key(1, at: now + limit))]) == [.accepted(2)])
        // Nothing was remembered of the refusal.
        remembering.set(milliseconds: now + 1)
        #expect(try submit([deposit(5, key(1, at: now + limit + 1))]) == [.accepted(3)])
    }

    /// A clock that was set back stands still for a while, and what is forgotten meanwhile may be ahead of it.
    @Test func thereIsATimeForNewKeys() throws {
        let limit = OutcomeMemory.earlinessMaxMilliseconds
        for number in 0..<20 as Range<UInt64> {
            try submit((0..<15).map { deposit(1, key(100 * number + $0, at: now + limit)) })
        }
        let horizon = remembering.engine.outcomes.forgottenUntil
        #expect(horizon == now + limit)
        #expect(try submit([deposit(1, key(1, at: now))]) == [.rejected(.idempotencyKeyForgotten)])
        let told = remembering.nameMilliseconds
        #expect(told == horizon + 1)
        #expect(try submit([deposit(1, key(1, at: told))])?.first?.isRejected == false)
        #expect(try submit([deposit(1, key(1, at: told + 1))]) == [.rejected(.idempotencyKeyEarly)])
        #expect(try submit([deposit(1)], name: name(1, at: told))?.first?.isRejected == false)
    }

    @Test(arguments: [false, true]) func olderThanWhatIsRemembered(restarts: Bool) throws {
        try submit([deposit(5, key(1))], name: name(1))
        // Enough for the first outcomes to be forgotten.
        for time in now..<(now + 20) {
            remembering.set(milliseconds: time + 1)
            try submit((0..<15).map { deposit(1, key($0 + 2, at: time + 1)) })
            remembering.closeGroup()
        }
        if restarts { try restart() }
        #expect(try submit([deposit(5, key(1))]) == [.rejected(.idempotencyKeyForgotten)])
        #expect(try submit([deposit(5, key(1))], name: name(1)) == nil)
        // A key that never was, but might have been.
        #expect(try submit([deposit(5, key(99))]) == [.rejected(.idempotencyKeyForgotten)])
        #expect(try submit([deposit(1, key(2, at: now + 20))]) == [.accepted(288)])
        #expect(remembering.engine.outcomes.count >= 128)
        #expect(remembering.engine.outcomes.forgottenUntil < now + 20 - 128 / 15)
    }

    /// The time is no part of a name, and no reason to carry a batch out twice.
    @Test(arguments: [false, true]) func aNameThatComesWithAnotherTime(restarts: Bool) throws {
        let batch = [deposit(5), withdraw(1_000)]
        let told = try submit(batch, name: name(1))
        #expect(told == [.accepted(2), .rejected(.invariantViolated)])
        for time in now..<(now + 5) {
            // Names alone, in another generation every other time.
            remembering.set(milliseconds: time)
            try submit((0..<10).map { deposit(1, key(100 * (time - now) + $0, at: time)) })
        }
        if restarts { try restart() }
        remembering.set(milliseconds: now + 9)
        #expect(try submit(batch, name: name(1, at: now + 9)) == told)
        #expect(try submit([deposit(6)], name: name(1, at: now + 9)) == nil)
        #expect(balance == 55)
    }

    /// Records of what was forgotten may be there for some time, and more be remembered after a restart.
    @Test func aNameThatWasForgottenComesAgain() throws {
        #expect(try submit([deposit(5)], name: name(1)) == [.accepted(2)])
        for time in (now + 1)...(now + 20) {
            remembering.set(milliseconds: time)
            try submit((0..<15).map { deposit(1, key($0 + 2, at: time)) })
            remembering.closeGroup()
        }
        #expect(try submit([deposit(5)], name: name(1)) == nil)
        #expect(
            try submit([deposit(7)], name: name(1, at: now + 20)) == [.accepted(303)])
        remembering.closeGroup()
        try remembering.restart(capacity: 16_384)
        #expect(
            try submit([deposit(7)], name: name(1, at: now + 20)) == [.accepted(303)])
        #expect(balance == 312)
    }

    /// What is told takes memory and disk, whatever it is that is told.
    @Test(arguments: [false, true]) func repliesCountForWhatTheyTell(restarts: Bool) throws {
        let limit = OutcomeMemory.earlinessMaxMilliseconds
        try submit((0..<8).map { deposit(1, key($0)) })
        for number in 1...60 {
            let batch =
                number.isMultiple(of: 2)
                ? (0..<8).map { deposit(1, key($0, at: now + limit + 100)) }
                : (0..<8).map { deposit(2, key($0)) }
            try submit(batch, name: name(UInt64(number), at: now + UInt64(number)))
            if restarts, number == 30 { try restart() }
        }
        #expect(remembering.engine.outcomes.forgottenUntil > now)
        #expect(remembering.engine.outcomes.count < 60)
    }

    @Test func damagedRecords() throws {
        try submit(
            [deposit(5, key(1)), withdraw(9, key(2)), deposit(3, key(77))], name: name(1))
        remembering.closeGroup()
        let bytes = try #require(remembering.records.first).bytes
        func load(_ bytes: [UInt8]) throws {
            var memory = OutcomeMemory()
            try bytes.withUnsafeBytes { try memory.load($0, group: 1) { _ in 0 } }
        }
        try load(bytes)
        for count in bytes.indices {
            #expect(throws: CorruptionError.self) { try load(Array(bytes.prefix(count))) }
        }
        #expect(throws: CorruptionError.self) { try load(bytes + [0]) }
        // Whatever a damaged record says, reading it ends in an error or in some outcomes.
        var generator = SeededGenerator(state: 1)
        for _ in 0..<2_000 {
            var damaged = bytes
            damaged[Int.random(in: damaged.indices, using: &generator)] ^=
                1
                << generator.pick(
                    Array(0..<8))
            do { try load(damaged) } catch is CorruptionError {}
        }
    }
}
