import AtomicStateProtocol
import AtomicStateSchema
import AtomicStateValues
import HistoryChecker
import ReferenceModel

// Requests as a history has them to requests as they travel, and back from replies. The schemas of the
// histories have no times.

extension History.Exchange {
    var requestBody: RequestBody {
        switch self {
        case .submit(let batch, _):
            .submit(
                batch.runs, isAtomic: batch.isAtomic, timeoutMilliseconds: 0, name: batch.name)
        case .get(let read, _): .get(entity: read.type, keys: Column(read.keys))
        }
    }

    /// The same with what was told.
    ///
    /// - Throws: if the reply is none to this request.
    func answered(with body: ResponseBody) throws -> History.Exchange {
        switch (self, body) {
        case (.submit(let batch, _), .submit(let reply)):
            .submit(batch, try reply.outcomes(transactionCount: batch.transactions.count))
        case (.get(let read, _), .get(let reply)): .get(read, reply.entities)
        default: throw ServerProcess.Failure(description: "\(body) in reply to \(self)")
        }
    }
}

extension History.Batch {
    /// Consecutive transactions of one form share a run, if all or none of them have keys.
    fileprivate var runs: [Run] {
        var runs: [Run] = []
        var first = 0
        for index in 1...transactions.count {
            let isEnd =
                index == transactions.count
                || transactions[index].form != transactions[first].form
                || (transactions[index].key == nil) != (transactions[first].key == nil)
            guard isEnd else { continue }
            runs.append(Run(transactions[first..<index]))
            first = index
        }
        return runs
    }
}

extension Run {
    fileprivate init(_ transactions: ArraySlice<History.Transaction>) {
        let parameters = transactions.first?.arguments.indices ?? 0..<0
        let columns = parameters.map { index in Column(transactions.map { $0.arguments[index] }) }
        switch transactions.first?.form {
        case .operation(let index):
            self.init(
                operation: index, transactionCount: transactions.count, arguments: columns)
        case .steps(let steps):
            self.init(
                steps: steps.map { Step($0) }, transactionCount: transactions.count,
                arguments: columns)
        case nil:
            preconditionFailure("a run has transactions")
        }
        idempotencyKeys = transactions.compactMap(\.key)
    }
}

extension Step {
    fileprivate init(_ step: TransactionStep) {
        self =
            switch step {
            case .operation(let index): .operation(index)
            case .create(let type, let fields): .create(entity: type, fields: fields)
            case .update(let type, let changes, let expectsVersion):
                .update(
                    entity: type, changes: changes.map { FieldChange($0) },
                    expectsVersion: expectsVersion)
            case .delete(let type, let expectsVersion):
                .delete(entity: type, expectsVersion: expectsVersion)
            }
    }
}

extension Step.FieldChange {
    fileprivate init(_ change: TransactionStep.FieldChange) {
        let kind: Kind =
            switch change.kind {
            case .set: .set
            case .add: .add
            case .clear: .clear
            }
        self.init(field: change.field, kind: kind)
    }
}

extension Column {
    fileprivate init(_ arguments: [Argument]) {
        self.init()
        for argument in arguments {
            switch argument {
            case .word(let word): append(word)
            case .bytes(let bytes): append(bytes: bytes)
            case .time, .absent: preconditionFailure("no argument is a time, or absent")
            }
        }
    }

    fileprivate func argument(_ row: Int) -> Argument {
        if !present.isEmpty, !present[row] { return .absent }
        return lengths.isEmpty ? .word(words[row]) : .bytes(Array(parts[row]))
    }
}

extension SubmitReply {
    fileprivate func outcomes(transactionCount: Int) throws -> [History.Outcome] {
        var outcomes: [History.Outcome?] = Array(repeating: nil, count: transactionCount)
        for duplicate in duplicates {
            outcomes[duplicate.index] = .duplicate(sequence: duplicate.sequence)
        }
        for rejection in rejections {
            guard let code = RejectionCode(rawValue: rejection.code) else {
                throw ServerProcess.Failure(description: "rejected with code \(rejection.code)")
            }
            outcomes[rejection.index] = .rejected(
                ModelRejection(
                    code: code, rule: rejection.rule, entityType: rejection.entityType,
                    entityKey: rejection.entityKey))
        }
        let others = outcomes.indices.filter { outcomes[$0] == nil }
        guard acceptedCount == (firstSequence == 0 ? 0 : others.count) else {
            throw ServerProcess.Failure(description: "\(acceptedCount) accepted: \(self)")
        }
        for (index, sequence) in zip(others, firstSequence...) {
            outcomes[index] = firstSequence == 0 ? .notApplied : .accepted(sequence: sequence)
        }
        return outcomes.compactMap { $0 }
    }
}

extension GetReply {
    fileprivate var entities: [EntitySnapshot?] {
        var row = 0
        return found.map { isFound in
            guard isFound else { return nil }
            defer { row += 1 }
            return EntitySnapshot(
                version: versions[row], values: columns.map { $0.argument(row) })
        }
    }
}
