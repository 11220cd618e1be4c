import AtomicStateProtocol
import Testing

@testable import atomic_state

@Suite struct RejectionExplanationTests {
    @Test func tellsWhatChangedAndTheLimit() {
        let rejection = Rejection(
            index: 0, code: 1, rule: "within_credit", entityType: "Account", entityKey: "1",
            message: "too much",
            observations: [
                .init(name: "self.balance", value: "-80.00", before: "-40.00"),
                .init(name: "self.credit_limit", value: "50.00", before: "50.00"),
                .init(name: "amount", value: "40.00"),
            ], retryCanHelp: true, value: "-80.00", limit: "-50.00")
        #expect(
            rejection.explanation == """
                rejected: too much
                  rule:   within_credit (code 1)
                  entity: Account 1
                  saw:    self.balance = -40.00 → -80.00
                  saw:    self.credit_limit = 50.00
                  saw:    amount = 40.00
                  value:  -80.00
                  limit:  -50.00
                """)
    }

    /// Stored text can't pass for lines of its own, nor command a terminal.
    @Test(arguments: [
        ("a\nb\r\u{1B}[2J\u{0}", "a\\u{a}b\\u{d}\\u{1b}[2J\\u{0}"),
        ("\u{202E}x\u{2028}", "\\u{202e}x\\u{2028}"),
        ("Zoë 👩‍🚀 = 1", "Zoë 👩‍🚀 = 1"),
    ])
    func textsStayWithinTheirLine(text: String, printed: String) {
        #expect(text.printed == printed)
    }

    @Test func leavesOutWhatThereIsNot() {
        let rejection = Rejection(
            index: 0, code: 2, rule: "positive", entityType: "", entityKey: "",
            message: "no", observations: [], retryCanHelp: false)
        #expect(rejection.explanation == "rejected: no\n  rule:   positive (code 2)")
    }
}
