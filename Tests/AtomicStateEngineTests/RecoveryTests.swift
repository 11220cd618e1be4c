import AtomicStateEngine
import AtomicStateSchema
import AtomicStateValues
import ReferenceModel
import Testing

/// Recoveries that went wrong once.
@Suite struct RecoveryTests {
    /// The image of an entity that was deleted meanwhile stays behind, and refers to what is gone.
    @Test func deletedWhileImagesAreTaken() throws {
        let checked = try CheckedEngine(.registry)
        try checked.accept("zone", 1, 4)
        try checked.accept("zone", 2, 4)
        try checked.accept("office", "a", 1, 0, "name")
        checked.closeGroup()
        try checked.takeImages()
        try checked.accept("merge_zones", 1, 2, "a")
        checked.closeGroup()
        try checked.takeImages(then: { try checked.accept("remove_office", "a") })
        checked.closeGroup()
        try checked.crashAndRecover()
    }

    /// Two names for one entity are two targets of the journal, and both count.
    @Test func oneEntityUnderTwoNames() throws {
        let checked = try CheckedEngine(.warehouse)
        try checked.accept("build", "s", 100, 1)
        try checked.accept("store_plain", 1, "s")
        try checked.accept("two_sides", 1, 1, "note", 7)
        try checked.accept("enlarge", 1, 5, 1)
        checked.closeGroup()
        try checked.crashAndRecover()
    }

    /// Arguments of every kind reach the journal in stretches, which end where a transaction is rejected, or
    /// where a run of the journal is full.
    @Test func longRunWithRejections() throws {
        let checked = try CheckedEngine(
            """
            schema: 1
            name: notes
            entities:
              Note:
                key: string
                fields: { text: string, written: timestamp, size: int }
            operations:
              write:
                parameters: { note: string, text: string, written: timestamp, size: int }
                require: [{ id: has_size, rule: size > 0 }]
                effects: ['create Note(note) { text: text, written: written, size: size }']
            """)
        let transactions = (0..<9_000).map { number -> [Argument] in
            let text = String(repeating: "x", count: number % 5)
            let nanoseconds = Int64(number % 3)
            let isRejected = number % 100 == 7 || number == 8_192
            return [
                .text("note-\(number)"), .text(text),
                .time(TimeValue(seconds: Int64(number), nanoseconds: nanoseconds)),
                .int(isRejected ? 0 : Int64(number + 1)),
            ]
        }
        let runs = [transactions[..<8_500], transactions[8_500...]].map {
            CheckedEngine.Run(form: .operation(0), transactions: Array($0))
        }
        let rejections = try checked.execute(runs)
        #expect(rejections.count == 91)
        checked.closeGroup()
        try checked.replayJournal()
        try checked.crashAndRecover()
    }

    @Test func deletedAndCreatedAtOnce() throws {
        let checked = try CheckedEngine(.warehouse)
        try checked.accept("build", "s", 100, 1)
        try checked.accept("rebuild", "s", "s", 50)
        checked.closeGroup()
        try checked.crashAndRecover()
    }

    /// A deleted key that comes again, in memory that was set aside for another image, is in a batch
    /// once, with the image.
    @Test func keyThatIsBackBeforeItsDeletionIsStored() throws {
        let checked = try CheckedEngine(.bank)
        try checked.accept("open", 1, "first", 0)
        checked.closeGroup()
        try checked.takeImages()
        try checked.accept("set_credit_limit", 1, 500)
        try checked.accept("close", 1)
        checked.closeGroup()
        try checked.takeImages(then: { try checked.accept("open", 1, "second", 0) })
        checked.closeGroup()
        try checked.crashAndRecover()
        try checked.takeImages(then: { try checked.accept("close", 1) })
        checked.closeGroup()
        try checked.crashAndRecover()
    }

    /// A round of all entities has nothing of those that are gone, and of what comes meanwhile it needs nothing:
    /// not what is deleted behind its image or before it, nor what takes the memory of either.
    @Test(arguments: [0, 1, 2]) func roundOfAllWhileEntitiesComeAndGo(takenBefore: Int) throws {
        let checked = try CheckedEngine(.bank)
        for key in 1...4 as ClosedRange<UInt64> {
            try checked.accept("open", .word(key), "name", 0)
        }
        checked.closeGroup()
        try checked.takeImages()
        try checked.accept("close", 4)
        checked.closeGroup()
        try checked.takeImages(
            ofAll: true, before: takenBefore,
            then: {
                try checked.accept("close", 1)
                try checked.accept("close", 3)
                try checked.accept("open", 4, "again", 0)
                try checked.accept("open", 5, "new", 0)
            })
        checked.closeGroup()
        try checked.crashAndRecover()
        try checked.takeImages(then: { try checked.accept("set_credit_limit", 2, 500) })
        checked.closeGroup()
        try checked.crashAndRecover()
    }

    /// A record's run may end between two transactions of one form, because of a batch of which the
    /// record holds nothing. Carrying the record out again leads to the same runs.
    @Test(arguments: [false, true]) func runThatEndsWithoutTrace(isAtomic: Bool) throws {
        let program = try TestSchema.bank.program()
        let deposit = try #require(program.operation(named: "deposit"))
        let open = try #require(program.operation(named: "open"))
        var engine = Engine(program: program, schemaVersion: testSchemaVersion)
        _ = try engine.execute(open, [[1, "", 0]])
        _ = try engine.execute(deposit, [[1, 5]])
        // So many columns that the encoder needs more room, or a batch that is taken back.
        let stepCount = isAtomic ? 1 : 16
        let steps = Array(repeating: TransactionStep.operation(deposit), count: stepCount)
        let refused = try engine.execute(
            [(.steps(steps), [Array(repeating: [1, 0], count: stepCount).flatMap { $0 }])],
            isAtomic: isAtomic)
        #expect(refused.acceptedCount == 0)
        _ = try engine.execute(deposit, [[1, 7]])
        let record = StoredRecord(firstSequence: 1, bytes: engine.closeGroup(firstSequence: 1))
        var repeated = Engine(program: program, schemaVersion: testSchemaVersion)
        #expect(try repeated.repeat(record) == record.bytes)
    }

    /// Rows are counted in another order than they were added up in.
    @Test func totalThatLeaves64BitsInAnotherOrder() throws {
        let checked = try CheckedEngine(Self.totals)
        try checked.accept("add_group", 1)
        try checked.accept("add", 3, 1, -10)
        try checked.accept("add", 1, 1, .int(.max))
        try checked.accept("add", 2, 1, 5)
        try checked.takeImages()
        checked.closeGroup()
        try checked.takeImages()
        checked.closeGroup()
        try checked.crashAndRecover()
    }

    private static let totals = """
        schema: 1
        name: totals
        entities:
          Group:
            key: uint64
            derived: { total: { sum: Item.amount, by: group } }
          Item:
            key: uint64
            fields: { group: { ref: Group }, amount: int }
        operations:
          add_group:
            parameters: { group: uint64 }
            effects: ['create Group(group) {}']
          add:
            parameters: { item: uint64, group: { ref: Group }, amount: int }
            effects: ['create Item(item) { group: group, amount: amount }']
        """
}
