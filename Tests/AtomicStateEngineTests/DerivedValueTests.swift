import AtomicStateEngine
import AtomicStateSchema
import AtomicStateValues
import ReferenceModel
import Testing

/// `min`, `max`, and derived values of derived values.
@Suite struct DerivedValueTests {
    @Test func extremesFollowChangesMovesAndDeletions() throws {
        let checked = try ClubSchema.checked()
        func extremes(_ club: Argument) throws -> [Argument] {
            [try checked.value("Club.worst", of: club), try checked.value("Club.best", of: club)]
        }
        #expect(try extremes(1) == [5, 8])
        #expect(try extremes(2) == [.absent, .absent])
        try checked.accept("player", 12, 1, 8)
        try checked.accept("leave", 11)
        #expect(try extremes(1) == [5, 8])
        try checked.accept("move", 12, 2)
        #expect(try extremes(1) == [5, 5])
        #expect(try extremes(2) == [8, 8])
        try checked.accept("score", 12, -7)
        #expect(try extremes(2) == [1, 1])
        try checked.accept("move", 10, 2)
        #expect(try extremes(1) == [.absent, .absent])
        #expect(try extremes(2) == [1, 5])
        checked.closeGroup()
        try checked.crashAndRecover()
        try checked.accept("leave", 10)
        #expect(try extremes(2) == [1, 1])
        try checked.replayJournal()
    }

    /// What a rejected transaction did to the trees is undone.
    @Test func rejectedChangesLeaveNoTrace() throws {
        let checked = try ClubSchema.checked()
        let steps: [TransactionStep] = [
            try checked.call("move"), try checked.call("leave"), try checked.call("score"),
        ]
        try checked.reject(steps, 10, 3, 11, 10, -6)
        #expect(try checked.value("Club.best", of: 1) == 8)
        #expect(try checked.value("Club.best", of: 3) == .absent)
        try checked.accept("leave", 11)
        #expect(try checked.value("Club.best", of: 1) == 5)
    }

    @Test func totalsOfTotals() throws {
        let checked = try ClubSchema.checked()
        #expect(try checked.value("League.points", of: "north") == 13)
        #expect(try checked.value("League.best", of: "north") == 8)
        #expect(try checked.value("League.strong", of: "north") == 1)
        try checked.accept("move_club", 2, "south")
        try checked.accept("move", 10, 2)
        #expect(try checked.value("League.points", of: "north") == 8)
        #expect(try checked.value("League.points", of: "south") == 5)
        #expect(try checked.value("League.best", of: "south") == 5)
        #expect(try checked.value("League.strong", of: "north") == 0)
        try checked.accept([.clear(ClubSchema.club, 0)], 1)
        #expect(try checked.value("League.points", of: "north") == 0)
        #expect(try checked.value("League.best", of: "north") == .absent)
        #expect(try checked.value("Club.points", of: 1) == 8)
        try checked.accept("dissolve", "north")
        checked.closeGroup()
        try checked.crashAndRecover()
        try checked.replayJournal()
    }

    @Test func timesOfTimes() throws {
        let checked = try ClubSchema.checked()
        let start = Argument.time(TimeValue(seconds: 0, nanoseconds: 0))
        #expect(try checked.value("League.first", of: "north") == start)
        checked.closeGroup(nextBegins: 2_500_000)
        try checked.accept("later", 10, .time(TimeValue(seconds: 2, nanoseconds: 0)))
        #expect(try checked.value("Club.first", of: 1) == start)
        try checked.accept("later", 11, .time(TimeValue(seconds: 2, nanoseconds: 0)))
        let later = Argument.time(TimeValue(seconds: 2, nanoseconds: 500_000_000))
        #expect(try checked.value("Club.first", of: 1) == later)
        #expect(try checked.value("League.first", of: "north") == later)
        #expect(try checked.value("League.first", of: "south") == .absent)
    }

    /// A deep total overflows as a flat one does.
    @Test func deepOverflow() throws {
        let checked = try CheckedEngine(
            """
            schema: 1
            name: deep
            entities:
              Top: { key: uint64, derived: { all: { sum: Mid.part, by: top } } }
              Mid:
                key: uint64
                fields: { top: { ref: Top } }
                derived: { part: { sum: Low.n, by: mid } }
              Low: { key: uint64, generic: true, fields: { mid: { ref: Mid }, n: int } }
            operations:
              start:
                parameters: { top: uint64, a: uint64, b: uint64 }
                effects: ['create Top(top) {}']
              mid:
                parameters: { mid: uint64, top: { ref: Top } }
                effects: ['create Mid(mid) { top: top }']
            """)
        try checked.accept("start", 1, 1, 2)
        try checked.accept("mid", 1, 1)
        try checked.accept("mid", 2, 1)
        let create = TransactionStep.create(type: 2, fields: [0, 1])
        try checked.accept([create], 1, 1, .int(.max))
        #expect(try checked.reject([create], 2, 1, 1).rule == "Mid.part")
        let rejection = try checked.reject([create], 2, 2, 1)
        #expect(rejection.rule == "Top.all" && rejection.code == .arithmeticOverflow)
        // The sum has to fit on the way.
        try checked.reject([create, .set(2, 1)], 2, 2, 1, 1, 5)
        try checked.accept([.set(2, 1), create], 1, 5, 2, 2, 1)
        #expect(try checked.value("Top.all", of: 1) == 6)
    }

    /// `where` is not asked of an entity that refers to none.
    @Test func aConditionNeedsAHolder() throws {
        let checked = try CheckedEngine(
            """
            schema: 1
            name: holders
            entities:
              A: { key: uint64, generic: true, derived: { n: { count: B, by: a, where: 1 / self.n > 0 } } }
              B:
                key: uint64
                generic: true
                fields: { a: { ref: A, optional: true }, n: { type: int, default: 0 } }
            """)
        try checked.accept([.create(type: 0, fields: [])], 1)
        try checked.accept([.create(type: 1, fields: [])], 1)
        #expect(try checked.reject([.set(1, 0)], 1, 1).code == .divisionByZero)
        try checked.accept([.set(1, 1)], 1, 1)
        try checked.accept([.set(1, 0)], 1, 1)
        #expect(try checked.value("A.n", of: 1) == 1)
    }
}
