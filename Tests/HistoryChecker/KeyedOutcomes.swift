import AtomicStateSchema
import AtomicStateValues
import ReferenceModel

/// What idempotency keys tell of a history.
struct KeyedOutcomes {
    /// The keys of the sequences that were told of duplicates.
    private var sequenceKeys: [UInt64: IdempotencyKey] = [:]
    /// The sequences that keys stand for.
    private(set) var keySequences: [IdempotencyKey: UInt64] = [:]
    private var rejected: Set<IdempotencyKey> = []
    /// The keys of rejections that have a position. Wherever such a transaction comes again, it is told the
    /// same without being judged; so it is enough that one of its operations has a state that explains it.
    private var judged: Set<IdempotencyKey> = []

    init(_ operations: [LogicalOperation]) {
        for operation in operations {
            if operation.completed == nil { judged.formUnion(operation.keys) }
            for item in operation.items {
                switch item {
                case .accepted(let transaction, let sequence):
                    if let key = transaction.key { keySequences[key] = sequence }
                case .duplicate(let key, let sequence):
                    guard let key else { continue }
                    keySequences[key] = sequence
                    sequenceKeys[sequence] = key
                case .rejected(let transaction, let rejection):
                    noteRejection(rejection, of: transaction)
                case .turnedBack(let transactions, let index, let rejection):
                    noteRejection(rejection, of: transactions[index])
                case .read:
                    continue
                }
            }
        }
    }

    private mutating func noteRejection(
        _ rejection: ModelRejection, of transaction: History.Transaction
    ) {
        if let key = transaction.key, !rejection.code.isAboutKey { rejected.insert(key) }
    }

    func isRejected(_ key: IdempotencyKey?) -> Bool {
        key.map { rejected.contains($0) } ?? false
    }

    /// Whether an accepted transaction with the key, if it has one, can have the sequence.
    func allows(_ sequence: UInt64, for key: IdempotencyKey?) -> Bool {
        if let told = sequenceKeys[sequence], told != key { return false }
        guard let key else { return true }
        return keySequences[key] ?? sequence == sequence
    }

    /// Whether a rejected transaction with the key may have been judged elsewhere. One of an operation
    /// without a known outcome may have been.
    func isJudged(_ key: IdempotencyKey?) -> Bool {
        key.map { judged.contains($0) } ?? false
    }

    mutating func noteJudgement(_ key: IdempotencyKey?) {
        if let key { judged.insert(key) }
    }
}

extension LogicalOperation {
    fileprivate var keys: [IdempotencyKey] { batch?.transactions.compactMap(\.key) ?? [] }
}
