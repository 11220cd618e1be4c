package import AtomicStateSchema
import AtomicStateValues
import ReferenceModel

/// Transactions and reads at random, about few entities, so that clients get in each other's way. Some
/// transactions are rejected, for many reasons.
package struct Workload: Sendable {
    package enum Example: String, CaseIterable, Sendable { case bank, seats }

    package let schema: Schema
    private let example: Example

    /// - Parameter schema: that of the example.
    package init(_ example: Example, _ schema: Schema) {
        self.example = example
        self.schema = schema
    }

    /// What is done first, and is accepted.
    package var beginning: [History.Transaction] {
        switch example {
        case .bank:
            (1...5).map { call("open", .word($0), "owner", .int($0 == 1 ? 200 : 0)) }
                + (1...5).map { call("deposit", .word($0), 100) }
        case .seats:
            [call("found", "acme", 14), call("found", "bolt", 9)]
                + zip(Self.teams, 0...).map { team, number in
                    let org = number.isMultiple(of: 2) ? "acme" : "bolt"
                    return call(
                        "add_team", .text(team), .text(org), .text(team),
                        number < 3 ? 1 : 0, number < 3 ? 4 : 1)
                }
        }
    }

    /// A read of every entity that there may be, for the end.
    package var reads: [History.Read] {
        switch example {
        case .bank: [History.Read(type: 0, keys: (1...6).map { .word($0) })]
        case .seats:
            [
                History.Read(type: 0, keys: Self.organizations.map { .text($0) }),
                History.Read(type: 1, keys: (Self.teams + ["g"]).map { .text($0) }),
            ]
        }
    }

    package func read(_ random: inout some RandomNumberGenerator) -> History.Read {
        var read = reads[Int.random(in: reads.indices, using: &random)]
        let count = Int.random(in: 1...read.keys.count, using: &random)
        read.keys = Array(read.keys.shuffled(using: &random).prefix(count))
        return read
    }

    package func transaction(_ random: inout some RandomNumberGenerator) -> History.Transaction {
        switch example {
        case .bank: bankTransaction(&random)
        case .seats: seatsTransaction(&random)
        }
    }

    private func call(_ name: String, _ arguments: Argument...) -> History.Transaction {
        History.Transaction(form: .operation(operation(name)), arguments: arguments)
    }

    private func operation(_ name: String) -> Int {
        guard let index = schema.operations.firstIndex(where: { $0.name == name }) else {
            preconditionFailure("\(schema.name) has no operation \(name)")
        }
        return index
    }

    // MARK: Bank

    private func bankTransaction(
        _ random: inout some RandomNumberGenerator
    ) -> History.Transaction {
        func account() -> Argument { .word(UInt64.random(in: 1...5, using: &random)) }
        let amount = Argument.int(Int64.random(in: 0...90, using: &random))
        switch Int.random(in: 0..<20, using: &random) {
        case 0...9: return call("transfer", account(), account(), amount)
        case 10...11: return call("deposit", account(), amount)
        case 12...14: return call("withdraw", account(), amount)
        case 15: return call("set_credit_limit", account(), amount)
        // One account comes and goes.
        case 16: return call("open", 6, "six", 0)
        case 17: return call("close", 6)
        case 18: return call("transfer", account(), 6, amount)
        default:
            let transfer = TransactionStep.operation(operation("transfer"))
            return History.Transaction(
                form: .steps([transfer, transfer]),
                arguments: [account(), account(), amount, account(), account(), amount])
        }
    }

    // MARK: Seats

    private static let organizations = ["acme", "bolt"]
    private static let teams = ["a", "b", "c", "d", "e", "f"]

    private func seatsTransaction(
        _ random: inout some RandomNumberGenerator
    ) -> History.Transaction {
        func pick(_ names: [String]) -> Argument {
            .text(names[Int.random(in: names.indices, using: &random)])
        }
        let count = Argument.int(Int64.random(in: 0...3, using: &random))
        let team = pick(Self.teams)
        switch Int.random(in: 0..<20, using: &random) {
        case 0...6: return call("transfer_seats", team, pick(Self.teams), count)
        case 7...9: return call("add_seats", team, count)
        case 10: return call("upgrade", team)
        case 11: return call("buy_seats", pick(Self.organizations), count)
        case 12...13: return call("return_seats", pick(Self.organizations), count)
        case 14: return call("upgrade_with_seats", team, count)
        case 15: return call("drop_team", team)
        case 16...17:
            return call("add_team", team, pick(Self.organizations), pick(Self.teams), 0, count)
        case 18: return call("add_team", "g", pick(Self.organizations), "g", 1, count)
        default:
            // One less here and one more there, whatever teams these are.
            let seats = schema.entities[1].fields.firstIndex { $0.name == "seats" } ?? 0
            let change = TransactionStep.FieldChange(field: seats, kind: .add)
            let update = TransactionStep.update(type: 1, changes: [change], expectsVersion: false)
            return History.Transaction(
                form: .steps([update, update]), arguments: [team, -1, pick(Self.teams), 1])
        }
    }
}
