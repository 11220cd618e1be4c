import AtomicStateEngine
import AtomicStateSchema
import ReferenceModel
import Testing

/// Transactions of several steps.
@Suite struct CompositionTests {
    private static let club = ClubSchema.club
    private static let player = ClubSchema.player

    /// A later step refers to what an earlier one created.
    @Test func createThenRefer() throws {
        let checked = try ClubSchema.checked()
        try checked.accept(
            [
                try checked.call("league"), .create(type: Self.club, fields: [1, 0]),
                try checked.call("player"), .add(Self.player, 1), try checked.call("settle"),
            ], "east", 9, "new", "east", 90, 9, 3, 90, 4, 9, "town")
        #expect(try checked.value("League.points", of: "east") == 7)
        #expect(try checked.value("Club.city", of: 9) == "town")
        checked.closeGroup()
        try checked.crashAndRecover()
        try checked.replayJournal()
    }

    /// The first step's references are there before anything is done, also if it has none.
    @Test func whenReferencesAreLookedUp() throws {
        let checked = try ClubSchema.checked()
        let club = try checked.call("club")
        try checked.accept([try checked.call("first_league"), club], 4, "first", "a")
        let rejection = try checked.reject(
            [club, try checked.call("league")], 5, "late", "a", "late")
        #expect(rejection.code == .entityMissing && rejection.rule == "steps[0].league")
        #expect(rejection.entityType == "League" && rejection.entityKey == "late")
        let later = try checked.reject(
            [try checked.call("leave"), try checked.call("leave")], 10, 10)
        #expect(later.code == .entityMissing && later.rule == "steps[1].player")
        #expect(later.entityType == "Player" && later.entityKey == "10")
    }

    /// Arguments of all steps are values of their types before the first is carried out.
    @Test func argumentsAreCheckedFirst() throws {
        let checked = try ClubSchema.checked()
        let rejection = try checked.reject(
            [try checked.call("leave"), .set(Self.club, 1)], 10, 99, "longer than 8")
        #expect(rejection.code == .textTooLong && rejection.rule == "steps[1].name")
    }

    /// Requirements see the effects of the steps before, and derived values as they were.
    @Test func whatStepsSee() throws {
        let checked = try CheckedEngine(
            """
            schema: 1
            name: steps
            entities:
              A: { key: uint64, generic: true, fields: { n: int }, derived: { b: { count: B, by: a } } }
              B: { key: uint64, generic: true, fields: { a: { ref: A } } }
            operations:
              expect:
                parameters: { a: { ref: A }, n: int, b: int }
                require: [{ id: seen, rule: a.n == n && a.b == b }]
                effects: [a.n += 1]
            """)
        let create = TransactionStep.create(type: 0, fields: [0])
        let belong = TransactionStep.create(type: 1, fields: [0])
        let expect = try checked.call("expect")
        try checked.accept([create, belong, expect, expect], 1, 7, 1, 1, 1, 7, 0, 1, 8, 0)
        try checked.accept([.set(0, 0), expect], 1, 3, 1, 3, 1)
        #expect(try checked.reject([belong, expect], 2, 1, 1, 4, 2).rule == "seen")
    }

    /// Invariants are judged after the last step.
    @Test func brokenInBetween() throws {
        let checked = try ClubSchema.checked()
        let add = TransactionStep.add(Self.player, 1)
        try checked.accept([add, add], 10, -50, 10, 51)
        #expect(try checked.reject([add, add], 10, -50, 10, 43).rule == "not_negative")
        #expect(try checked.value("Player.points", of: 10) == 6)
    }

    @Test func versions() throws {
        let checked = try ClubSchema.checked()
        let set = TransactionStep.set(Self.player, 1, expectsVersion: true)
        let delete = TransactionStep.delete(type: Self.player, expectsVersion: true)
        let version = try checked.version(of: "Player", 10)
        let rejection = try checked.reject([set], 10, .word(version + 1), 1)
        #expect(rejection.code == .versionMismatch && rejection.rule == "steps[0]")
        try checked.accept([set], 10, .word(version), 1)
        try checked.reject([set], 10, .word(version), 1)
        // Derived values are no changes of a version, and the one under way has none yet.
        let club = try checked.version(of: "Club", 1)
        try checked.accept([.set(Self.club, 1, expectsVersion: true)], 1, .word(club), "a")
        let next = try checked.version(of: "Player", 10)
        try checked.accept([set, set], 10, .word(next), 2, 10, .word(next), 3)
        #expect(try checked.reject([delete], 10, .word(next)).code == .versionMismatch)
        try checked.accept([delete], 10, .word(try checked.version(of: "Player", 10)))
        let create = TransactionStep.create(type: Self.player, fields: [0])
        try checked.accept([create, delete], 10, 1, 10, 0)
    }

    /// A rejection after creations, on which rows refer to rows that are gone again.
    @Test func rejectedReferencesLeaveNoTrace() throws {
        let checked = try ClubSchema.checked()
        let create = TransactionStep.create(type: Self.club, fields: [1])
        let steps: [TransactionStep] = [
            .add(Self.player, 1), create, .set(Self.player, 0), .add(Self.player, 1),
        ]
        try checked.reject(steps, 10, 1, 7, "x", 10, 7, 10, -99)
        // The row's memory is used again, without references.
        try checked.accept([create], 8, "y")
        try checked.accept("close", 8)
        try checked.accept("leave", 10)
        try checked.accept("leave", 11)
        try checked.accept("close", 1)
    }

    @Test func whatTheSchemaDoesNotAllow() throws {
        let program = try Program(compiling: Schema(parsing: ClubSchema.text))
        var engine = Engine(program: program, schemaVersion: testSchemaVersion)
        func message(_ steps: [TransactionStep]) throws -> String {
            let error = #expect(throws: StepError.self) {
                try engine.execute([(.operation(1), []), (.steps(steps), [[]])])
            }
            #expect(engine.lastSequence == 0 && engine.groupIsEmpty)
            return error?.description ?? ""
        }
        #expect(try message([]) == "0 steps: expected 1 to 16")
        #expect(
            try message(Array(repeating: .operation(1), count: 17)) == "17 steps: expected 1 to 16")
        #expect(
            try message([.operation(1), .operation(99)])
                == "steps[1]: operation 99: the schema has 14 operations")
        #expect(
            try message([.set(0, 0)]).hasPrefix("steps[0]: League is changed by operations only"))
        #expect(
            try message([.create(type: Self.club, fields: [2])])
                == "steps[0]: Club.name needs a value")
    }

    /// More forms than are kept compiled.
    @Test func manyForms() throws {
        let checked = try ClubSchema.checked()
        let steps = [try checked.call("score"), .add(Self.player, 1), .set(Self.player, 1)]
        var formCount = 0
        // Each number of steps in base 3 is a form of its own.
        while formCount <= 2 * EngineLimits.composedFormCountMax + 10 {
            var runs: [CheckedEngine.Run] = []
            for _ in 0..<120 {
                formCount += 1
                var form: [TransactionStep] = []
                var rest = formCount
                while rest > 0 {
                    form.append(steps[rest % 3])
                    rest /= 3
                }
                let points: [Argument] = form.flatMap { _ in [10, 1] }
                runs.append(.init(form: .steps(form), transactions: [points]))
            }
            try checked.execute(runs)
            checked.closeGroup()
        }
        try checked.accept([steps[0]], 10, 1)
        checked.closeGroup()
        try checked.crashAndRecover()
        try checked.replayJournal()
    }
}
