import AtomicStateClient
import AtomicStateProtocol
import AtomicStateValues
import Testing

/// Runs from transactions of several steps.
@Suite struct TransactionTests {
    @Test func everyKindOfStep() throws {
        let runs = try seatsDescription.runs(of: [
            Transaction(
                .call("add_seats", ["count": 2, "team": 1]),
                .create(
                    "Team", 7, ["seats": 3, "org": "acme", "renewal": "1969-12-31T23:59:59.5Z"]),
                .update(
                    "Team", 1, set: ["name": "core"], add: ["fee": "-0.50", "seats": 2],
                    clear: ["renewal"], expectedVersion: .max),
                .update("Team", 2, clear: ["fee"]),
                .delete("Team", 3, expectedVersion: 9),
                .delete("Note", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"))
        ])
        let run = try #require(runs.first)
        #expect(runs.count == 1)
        #expect(run.operation == 0)
        #expect(run.transactionCount == 1)
        #expect(
            run.steps == [
                .operation(1),
                .create(entity: 1, fields: [0, 2, 4]),
                .update(
                    entity: 1,
                    changes: [
                        .init(field: 1, kind: .set), .init(field: 2, kind: .add),
                        .init(field: 3, kind: .add), .init(field: 4, kind: .clear),
                    ], expectsVersion: true),
                .update(
                    entity: 1, changes: [.init(field: 3, kind: .clear)], expectsVersion: false),
                .delete(entity: 1, expectsVersion: true),
                .delete(entity: 2, expectsVersion: false),
            ])
        let columns = run.arguments
        #expect(columns.count == 15)
        #expect(columns[0...2].map(\.words) == [[1], [2], [7]])
        #expect(columns[3].strings == ["acme"])
        #expect(columns[4].words == [3])
        #expect(columns[5].words == [UInt64(bitPattern: -1)])
        #expect(columns[5].nanoseconds == [500_000_000])
        #expect(columns[6...7].map(\.words) == [[1], [.max]])
        #expect(columns[8].strings == ["core"])
        #expect(columns[9...13].map(\.words) == [[2], [UInt64(bitPattern: -50)], [2], [3], [9]])
        #expect(columns[14].lengths == [16])
    }

    @Test func aSingleCallIsARunOfItsOperation() throws {
        let call = Transaction(.call("add_seats", ["team": 1, "count": 2]))
        let runs = try seatsDescription.runs(of: [call])
        #expect(runs.map(\.operation) == [1])
        #expect(runs.map(\.steps) == [[]])
        #expect(runs.map(\.arguments) == [[Column(words: [1]), Column(words: [2])]])
    }

    @Test func neighboursOfOneFormShareARun() throws {
        func seats(_ team: Int, _ count: Int) -> Transaction {
            Transaction(
                .call("add_seats", ["team": ArgumentValue(team), "count": ArgumentValue(count)]))
        }
        func move(_ from: Int, _ to: Int, version: UInt64?) -> Transaction {
            Transaction(
                .update("Team", ArgumentValue(from), add: ["seats": -1], expectedVersion: version),
                .update("Team", ArgumentValue(to), add: ["seats": 1]))
        }
        let runs = try seatsDescription.runs(of: [
            seats(1, 10), seats(2, 20), move(1, 2, version: nil), move(3, 4, version: nil),
            move(5, 6, version: 7), seats(3, 30),
        ])
        #expect(runs.map(\.transactionCount) == [2, 2, 1, 1])
        #expect(runs.map(\.operation) == [1, 0, 0, 1])
        #expect(runs.map(\.steps.count) == [0, 2, 2, 0])
        let minusOne = UInt64(bitPattern: -1)
        #expect(
            runs.map { $0.arguments.map(\.words) } == [
                [[1, 2], [10, 20]],
                [[1, 3], [minusOne, minusOne], [2, 4], [1, 1]],
                [[5], [7], [minusOne], [6], [1]],
                [[3], [30]],
            ])
    }

    @Test func transactionsWithKeysHaveRunsOfTheirOwn() throws {
        let keys = (0..<4).map { IdempotencyKey(milliseconds: 1, high: 2, low: $0) }
        func seats(_ count: Int, _ key: IdempotencyKey?) -> Transaction {
            Transaction(.call("add_seats", ["team": 1, "count": ArgumentValue(count)]), key: key)
        }
        let runs = try seatsDescription.runs(of: [
            seats(1, nil), seats(2, keys[0]), seats(3, keys[1]), seats(4, nil), seats(5, nil),
            seats(6, keys[2]), Transaction(.delete("Team", 1), key: keys[3]),
        ])
        #expect(runs.map { $0.arguments.last?.words } == [[1], [2, 3], [4, 5], [6], [1]])
        #expect(
            runs.map(\.idempotencyKeys) == [[], [keys[0], keys[1]], [], [keys[2]], [keys[3]]])
    }

    @Test func aSchemaWithoutGenericTypesTakesCallsOnly() {
        let error = #expect(throws: ArgumentError.self) {
            try bankDescription.runs(of: [Transaction(.delete("Branch", "ab"))])
        }
        #expect(
            error?.description
                == "Branch is changed by operations only: expected a type with 'generic: true', which "
                + "the schema does not have")
    }

    @Test func noTransactions() throws {
        #expect(try seatsDescription.runs(of: []).isEmpty)
    }

    @Test(
        arguments: [
            (Transaction(), "a transaction without steps: expected at least one"),
            (
                Transaction(.delete("Note", "7")),
                "the key of Note: '7' is not a uuid as f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
            ),
            (
                Transaction(.call("add_seat", ["team": 1])),
                "no operation 'add_seat': expected license, add_seats"
            ),
            (
                Transaction(.call("add_seats", ["team": 1])),
                "add_seats: the parameter 'count' is missing"
            ),
            (
                Transaction(.create("team", 1)),
                "no entity 'team': expected Organization, Team, Note"
            ),
            (
                Transaction(.delete("Organization", "acme")),
                "Organization is changed by operations only: expected a type with 'generic: true', "
                    + "Team, Note"
            ),
            (
                Transaction(.create("Team", 1, ["seat": 1, "nome": ""])),
                "Team has no field 'nome': expected org, name, seats, fee, renewal"
            ),
            (
                Transaction(.create("Team", 1, ["org": "a name too long"])),
                "Team's org: 'a name too long' is not a key of Organization, text of at most 8 bytes"
            ),
            (
                Transaction(.update("Team", "x", add: ["seats": 1])),
                "the key of Team: 'x' is not a whole number from 0 to 18446744073709551615"
            ),
            (
                Transaction(.update("Team", 1, add: ["fee": "0.001"])),
                "Team's fee: '0.001' is not a decimal number from -92233720368547758.08 to 92233720368547758.07, with at most 2 fraction digits"
            ),
            (
                Transaction(.update("Team", 1, expectedVersion: 7)),
                "an update of Team without changes: expected at least one"
            ),
            (
                Transaction(.update("Team", 1, set: ["seats": 1], add: ["seats": 1])),
                "Team's seats is changed twice: expected one of set, add and clear"
            ),
            (
                Transaction(.update("Team", 1, clear: ["fee", "fee"])),
                "Team's fee is changed twice: expected one of set, add and clear"
            ),
            (
                Transaction(.update("Team", 1, add: ["name": "x"])),
                "nothing can be added to Team's name: expected an int, a decimal or a duration"
            ),
            (
                Transaction(.update("Team", 1, clear: ["name"])),
                "Team's name can't be cleared: expected an optional field"
            ),
            (
                Transaction(.update("Team", 1, clear: ["fees"])),
                "Team has no field 'fees': expected org, name, seats, fee, renewal"
            ),
        ] as [(Transaction, String)])
    func refusesWhatDoesNotFit(transaction: Transaction, message: String) {
        let error = #expect(throws: ArgumentError.self) {
            try seatsDescription.runs(of: [transaction])
        }
        #expect(error?.description == message)
    }
}
