import AtomicStateSchema
import AtomicStateValues
import HistoryChecker
import ReferenceModel

/// A history that is written down by hand. Operation 0 is what it begins with.
struct Script {
    let schema: Schema
    private(set) var history = History()

    /// Accounts 1 and 2 without credit, of which 1 has 100. The next sequence is 4.
    static func bank() throws -> Script {
        var script = Script(schema: try Workload(.bank).schema)
        script.submit(
            0...1, [script.open(1), script.open(2), script.deposit(1, 100)],
            [.accepted(sequence: 1), .accepted(sequence: 2), .accepted(sequence: 3)])
        return script
    }

    /// An organization with 10 seats, of which its two teams use 1 each. The next sequence is 4.
    static func seats() throws -> Script {
        var script = Script(schema: try Workload(.seats).schema)
        script.submit(
            0...1,
            [
                script.call("found", "acme", 10), script.call("add_team", "a", "acme", "a", 1, 1),
                script.call("add_team", "b", "acme", "b", 1, 1),
            ],
            [.accepted(sequence: 1), .accepted(sequence: 2), .accepted(sequence: 3)])
        return script
    }

    private init(schema: Schema) { self.schema = schema }

    // MARK: Transactions

    func open(_ account: UInt64) -> History.Transaction {
        call("open", .word(account), "", 0)
    }

    func deposit(_ account: UInt64, _ amount: Int64, key: UInt64? = nil) -> History.Transaction {
        call("deposit", .word(account), .int(amount), key: key)
    }

    func withdraw(_ account: UInt64, _ amount: Int64, key: UInt64? = nil) -> History.Transaction {
        call("withdraw", .word(account), .int(amount), key: key)
    }

    func transfer(_ from: UInt64, _ to: UInt64, _ amount: Int64) -> History.Transaction {
        call("transfer", .word(from), .word(to), .int(amount))
    }

    func call(_ name: String, _ arguments: Argument..., key: UInt64? = nil) -> History.Transaction {
        guard let operation = schema.operations.firstIndex(where: { $0.name == name }) else {
            preconditionFailure("no operation \(name)")
        }
        return History.Transaction(
            form: .operation(operation), arguments: arguments,
            key: key.map { IdempotencyKey(milliseconds: 1, high: 0, low: $0) })
    }

    static func overdrawn(_ account: Int) -> History.Outcome {
        .rejected(
            ModelRejection(
                code: .invariantViolated, rule: "within_credit", entityType: "Account",
                entityKey: "\(account)"))
    }

    static func account(_ balance: Int64, version: UInt64) -> EntitySnapshot {
        EntitySnapshot(version: version, values: ["", .int(balance), 0])
    }

    // MARK: Operations

    /// - Parameters:
    ///   - times: when it was sent and answered.
    ///   - name: the number of the batch's name.
    mutating func submit(
        _ times: ClosedRange<UInt64>, _ transactions: [History.Transaction],
        _ outcomes: [History.Outcome], isAtomic: Bool = false, name: UInt64? = nil
    ) {
        let batch = History.Batch(
            transactions: transactions, isAtomic: isAtomic,
            name: name.map { BatchName(producer: 1, number: $0, sentMilliseconds: 1) })
        append(times.lowerBound, times.upperBound, .submit(batch, outcomes))
    }

    /// One without an answer.
    mutating func submit(
        at time: UInt64, _ transactions: [History.Transaction], isAtomic: Bool = false,
        name: UInt64? = nil
    ) {
        submit(time...time, transactions, [], isAtomic: isAtomic, name: name)
        history.operations[history.operations.count - 1].completed = nil
    }

    mutating func get(
        _ times: ClosedRange<UInt64>, _ accounts: [UInt64], _ told: [EntitySnapshot?]
    ) {
        let read = History.Read(type: 0, keys: accounts.map { .word($0) })
        append(times.lowerBound, times.upperBound, .get(read, told))
    }

    mutating func getAnsweredBefore(
        _ time: UInt64, _ accounts: [UInt64], _ told: [EntitySnapshot?]
    ) {
        get(time...time, accounts, told)
        history.operations[history.operations.count - 1].completed = time - 1
    }

    private mutating func append(
        _ invoked: UInt64, _ completed: UInt64, _ exchange: History.Exchange
    ) {
        history.operations.append(
            History.Operation(client: 1, invoked: invoked, completed: completed, exchange))
    }
}
