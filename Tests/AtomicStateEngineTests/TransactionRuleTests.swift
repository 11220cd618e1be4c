import AtomicStateEngine
import AtomicStateSchema
import AtomicStateValues
import ReferenceModel
import Testing

/// Rules about whole transactions, and the time that operations see.
@Suite struct TransactionRuleTests {
    @Test func whatIsLostIsSeen() throws {
        let checked = try ClubSchema.checked()
        try checked.accept("pass", 10, 11, 2, 0)
        let rejection = try checked.reject("pass", 10, 11, 2, 1)
        #expect(rejection.code == .invariantViolated && rejection.rule == "points_stay")
        #expect(rejection.entityType.isEmpty && rejection.entityKey.isEmpty)
        #expect(rejection.message == "-1 points")
        #expect(rejection.observations.map(\.name) == ["delta(Player.points)"])
        #expect(rejection.observations.map(\.before) == [nil])
        // The rule is for 'pass' alone; and the one about an entity comes first.
        try checked.accept("score", 10, 1)
        #expect(try checked.reject("pass", 10, 11, 20, 1).rule == "not_negative")
    }

    /// A transaction of several steps is judged as a whole, if one of its steps is meant.
    @Test func stepsAreAddedUp() throws {
        let checked = try ClubSchema.checked()
        let steps = [try checked.call("pass"), try checked.call("score")]
        #expect(try checked.reject(steps, 10, 11, 1, 0, 10, 1).rule == "points_stay")
        try checked.accept(steps, 10, 11, 1, 1, 10, 1)
        #expect(
            try checked.reject([.add(ClubSchema.player, 1), steps[0]], 10, 1, 10, 11, 0, 0).rule
                == "points_stay")
    }

    /// Generic steps are no operation: a rule with 'except' applies to them.
    @Test func genericStepsAreNoException() throws {
        let checked = try ClubSchema.checked()
        let create = TransactionStep.create(type: ClubSchema.player, fields: [0])
        let player = try checked.call("player")
        #expect(
            try checked.reject([create, create, create], 20, 1, 21, 1, 22, 1).rule == "few_players")
        try checked.accept([player, player, player], 20, 1, 0, 21, 1, 0, 22, 1, 0)
        #expect(
            try checked.reject([player, player, create], 30, 1, 0, 31, 1, 0, 32, 1).rule
                == "few_players")
        try checked.accept([create, create], 30, 1, 31, 1)
    }

    @Test func derivedValuesChangeToo() throws {
        let checked = try ClubSchema.checked()
        let rejection = try checked.reject("score", 10, 61)
        #expect(rejection.rule == "clubs_slowly")
        #expect(rejection.value == "61" && rejection.limit == "60")
        try checked.accept("score", 10, 60)
        // A club that leaves its league takes its points along.
        try checked.accept([.clear(ClubSchema.club, 0)], 1)
        #expect(try checked.reject("move_club", 1, "north").value == "73")
    }

    @Test func nowIsTheTimeOfTheGroup() throws {
        let checked = try ClubSchema.checked()
        let second = Argument.time(TimeValue(seconds: 1, nanoseconds: 0))
        let rejection = try checked.reject("later", 10, second)
        #expect(rejection.message == "1970-01-01T00:00:00Z is before 1s")
        #expect(rejection.observations.map(\.name) == ["now", "player.since", "by"])
        checked.closeGroup(nextBegins: 1_000_001)
        try checked.accept("later", 10, second)
        try checked.accept("player", 12, 1, 1)
        let time = Argument.time(TimeValue(seconds: 1, nanoseconds: 1_000))
        #expect(try checked.value("Player.since", of: 10) == time)
        #expect(try checked.value("Player.since", of: 12) == time)
        #expect(try checked.reject("later", 10, second).code == .requirementFailed)
        checked.closeGroup(nextBegins: 1)
        try checked.crashAndRecover()
        try checked.replayJournal()
    }

    /// A clock that was put back does not take `now` along.
    @Test func timeNeverGoesBack() throws {
        let program = try Program(compiling: Schema(parsing: ClubSchema.text))
        var engine = Engine(program: program, schemaVersion: testSchemaVersion)
        let operations = try ["league", "club", "player"].map {
            try #require(program.operation(named: $0))
        }
        engine.beginGroup(microseconds: 5_000_000)
        _ = try engine.execute(operations[0], [["north"]])
        _ = try engine.execute(operations[1], [[1, "north", "a"]])
        _ = engine.closeGroup(firstSequence: 1)
        engine.beginGroup(microseconds: 4_000_000)
        _ = try engine.execute(operations[2], [[1, 1, 0]])
        let found = engine.snapshot(ofType: ClubSchema.player, keys: [1])
        #expect(found[1]?.values[2] == .time(TimeValue(seconds: 5, nanoseconds: 0)))
    }
}
