package import AtomicStateSchema

/// The forms of transactions that an engine can carry out: the declared operations, and those of
/// several steps that have come up. Used by the engine's thread alone.
package final class TransactionForms {
    package let program: Program
    /// The declared operations first, as `Schema.operations`.
    package private(set) var forms: [TransactionForm]
    /// What the rejections of all forms refer to.
    package private(set) var rules: [RuleDescription]
    private var indices: [[TransactionStep]: Int] = [:]

    package init(program: Program) {
        self.program = program
        forms = program.operations
        rules = program.rules
    }

    package var composedCount: Int { forms.count - program.operations.count }

    /// The form of a transaction of several steps, compiled when it comes up first.
    ///
    /// - Throws: what the schema does not allow.
    package func index(of steps: [TransactionStep]) throws(StepError) -> Int {
        if let known = indices[steps] { return known }
        forms.append(try program.compose(steps, rules: &rules))
        indices[steps] = forms.count - 1
        return forms.count - 1
    }

    func isKnown(_ steps: [TransactionStep]) -> Bool { indices[steps] != nil }

    func removeComposed() {
        forms.removeLast(composedCount)
        rules.removeLast(rules.count - program.rules.count)
        indices.removeAll()
    }
}

/// Consecutive transactions of one form.
package struct TransactionRun {
    package enum Form {
        /// An index into `Schema.operations`.
        case operation(Int)
        case steps([TransactionStep])
    }

    package let form: Form
    package let transactionCount: Int
    /// One for each parameter of the form, of the parameter's kind.
    package let arguments: [ArgumentColumn]
    /// Empty, or one for each transaction.
    let keys: KeyColumn

    /// - Parameter idempotencyKeys: empty, or 16 bytes for each transaction.
    package init(
        form: Form, transactionCount: Int, arguments: [ArgumentColumn],
        idempotencyKeys: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
    ) {
        self.form = form
        self.transactionCount = transactionCount
        self.arguments = arguments
        keys = KeyColumn(idempotencyKeys)
    }
}

/// A run that the schema allows, ready to be carried out.
struct PreparedRun {
    /// An index into the engine's forms.
    let form: Int
    let arguments: [ArgumentColumn]
    /// The transactions' places in the batch.
    let indices: Range<Int>
    var keys = KeyColumn()
    /// Nil if nothing is remembered of the run.
    var contents: ContentHashes?

    /// The transactions' keys, if their outcomes are remembered.
    var keyed: KeyedTransactions? {
        keys.isEmpty ? nil : contents.map { KeyedTransactions(keys, $0) }
    }
}
