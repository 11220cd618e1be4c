import AtomicStateClient
import AtomicStateProtocol
import Testing

/// Runs and keys from names and text.
@Suite struct SchemaRequestTests {
    @Test func runFromText() throws {
        let run = try bankDescription.run(
            operation: "transfer", arguments: ["amount": "12.50", "to": "2", "from": "1"])
        #expect(run.operation == 0)
        #expect(run.transactionCount == 1)
        #expect(
            run.arguments == [Column(words: [1]), Column(words: [2]), Column(words: [1250])])
    }

    @Test func runOfSeveralTransactions() throws {
        let run = try bankDescription.run(
            operation: "open",
            transactions: [
                [
                    "account": 1, "owner": "Zoë", "plan": "paid", "isOpen": true,
                    "branch": "ab", "cards": -3,
                ],
                [
                    "account": ArgumentValue(UInt64.max), "owner": "", "plan": "free",
                    "isOpen": false, "branch": "c", "cards": 0,
                ],
            ])
        #expect(run.operation == 1)
        #expect(run.transactionCount == 2)
        #expect(run.arguments[0].words == [1, .max])
        #expect(run.arguments[1].strings == ["Zoë", ""])
        #expect(run.arguments[2].words == [1, 0])
        #expect(run.arguments[3].words == [1, 0])
        #expect(run.arguments[4].strings == ["ab", "c"])
        #expect(run.arguments[5].words == [UInt64(bitPattern: -3), 0])
    }

    @Test(arguments: [
        ("isOpen", "yes", "open's isOpen: 'yes' is not true or false"),
        (
            "cards", "1.5",
            "open's cards: '1.5' is not a whole number from -9223372036854775808 to "
                + "9223372036854775807"
        ),
        (
            "account", "-1",
            "open's account: '-1' is not a whole number from 0 to 18446744073709551615"
        ),
        (
            "owner", "too long a name",
            "open's owner: 'too long a name' is not text of at most 8 bytes"
        ),
        ("plan", "gold", "open's plan: 'gold' is not one of free, paid"),
        (
            "branch", "abcde",
            "open's branch: 'abcde' is not a key of Branch, text of at most 4 bytes"
        ),
    ])
    func namesTheParameterTheValueAndWhatWasExpected(
        parameter: String, value: String, message: String
    ) {
        var arguments = [
            "account": "1", "owner": "a", "plan": "free", "isOpen": "true", "branch": "ab",
            "cards": "0",
        ]
        arguments[parameter] = value
        let error = #expect(throws: ArgumentError.self) {
            try bankDescription.run(operation: "open", arguments: arguments)
        }
        #expect(error?.description == message)
    }

    @Test func namesADecimalsFractionDigits() {
        let error = #expect(throws: ArgumentError.self) {
            try bankDescription.run(
                operation: "transfer", arguments: ["from": "1", "to": "2", "amount": "12.505"])
        }
        #expect(
            error?.description
                == "transfer's amount: '12.505' is not a decimal number from -92233720368547758.08 to 92233720368547758.07, with at most 2 fraction digits"
        )
    }

    @Test(
        arguments: [
            ("pay", [:], "no operation 'pay': expected transfer, open"),
            ("transfer", ["from": "1", "to": "2"], "transfer: the parameter 'amount' is missing"),
            (
                "transfer", ["from": "1", "to": "2", "amount": "1", "note": "x", "fee": "1"],
                "transfer has no parameter 'fee': expected from, to, amount"
            ),
        ] as [(String, [String: String], String)])
    func refusesNamesThatDoNotFit(
        operation: String, arguments: [String: String], message: String
    ) {
        let error = #expect(throws: ArgumentError.self) {
            try bankDescription.run(operation: operation, arguments: arguments)
        }
        #expect(error?.description == message)
    }

    @Test func keys() throws {
        #expect(
            try bankDescription.column(ofKeys: ["1", "17"], entity: "Account")
                == Column(words: [1, 17]))
        #expect(
            try bankDescription.column(ofKeys: ["ab", ""], entity: "Branch").strings == ["ab", ""])
        let unknown = #expect(throws: ArgumentError.self) {
            try bankDescription.column(ofKeys: [], entity: "account")
        }
        #expect(unknown == .unknownEntity("account", known: ["Account", "Branch"]))
        let impossible = #expect(throws: ArgumentError.self) {
            try bankDescription.column(ofKeys: ["1", "x"], entity: "Account")
        }
        #expect(
            impossible?.description
                == "the key of Account: 'x' is not a whole number from 0 to 18446744073709551615")
    }
}
