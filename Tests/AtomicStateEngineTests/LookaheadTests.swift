import ReferenceModel
import Testing

/// Rows are looked up before the transactions ahead of them in the run are carried out.
@Suite struct LookaheadTests {
    /// One run in which entities go and come, and take each other's rows.
    @Test(arguments: [("leave", "player", [1, 1]), ("dissolve", "league", [])])
    func entitiesThatGoAndCome(delete: String, create: String, fields: [Argument]) throws {
        let checked = try ClubSchema.checked()
        func transaction(_ numbers: Int64...) -> [Argument] {
            numbers.map { fields.isEmpty ? .text("league \($0)") : .int($0) } + fields
        }
        for number in 20...22 as ClosedRange<Int64> {
            try checked.execute([checked.run(create, [transaction(number)])])
        }
        let transactions = [
            transaction(20, 30), transaction(21, 31),
            // 31 has the row that 20 had.
            transaction(20, 32),
            // 30 was not there when it was looked for, and 22 goes twice.
            transaction(30, 33), transaction(22, 34), transaction(22, 35),
            // 20 is back, in another row.
            transaction(33, 20), transaction(20, 37),
        ]
        let steps = [try checked.call(delete), try checked.call(create)]
        let rejections = try checked.execute([
            CheckedEngine.Run(form: .steps(steps), transactions: transactions)
        ])
        #expect(rejections.map(\.index) == [2, 5])
        #expect(rejections.allSatisfy { $0.code == .entityMissing })
    }

    /// The arguments of transactions that stand together are bound together, unless one may delete what the
    /// next one refers to.
    @Test(arguments: [("leave", "player", [1, 1]), ("dissolve", "league", [])])
    func entitiesThatGoTwice(delete: String, create: String, fields: [Argument]) throws {
        let checked = try ClubSchema.checked()
        func key(_ number: Int64) -> Argument {
            fields.isEmpty ? .text("league \(number)") : .int(number)
        }
        for number in 20...22 as ClosedRange<Int64> {
            try checked.execute([checked.run(create, [[key(number)] + fields])])
        }
        let rejections = try checked.execute([
            checked.run(delete, [20, 21, 20, 23, 22, 22].map { [key($0)] })
        ])
        #expect(rejections.map(\.index) == [2, 3, 5])
        #expect(rejections.allSatisfy { $0.code == .entityMissing })
    }
}
