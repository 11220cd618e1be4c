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

    @Test func leavesOutWhatThereIsNot() {
        let rejection = Rejection(
            index: 0, code: 2, rule: "positive", entityType: "", entityKey: "",
            message: "no", observations: [], retryCanHelp: false)
        #expect(rejection.explanation == "rejected: no\n  rule:   positive (code 2)")
    }
}
