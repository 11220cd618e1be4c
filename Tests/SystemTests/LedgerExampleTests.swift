import AtomicStateClient
import AtomicStateProtocol
import Foundation
import Testing

/// examples/ledger.yaml, as its comments promise it.
@Suite struct LedgerExampleTests {
    @Test func aPostingIsBalanced() async throws {
        try await withLedger { client in
            try await expectRejected(
                client, .post("p1"), .debit("p1", "rent", "900"), .credit("p1", "bank", "899.99"),
                as: """
                    1 conserved: debits and credits in EUR would differ by 0.01
                    Currency EUR
                    self.balance = 0.00 → 0.01
                    self.key = EUR
                    """)
            try await expectRejected(
                client, .post("p1"), .debit("p1", "rent", "9"), .credit("p1", "bank-usd", "9"),
                as: """
                    1 conserved: debits and credits in EUR would differ by 9.00
                    Currency EUR
                    self.balance = 0.00 → 9.00
                    self.key = EUR
                    """)
            try await expectRejected(
                client, .post("p1"),
                as: """
                    1 two_sides: a posting has at least two entries
                    Posting p1
                    self.entry_count = 0
                    0 against 2
                    """)
            try await expectRejected(
                client, .post("p1"), .debit("p1", "rent", "-1"), .credit("p1", "bank", "-1"),
                as: """
                    2 positive: the amount must be positive
                    amount = -1.00
                    -1.00 against 0.00
                    """)
            // Each is wrong by what the other one is.
            try await expectRejected(
                client, .post("p1"), .post("p2"), .debit("p1", "rent", "5"),
                .debit("p1", "bank", "5"), .credit("p2", "rent", "5"), .credit("p2", "bank", "5"),
                as: """
                    1 one_posting: a transaction has one posting, and this one would have 2
                    delta(Posting) = 2
                    2 against 1
                    """)
            try await expectAccepted(
                client, .post("p1"), .debit("p1", "rent", "900"), .credit("p1", "bank", "900"))
            let rent = try await values(client, "Account", "rent")
            #expect(rent["balance"] == "900.00")
            #expect(rent["entry_count"] == "1")
            #expect(rent["last_entry"] == (try await values(client, "Entry", "p1-rent")["posted"]))
        }
    }

    @Test func aPostingIsFinal() async throws {
        try await withLedger { client in
            try await expectAccepted(
                client, .post("p1"), .debit("p1", "rent", "900"), .credit("p1", "bank", "900"))
            try await expectRejected(
                client, .debit("p1", "fees", "5"), .credit("p1", "bank-2", "5"),
                as: """
                    1 final: a posting is final; another one may reverse it
                    Posting p1
                    self.entry_count = 2 → 4
                    oldSelf.entry_count = 2
                    """)
            try await expectAccepted(
                client, .call("reverse", ["posting": "r1", "reverses": "p1"]),
                .credit("r1", "rent", "900"), .debit("r1", "bank", "900"))
            try await expectRejected(
                client, .call("reverse", ["posting": "r2", "reverses": "p1"]),
                .credit("r2", "rent", "900"), .debit("r2", "bank", "900"),
                as: """
                    14 Posting.unique(reverses): another entity has the same values
                    Posting r2
                    self.reverses = p1
                    taken_by = r1
                    """)
            #expect(try await values(client, "Posting", "r1")["text"] == "reversal of p1")
            #expect(try await values(client, "Account", "bank")["balance"] == "0.00")
        }
    }

    @Test func accountsKeepTheirLimits() async throws {
        try await withLedger { client in
            try await expectAccepted(
                client, "set_limits", ["account": "bank", "least": "-1000", "most": "500"])
            try await expectRejected(
                client, .post("p1"), .debit("p1", "rent", "1000.01"),
                .credit("p1", "bank", "1000.01"),
                as: """
                    1 not_too_low: the balance of bank would be -1000.01, and may not be below -1000.00
                    Account bank
                    self.balance = 0.00 → -1000.01
                    self.least = -1000.00
                    self.name = bank
                    -1000.01 against -1000.00
                    """)
            try await expectRejected(
                client, .post("p1"), .debit("p1", "bank", "501"), .credit("p1", "fees", "501"),
                as: """
                    1 not_too_high: the balance of bank would be 501.00, and may not be above 500.00
                    Account bank
                    self.balance = 0.00 → 501.00
                    self.most = 500.00
                    self.name = bank
                    501.00 against 500.00
                    """)
            try await expectAccepted(client, "lift_limits", ["account": "bank"])
            try await expectAccepted(
                client, .post("p1"), .debit("p1", "rent", "1000.01"),
                .credit("p1", "bank", "1000.01"))
            let euro = try await values(client, "Currency", "EUR")
            #expect(euro["lowest"] == "-1000.01")
            #expect(euro["highest"] == "1000.01")
            #expect(euro["balance"] == "0.00")

            try await expectRejected(
                client, .call("close", ["account": "rent"]),
                as: """
                    1 closed_is_settled: a closed account has no balance, and this one would have 1000.01
                    Account rent
                    self.closed = false → true
                    self.balance = 1000.01
                    """)
            try await expectAccepted(client, "close", ["account": "fees"])
            try await expectRejected(
                client, .post("p2"), .debit("p2", "fees", "1"), .credit("p2", "bank", "1"),
                as: """
                    1 closed_is_settled: a closed account has no balance, and this one would have 1.00
                    Account fees
                    self.closed = true
                    self.balance = 0.00 → 1.00
                    """)
            let entry: [String: ArgumentValue] = ["posting": "p2", "account": "fees", "amount": 1]
            try await expectRejected(
                client, .post("p2"), .call("debit", entry.merging(["entry": "in"]) { $1 }),
                .call("credit", entry.merging(["entry": "out"]) { $1 }),
                as: """
                    1 closed_for_good: the account fees is closed
                    Account fees
                    oldSelf.closed = true
                    self.entry_count = 0 → 2
                    oldSelf.entry_count = 0
                    self.name = fees
                    """)
        }
    }

    @Test func anExchangeHasEntriesInBothCurrencies() async throws {
        try await withLedger { client in
            try await expectAccepted(
                client, .post("x1"), .credit("x1", "bank", "100"),
                .debit("x1", "exchange", "100"), .credit("x1", "exchange-usd", "108.30"),
                .debit("x1", "bank-usd", "108.30"))
            for currency in ["EUR", "USD"] {
                #expect(try await values(client, "Currency", currency)["balance"] == "0.00")
            }
            #expect(try await values(client, "Currency", "USD")["lowest"] == "-108.30")
            #expect(try await values(client, "Posting", "x1")["entry_count"] == "4")
            try await expectRejected(
                client,
                .call("open", ["account": "other", "currency": "USD", "name": "bank-usd"]),
                as: """
                    14 Account.unique(currency, name): another entity has the same values
                    Account other
                    self.currency = USD
                    self.name = bank-usd
                    taken_by = bank-usd
                    """)
        }
    }

    private func withLedger(_ body: (AtomicStateClient) async throws -> Void) async throws {
        try await withExample("ledger") { _, client in
            try await openLedger(
                client,
                [
                    "EUR": ["rent", "fees", "bank", "bank-2", "exchange"],
                    "USD": ["bank-usd", "exchange-usd"],
                ])
            try await body(client)
        }
    }
}

/// Opens accounts by currency.
func openLedger(_ client: AtomicStateClient, _ accounts: [String: [String]]) async throws {
    for (currency, accounts) in accounts {
        try await expectAccepted(
            client, "add_currency", ["currency": ArgumentValue(currency)])
        for account in accounts.map({ ArgumentValue($0) }) {
            try await expectAccepted(
                client, "open",
                ["account": account, "currency": ArgumentValue(currency), "name": account])
        }
    }
}

extension Transaction.Step {
    static func post(_ posting: String) -> Self {
        .call("post", ["posting": ArgumentValue(posting), "text": "a posting"])
    }

    static func debit(_ posting: String, _ account: String, _ amount: ArgumentValue) -> Self {
        .call("debit", entry(posting, account, amount))
    }

    static func credit(_ posting: String, _ account: String, _ amount: ArgumentValue) -> Self {
        .call("credit", entry(posting, account, amount))
    }

    private static func entry(
        _ posting: String, _ account: String, _ amount: ArgumentValue
    ) -> [String: ArgumentValue] {
        [
            "entry": "\(posting)-\(account)", "posting": ArgumentValue(posting),
            "account": ArgumentValue(account), "amount": amount,
        ]
    }
}
