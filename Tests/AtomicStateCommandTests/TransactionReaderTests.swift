import ArgumentParser
import AtomicStateClient
import Testing

@testable import atomic_state

/// Transactions from the words of a command line.
@Suite struct TransactionReaderTests {
    @Test(
        arguments: [
            (
                "transfer from=1 to=2 note=a=b",
                [Transaction(.call("transfer", ["from": "1", "to": "2", "note": "a=b"]))]
            ),
            ("tick", [Transaction(.call("tick"))]),
            (
                "create Team core seats=3 name=",
                [Transaction(.create("Team", "core", ["seats": "3", "name": ""]))]
            ),
            (
                "update Team core @7 name=Core seats+=-2 fee+=0.50 note- renewal-",
                [
                    Transaction(
                        .update(
                            "Team", "core", set: ["name": "Core"],
                            add: ["seats": "-2", "fee": "0.50"], clear: ["note", "renewal"],
                            expectedVersion: 7))
                ]
            ),
            ("delete Team 3", [Transaction(.delete("Team", "3"))]),
            (
                "delete Team @3 @18446744073709551615",
                [Transaction(.delete("Team", "@3", expectedVersion: .max))]
            ),
            (
                "delete Team and and tick then delete Team then",
                [
                    Transaction(.delete("Team", "and"), .call("tick")),
                    Transaction(.delete("Team", "then")),
                ]
            ),
            (
                "tick and create a=1 then delete then update x=2 and tick",
                [
                    Transaction(.call("tick"), .call("create", ["a": "1"])),
                    Transaction(.call("delete")),
                    Transaction(.call("update", ["x": "2"]), .call("tick")),
                ]
            ),
        ] as [(String, [Transaction])])
    func reads(line: String, transactions: [Transaction]) throws {
        #expect(try read(line) == transactions)
    }

    @Test(arguments: [
        ("transfer from", "from: expected NAME=VALUE"),
        ("transfer a=1 a=2", "a is given twice"),
        ("update Team 1 a+=1 a+=2", "a+ is given twice"),
        ("transfer a=1 b-", "transfer: expected nothing but NAME=VALUE"),
        ("create Team 1 seats+=1", "create Team: expected nothing but NAME=VALUE"),
        ("create Team 1 @7", "create Team: expected nothing but NAME=VALUE"),
        ("create Team", "create Team: expected a key"),
        ("update Team 1 @x", "@x: expected one version, as in @7"),
        ("update Team 1 @1 @2", "@2: expected one version, as in @7"),
        ("delete Team 1 seats=1", "delete Team: expected nothing but a key and a @VERSION"),
        ("delete Team 1 and", "nothing follows at the end: expected a step"),
        ("tick then", "nothing follows at the end: expected a step"),
        ("and tick", "expected a step, found 'and'"),
        ("tick then then tick", "expected a step, found 'then'"),
    ])
    func namesTheWordThatDoesNotFit(line: String, message: String) {
        let error = #expect(throws: ValidationError.self) { try read(line) }
        #expect(error?.message == message)
    }

    private func read(_ line: String) throws -> [Transaction] {
        try TransactionReader.transactions(from: line.split(separator: " ").map(String.init))
    }
}
