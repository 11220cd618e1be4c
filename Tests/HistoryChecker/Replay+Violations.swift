import ReferenceModel

/// What is said of a history that has no order, and of what in it.
extension Replay {
    mutating func reportGap(before sequence: UInt64) {
        report(
            .sequenceMissing,
            [places[position], places[sequence]].compactMap { $0?.operation },
            "nothing explains the sequences from \(position + 1) to \(sequence - 1)")
    }

    /// Reports what should have a position before the operation's next sequence, and places it, so that
    /// more can be found. Returns whether there is anything more to find.
    mutating func reportOpen(before operation: Int) -> Bool {
        guard operation >= admitted else {
            reportUnexplained(operation, upTo: nil)
            return true
        }
        let open = byCompletion[completion]
        if let sequence = nextItem(of: open)?.sequence {
            report(
                .realTime, [open, operation],
                "the first was answered before the second was sent; their sequences are \(sequence) and \(position + 1)"
            )
            return false
        }
        reportUnexplained(open, upTo: operation)
        return true
    }

    /// - Parameter next: has the next sequence, and was sent after the operation was answered.
    private mutating func reportUnexplained(_ operation: Int, upTo next: Int?) {
        guard let item = nextItem(of: operation) else { return }
        let from = searchedFrom[operation]
        // What bounds it from below: of what was answered before, that with the greatest position.
        let before = byCompletion[..<completion].reversed().filter {
            (operations[$0].completed ?? .max) < operations[operation].invoked
        }.max { searchedFrom[$0] < searchedFrom[$1] }
        let place = from == position ? "at \(from)" : "from \(from) to \(position)"
        var kind = Violation.Kind.rejectionUnexplained
        if case .read = item { kind = .readUnexplained }
        report(
            kind, [before, operation, next].compactMap { $0 },
            "\(told(item)), which no state explains \(place); \(expected(item)) at \(position)")
        skipItem(of: operation)
    }

    private func told(_ item: Item) -> String {
        switch item {
        case .accepted(_, let sequence), .duplicate(_, let sequence): "sequence \(sequence)"
        case .rejected(let transaction, let rejection):
            "\(transaction.description(in: schema)), \(rejection.text)"
        case .turnedBack(_, let index, let rejection):
            "an atomic batch turned back by transaction \(index), \(rejection.text)"
        case .read(let read, let entities):
            History.Exchange.get(read, entities).description(in: schema)
        }
    }

    private func expected(_ item: Item) -> String {
        var trial = model
        switch item {
        case .accepted, .duplicate:
            return "nothing has it"
        case .rejected(let transaction, _):
            let found = trial.execute(transaction.form, arguments: transaction.arguments)
            return found.map { "\($0.text)" } ?? "accepted"
        case .turnedBack(let transactions, _, _):
            let found = trial.execute(transactions.map(\.executed), isAtomic: true)
            return found.first.map { "transaction \($0), \($1.text)" } ?? "accepted"
        case .read(let read, _):
            let entities = read.keys.map { model.snapshot(ofType: read.type, key: $0) }
            return History.Exchange.get(read, entities).description(in: schema)
        }
    }

    /// Reports what has no position although all sequences are carried out.
    mutating func end() -> [Violation] {
        if completion < byCompletion.count, violations.isEmpty, let found = explainByMore() {
            return found
        }
        while completion < byCompletion.count, violations.count < Self.violationCountMax {
            reportUnexplained(byCompletion[completion], upTo: nil)
        }
        return violations
    }
}
