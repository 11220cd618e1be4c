internal import AtomicStateEngine
internal import AtomicStateProtocol
internal import AtomicStateSchema

/// Checks against the schema. What names a mistake is put together only where there is one: a batch may
/// have tens of thousands of runs.
extension RequestService {
    /// The runs, and the different sequences of steps that their transactions have, in the order in which
    /// they come up.
    func engineRuns(
        _ runs: [RunView]
    ) throws(Status) -> (runs: [TransactionRun], forms: [[TransactionStep]]) {
        guard !runs.isEmpty else {
            throw Status(.invalidArgument, "a batch without runs: expected at least one")
        }
        var forms: [[Step]: Form] = [:]
        var sequences: [[TransactionStep]] = []
        var result: [TransactionRun] = []
        result.reserveCapacity(runs.count)
        for (index, run) in runs.enumerated() {
            let form: Form
            if run.steps.isEmpty {
                form = try operation(of: run, index)
            } else if let known = forms[run.steps] {
                form = known
            } else {
                form = try composition(of: run, index)
                forms[run.steps] = form
                sequences.append(run.steps.map(TransactionStep.init))
            }
            guard forms.count <= ServerLimits.composedFormCountPerBatchMax else {
                throw Status(
                    .resourceExhausted,
                    "run \(index): a batch has transactions of at most "
                        + "\(ServerLimits.composedFormCountPerBatchMax) different sequences of steps"
                )
            }
            result.append(
                TransactionRun(
                    form: form.form, transactionCount: run.transactionCount,
                    arguments: try arguments(of: run, index, form),
                    idempotencyKeys: run.idempotencyKeys))
        }
        return (result, sequences)
    }

    /// What the transactions of a run consist of.
    private struct Form {
        let form: TransactionRun.Form
        let parameters: [Parameter]
        /// Of an operation; empty for steps.
        let name: String

        /// How messages name a run of the form.
        func name(of run: Int) -> String {
            name.isEmpty ? "run \(run)" : "run \(run): \(name)"
        }
    }

    private func composition(of run: RunView, _ index: Int) throws(Status) -> Form {
        let steps = run.steps.map(TransactionStep.init)
        var parameters: [Parameter] = []
        for (place, step) in steps.enumerated() {
            do throws(StepError) {
                parameters += try compiled.schema.operation(of: step, at: "steps[\(place)]")
                    .parameters
            } catch {
                throw Status(.invalidArgument, "run \(index): \(error)")
            }
        }
        return Form(form: .steps(steps), parameters: parameters, name: "")
    }

    private func operation(of run: RunView, _ index: Int) throws(Status) -> Form {
        let operations = compiled.schema.operations
        guard run.operation < operations.count else {
            throw Status(
                .notFound,
                "run \(index): operation \(run.operation): the schema has \(operations.count) "
                    + "operations")
        }
        let operation = operations[Int(run.operation)]
        return Form(
            form: .operation(Int(run.operation)), parameters: operation.parameters,
            name: operation.name)
    }

    private func arguments(
        of run: RunView, _ index: Int, _ form: Form
    ) throws(Status) -> [ArgumentColumn] {
        let parameters = form.parameters
        guard run.columns.count == parameters.count else {
            throw Status(
                .invalidArgument,
                "\(form.name(of: index)) takes \(parameters.count) arguments, found "
                    + "\(run.columns.count)")
        }
        var arguments: [ArgumentColumn] = []
        arguments.reserveCapacity(run.columns.count)
        for (column, parameter) in zip(run.columns, parameters) {
            arguments.append(
                try argument(
                    column, isText: isText(parameter.type), isTime: parameter.type.isTime,
                    name: "\(form.name(of: index)), \(parameter.name)"))
        }
        return arguments
    }

    func lookUp(_ get: DecodedRequest.Get) throws(Status) -> WorkItem.Kind {
        let entities = compiled.schema.entities
        guard get.entity < entities.count else {
            throw Status(
                .notFound,
                "entity type \(get.entity): the schema has \(entities.count) types")
        }
        guard (1...ProtocolLimits.batchTransactionCountMax).contains(get.keys.valueCount) else {
            throw Status(
                .invalidArgument,
                "\(get.keys.valueCount) keys: expected 1 to "
                    + "\(ProtocolLimits.batchTransactionCountMax)")
        }
        let type = entities[Int(get.entity)]
        return .get(
            type: Int(get.entity),
            keys: try argument(
                get.keys, isText: type.keyType.isText, isTime: false, name: "keys of \(type.name)"),
            count: get.keys.valueCount)
    }

    private func isText(_ type: ValueType) -> Bool {
        if case .entity(let index) = type { return compiled.schema.entities[index].keyType.isText }
        if case .text = type.form { return true }
        return false
    }

    private func argument(
        _ column: ColumnView, isText: Bool, isTime: Bool, name: @autoclosure () -> String
    ) throws(Status) -> ArgumentColumn {
        guard isTime || column.nanoseconds.isEmpty else {
            throw Status(.invalidArgument, "\(name()): nanoseconds for what is no time")
        }
        guard column.isText == isText else {
            throw Status(
                .invalidArgument,
                "\(name()): expected \(isText ? "text" : "words"), found "
                    + "\(isText ? "words" : "text")")
        }
        return isText
            ? ArgumentColumn(text: column.text, lengths: column.lengths)
            : ArgumentColumn(
                words: column.words,
                nanoseconds: column.nanoseconds.isEmpty ? nil : column.nanoseconds)
    }
}

extension TransactionStep {
    fileprivate init(_ step: Step) {
        switch step {
        case .operation(let index): self = .operation(index)
        case .create(let entity, let fields): self = .create(type: entity, fields: fields)
        case .update(let entity, let changes, let expectsVersion):
            self = .update(
                type: entity,
                changes: changes.map { FieldChange(field: $0.field, kind: .init($0.kind)) },
                expectsVersion: expectsVersion)
        case .delete(let entity, let expectsVersion):
            self = .delete(type: entity, expectsVersion: expectsVersion)
        }
    }
}

extension TransactionStep.FieldChange.Kind {
    fileprivate init(_ kind: Step.FieldChange.Kind) {
        switch kind {
        case .set: self = .set
        case .add: self = .add
        case .clear: self = .clear
        }
    }
}

extension ValueType {
    fileprivate var isTime: Bool { self == .timestamp || self == .duration }
}
