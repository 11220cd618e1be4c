import AtomicStateSchema
import AtomicStateValues
import HistoryChecker
import ReferenceModel

/// A server made of the reference model, that can be told to be a bad one.
struct SimulatedServer {
    enum Fault: CaseIterable {
        /// After a kill, what was acknowledged last is gone.
        case losesAcknowledged
        /// Reads show what was a while ago.
        case readsStale
        /// Reads show one entity after a transaction and another one before it.
        case readsTorn
        /// A batch that comes again is carried out again.
        case forgetsNames
        case forgetsKeys
        /// A rejection leaves what came before it in an atomic batch.
        case keepsHalves
        /// Invariants are not judged.
        case acceptsAnything
        /// A transaction is told to be rejected and carried out nevertheless.
        case appliesRejected
    }

    private(set) var model: ReferenceModel
    let fault: Fault?
    /// How often the fault made a difference.
    private(set) var faultCount = 0
    private var past: [ReferenceModel] = []
    private var names: [BatchName: [History.Outcome]] = [:]
    private var keys: [IdempotencyKey: History.Outcome] = [:]

    init(schema: Schema, fault: Fault? = nil) {
        model = ReferenceModel(schema: schema)
        self.fault = fault
    }

    mutating func kill() {
        guard fault == .losesAcknowledged, let before = past.dropLast(3).last else { return }
        if before.sequence < model.sequence { faultCount += 1 }
        model = before
    }

    mutating func get(_ read: History.Read) -> [EntitySnapshot?] {
        let found = read.keys.map { model.snapshot(ofType: read.type, key: $0) }
        var told = found
        let stale = past.suffix(20).first ?? model
        for (index, key) in read.keys.enumerated()
        where fault == .readsStale || fault == .readsTorn && !index.isMultiple(of: 2) {
            told[index] = stale.snapshot(ofType: read.type, key: key)
        }
        if told != found { faultCount += 1 }
        return told
    }

    mutating func submit(_ batch: History.Batch) -> [History.Outcome] {
        if let name = batch.name, let outcomes = names[name] {
            guard fault == .forgetsNames else { return outcomes }
            faultCount += 1
        }
        past.append(model)
        let outcomes = batch.isAtomic ? submitAtomic(batch) : batch.transactions.map { submit($0) }
        if let name = batch.name { names[name] = outcomes }
        return outcomes
    }

    private mutating func submit(_ transaction: History.Transaction) -> History.Outcome {
        if let key = transaction.key, let known = keys[key] {
            guard case .accepted(let sequence) = known else { return known }
            if fault != .forgetsKeys { return .duplicate(sequence: sequence) }
            faultCount += 1
        }
        let outcome = execute(transaction)
        if let key = transaction.key { keys[key] = outcome }
        return outcome
    }

    private mutating func execute(_ transaction: History.Transaction) -> History.Outcome {
        let before = model
        let rejection = model.execute(transaction.form, arguments: transaction.arguments)
        guard let rejection else { return .accepted(sequence: model.sequence) }
        guard fault == .acceptsAnything || fault == .appliesRejected,
            rejection.code == .invariantViolated
        else { return .rejected(rejection) }
        var careless = before.under(before.schema.withoutInvariants)
        guard careless.execute(transaction.form, arguments: transaction.arguments) == nil else {
            return .rejected(rejection)
        }
        faultCount += 1
        model = careless.under(before.schema)
        if fault == .acceptsAnything { return .accepted(sequence: model.sequence) }
        return .rejected(rejection)
    }

    private mutating func submitAtomic(_ batch: History.Batch) -> [History.Outcome] {
        let before = model
        var outcomes: [History.Outcome] = []
        for transaction in batch.transactions {
            let rejection = model.execute(transaction.form, arguments: transaction.arguments)
            if let rejection {
                if fault == .keepsHalves, model.sequence > before.sequence {
                    faultCount += 1
                } else {
                    model = before
                }
                let told = History.Outcome.rejected(rejection)
                if let key = transaction.key { keys[key] = told }
                let place = outcomes.count
                return batch.transactions.indices.map { $0 == place ? told : .notApplied }
            }
            outcomes.append(.accepted(sequence: model.sequence))
        }
        for (transaction, outcome) in zip(batch.transactions, outcomes) {
            if let key = transaction.key { keys[key] = outcome }
        }
        return outcomes
    }
}

extension Schema {
    var withoutInvariants: Schema {
        var schema = self
        for index in schema.entities.indices { schema.entities[index].invariants = [] }
        schema.transactionInvariants = []
        return schema
    }
}
