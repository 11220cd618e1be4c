import AtomicStateEngine
import AtomicStateSchema
import Testing

/// Fields whose values no two entities have in common.
@Suite struct UniqueKeyTests {
    @Test func aSecondEntityWithTheSameValues() throws {
        let checked = try ClubSchema.checked()
        let rejection = try checked.reject("club", 4, "north", "a")
        #expect(rejection.code == .notUnique)
        #expect(rejection.rule == "Club.unique(league, name)")
        #expect(rejection.entityType == "Club" && rejection.entityKey == "4")
        #expect(
            rejection.observations.map { "\($0.name)=\($0.value)" } == [
                "self.league=north", "self.name=a", "taken_by=1",
            ])
        #expect(rejection.observations.map(\.before) == [nil, nil, nil])
        try checked.accept("club", 4, "north", "c")
        let move = try checked.reject("move_club", 1, "south")
        #expect(move.entityKey == "1")
        #expect(move.observations.map(\.value) == ["south", "a", "3"])
        #expect(move.observations.map(\.before) == ["north", "a", nil])
    }

    /// Without a value an entity is compared with none.
    @Test func absentValues() throws {
        let checked = try ClubSchema.checked()
        try checked.accept([.clear(ClubSchema.club, 0)], 1)
        try checked.accept([.clear(ClubSchema.club, 0)], 3)
        try checked.accept("club", 4, "north", "a")
        #expect(try checked.reject("move_club", 3, "north").code == .notUnique)
        try checked.accept("settle", 1, "town")
        #expect(try checked.reject("settle", 2, "town").rule == "Club.unique(city)")
        try checked.accept([.clear(ClubSchema.club, 2)], 1)
        try checked.accept("settle", 2, "town")
    }

    /// What happens in between does not matter.
    @Test func exchangedValues() throws {
        let checked = try ClubSchema.checked()
        try checked.accept("settle", 1, "east")
        try checked.accept("settle", 2, "west")
        try checked.accept("exchange_cities", 1, 2, "east")
        #expect(try checked.value("Club.city", of: 1) == "west")
        #expect(try checked.reject("exchange_cities", 1, 2, "east").entityKey == "2")
        let steps: [TransactionStep] = [.set(ClubSchema.club, 2), .set(ClubSchema.club, 2)]
        try checked.accept(steps, 1, "east", 2, "west")
        // Both of these are changed, and the first has taken the city by then.
        #expect(try checked.reject(steps, 2, "third", 1, "third").entityKey == "1")
        checked.closeGroup()
        try checked.crashAndRecover()
        #expect(try checked.reject("settle", 3, "west").code == .notUnique)
    }

    @Test func deletedEntitiesLeaveTheirValues() throws {
        let checked = try ClubSchema.checked()
        try checked.accept("settle", 2, "west")
        try checked.accept(
            [
                .create(type: ClubSchema.club, fields: [1, 2]),
                .delete(type: ClubSchema.club, expectsVersion: false),
            ], 5, "new", "west", 2)
        #expect(try checked.reject("settle", 1, "west").code == .notUnique)
        try checked.accept("close", 5)
        try checked.accept("settle", 1, "west")
    }

    /// A rejection turns the index back.
    @Test func rejectedChangesLeaveNoTrace() throws {
        let checked = try ClubSchema.checked()
        try checked.accept("settle", 1, "west")
        let steps: [TransactionStep] = [
            .set(ClubSchema.club, 2), .set(ClubSchema.club, 2), try checked.call("score"),
        ]
        #expect(try checked.reject(steps, 1, "east", 2, "west", 10, -6).rule == "not_negative")
        #expect(try checked.reject("settle", 2, "west").code == .notUnique)
        try checked.accept("settle", 2, "east")
    }
}
