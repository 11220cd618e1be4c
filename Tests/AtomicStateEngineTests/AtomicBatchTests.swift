import AtomicStateEngine
import AtomicStateSchema
import ReferenceModel
import Testing

/// Batches of which all transactions are accepted or none is.
@Suite struct AtomicBatchTests {
    @Test func allOrNothing() throws {
        let checked = try ClubSchema.checked()
        let batch = [
            try checked.run("player", [[12, 2, 3], [13, 2, 4]]),
            try checked.run("score", [[12, 1], [12, -9]]),
            try checked.run("leave", [[13]]),
        ]
        let rejections = try checked.execute(batch, isAtomic: true)
        #expect(rejections.map(\.index) == [3] && rejections.map(\.rule) == ["not_negative"])
        #expect(try checked.value("Club.best", of: 2) == .absent)
        #expect(try checked.execute(batch).map(\.index) == [3])
        #expect(try checked.value("Club.points", of: 2) == 4)
        try checked.execute([try checked.run("leave", [[12]])], isAtomic: true)
        checked.closeGroup()
        try checked.crashAndRecover()
        try checked.replayJournal()
    }

    /// Every kind of change is turned back, and what is done later is as if it had never been.
    @Test func turnedBack() throws {
        let checked = try ClubSchema.checked()
        try checked.accept("settle", 1, "west end")
        let fail = try checked.run("score", [[11, -99]])
        let batches: [[CheckedEngine.Run]] = [
            // Texts, twice and of one row.
            [try checked.run("settle", [[1, "x"], [1, "y"], [2, "x"], [1, "z"]])],
            // Rows that come and go, with their keys.
            [
                try checked.run("league", [["east"]]), try checked.run("club", [[7, "east", "a"]]),
                try checked.run("player", [[70, 7, 1], [71, 7, 2]]),
                try checked.run("leave", [[70], [10]]), try checked.run("player", [[10, 7, 2]]),
                try checked.run("move", [[11, 7]]),
            ],
            // Unique values that are exchanged.
            [
                try checked.run("settle", [[2, "old"]]),
                try checked.run("exchange_cities", [[1, 2, "new"]]),
                try checked.run("close", [[3]]), try checked.run("club", [[4, "south", "a"]]),
            ],
            // A transaction that fails after its own changes.
            [
                CheckedEngine.Run(
                    form: .steps([
                        .create(type: ClubSchema.club, fields: [1]), .set(ClubSchema.player, 0),
                        .add(ClubSchema.player, 1),
                    ]),
                    transactions: [[8, "b", 10, 8, 11, 1], [9, "b", 10, 9, 11, -99]])
            ],
        ]
        for batch in batches {
            let versions = checked.versions
            #expect(try checked.execute(batch + [fail], isAtomic: true).count == 1)
            #expect(checked.versions == versions)
            try checked.takeImages()
            checked.closeGroup()
            try checked.accept("score", 10, 1)
        }
        // Memory that was given back twice would be two entities at once.
        for (key, name) in [(20, "c"), (21, "d"), (22, "e")] as [(Argument, Argument)] {
            try checked.accept("club", key, "south", name)
        }
        try checked.accept("settle", 21, "here")
        #expect(try checked.value("Club.city", of: 22) == .absent)
        try checked.crashAndRecover()
        for batch in batches.dropLast() {
            #expect(try checked.execute(batch, isAtomic: true).isEmpty)
        }
        checked.closeGroup()
        try checked.takeImages()
        checked.closeGroup()
        try checked.crashAndRecover()
        try checked.replayJournal()
    }

    /// The record of a group is that of its accepted transactions, whatever batches they came in and
    /// whatever was turned back between them.
    @Test func theJournalHasNoTrace() throws {
        let program = try Program(compiling: Schema(parsing: ClubSchema.text))
        func index(_ name: String) throws -> Int { try #require(program.operation(named: name)) }
        let (league, club) = (try index("league"), try index("club"))
        let (score, player) = (try index("score"), try index("player"))
        let settle = try index("settle")
        typealias Run = (form: TransactionRun.Form, transactions: [[Argument]])
        let wide = TransactionRun.Form.steps(
            Array(repeating: .set(ClubSchema.club, 1), count: 16))
        let widest: [Argument] = (0..<16).flatMap { _ in [1, "a"] as [Argument] }
        /// Batches that are turned back, of the run that is open, of others, and of new forms.
        let turnedBack: [[Run]] = [
            [(.operation(score), [[1, 1], [1, -99]])],
            [(.operation(settle), [[1, "gone"], [99, "x"]])],
            [(.operation(settle), [[1, "gone"]]), (.operation(score), [[1, 2], [1, -99]])],
            [
                (.operation(settle), [[1, "gone"]]), (.operation(score), [[1, 2]]),
                (.operation(settle), [[1, "again"]]), (.operation(score), [[1, -99]]),
            ],
            [(wide, [widest]), (.operation(score), [[1, -99]])],
        ]
        func record(disturbed: Bool, isAtomic: Bool) throws -> [UInt8] {
            var engine = Engine(program: program, schemaVersion: testSchemaVersion)
            func execute(_ runs: [Run]) throws {
                #expect(try engine.execute(runs, isAtomic: isAtomic).rejections.isEmpty)
                guard disturbed else { return }
                for batch in turnedBack {
                    #expect(try engine.execute(batch, isAtomic: true).rejections.count == 1)
                }
            }
            try execute([(.operation(league), [["north"]])])
            try execute([(.operation(club), [[1, "north", "a"]])])
            try execute([(.operation(player), [[1, 1, 7]])])
            for city in ["x", "", "yy"] {
                try execute([(.operation(settle), [[1, .text(city)]])])
            }
            try execute([(.operation(score), [[1, 1], [1, 2]])])
            try execute([(.operation(score), [[1, 3]]), (.operation(settle), [[1, "end"]])])
            return engine.closeGroup(firstSequence: 1)
        }
        let expected = try record(disturbed: false, isAtomic: false)
        #expect(try record(disturbed: false, isAtomic: true) == expected)
        #expect(try record(disturbed: true, isAtomic: false) == expected)
        #expect(try record(disturbed: true, isAtomic: true) == expected)
    }

    /// A form with more columns than any before comes up, and none of its transactions is accepted.
    @Test func rejectedWideFormsLeaveTheRunOpen() throws {
        let checked = try ClubSchema.checked()
        try checked.accept("score", 10, 1)
        let steps = Array(repeating: TransactionStep.set(ClubSchema.player, 1), count: 16)
        let arguments: [Argument] = (0..<16).flatMap { _ in [10, -1] as [Argument] }
        try checked.execute([.init(form: .steps(steps), transactions: [arguments])])
        try checked.accept("score", 10, 1)
        checked.closeGroup()
        try checked.replayJournal()
    }
}
