/// How a transaction is submitted under another schema: with the operations, types and fields of the
/// same names, and the arguments of the parameters of the same names.
package struct TransactionChange: Sendable {
    package struct Argument: Sendable {
        /// The parameter of the old transaction, by index.
        package let parameter: Int
        /// The new indices of an enumeration's values, nil for one that is gone. Nil if they are as
        /// they were, and for all other types.
        package let indices: [Int?]?
    }

    /// Under the new schema.
    package let steps: [TransactionStep]
    /// By parameter of the new steps, one after the other.
    package let arguments: [Argument]

    /// - Parameter steps: under the old schema; a call of an operation is a step alone.
    /// - Throws: why a client of the old schema can't submit it.
    package init(
        of steps: [TransactionStep], from old: Schema, to new: Schema
    ) throws(TransactionChangeError) {
        var newSteps: [TransactionStep] = []
        var arguments: [Argument] = []
        var parameterCount = 0
        for step in steps {
            let newStep = try Self.counterpart(of: step, from: old, to: new)
            let (oldParameters, newParameters): ([Parameter], [Parameter])
            do throws(StepError) {
                oldParameters = try old.operation(of: step, at: "it").parameters
                newParameters = try new.operation(of: newStep, at: "it").parameters
            } catch {
                throw TransactionChangeError(error.description)
            }
            let sources: [Int]
            if case .operation = step {
                sources = try Self.sources(of: newParameters, among: oldParameters)
            } else {
                // The arguments of a generic step are in the order of its fields.
                sources = Array(newParameters.indices)
            }
            for (parameter, source) in zip(newParameters, sources) {
                arguments.append(
                    Argument(
                        parameter: parameterCount + source,
                        indices: try Self.indices(
                            oldParameters[source], parameter, from: old, to: new)))
            }
            newSteps.append(newStep)
            parameterCount += oldParameters.count
        }
        self.steps = newSteps
        self.arguments = arguments
    }

    private static func counterpart(
        of step: TransactionStep, from old: Schema, to new: Schema
    ) throws(TransactionChangeError) -> TransactionStep {
        func type(_ index: Int) throws(TransactionChangeError) -> Int {
            let name = old.entities[index].name
            return try place(of: name, in: new.entities.map(\.name), "type")
        }
        func field(_ index: Int, of type: Int) throws(TransactionChangeError) -> Int {
            let name = old.entities[type].fields[index].name
            let newType = try place(
                of: old.entities[type].name, in: new.entities.map(\.name), "type")
            return try place(of: name, in: new.entities[newType].fields.map(\.name), "field")
        }
        switch step {
        case .operation(let index):
            return .operation(
                try place(
                    of: old.operations[index].name, in: new.operations.map(\.name), "operation"))
        case .create(let index, let fields):
            var newFields: [Int] = []
            for number in fields { newFields.append(try field(number, of: index)) }
            return .create(type: try type(index), fields: newFields)
        case .update(let index, let changes, let expectsVersion):
            var newChanges: [TransactionStep.FieldChange] = []
            for change in changes {
                newChanges.append(
                    TransactionStep.FieldChange(
                        field: try field(change.field, of: index), kind: change.kind))
            }
            return .update(
                type: try type(index), changes: newChanges, expectsVersion: expectsVersion)
        case .delete(let index, let expectsVersion):
            return .delete(type: try type(index), expectsVersion: expectsVersion)
        }
    }

    private static func place(
        of name: String, in names: [String], _ kind: String
    ) throws(TransactionChangeError) -> Int {
        guard let index = names.firstIndex(of: name) else {
            throw TransactionChangeError("the schema has no \(kind) \(name)")
        }
        return index
    }

    private static func sources(
        of parameters: [Parameter], among oldParameters: [Parameter]
    ) throws(TransactionChangeError) -> [Int] {
        for parameter in oldParameters
        where !parameters.contains(where: { $0.name == parameter.name }) {
            throw TransactionChangeError("it has no parameter \(parameter.name) any more")
        }
        var sources: [Int] = []
        for parameter in parameters {
            guard let source = oldParameters.firstIndex(where: { $0.name == parameter.name }) else {
                throw TransactionChangeError("its parameter \(parameter.name) is new")
            }
            sources.append(source)
        }
        return sources
    }

    private static func indices(
        _ oldParameter: Parameter, _ parameter: Parameter, from old: Schema, to new: Schema
    ) throws(TransactionChangeError) -> [Int?]? {
        switch (oldParameter.type, parameter.type) {
        case (.enumeration(let oldValues), .enumeration(let values)):
            return oldValues == values ? nil : oldValues.map { values.firstIndex(of: $0) }
        case (.entity(let oldTarget), .entity(let target)):
            let (oldType, type) = (old.entities[oldTarget], new.entities[target])
            if oldType.name == type.name && oldType.keyType == type.keyType { return nil }
        case (let oldType, let type):
            if oldType == type { return nil }
        }
        throw TransactionChangeError("its parameter \(parameter.name) has another type")
    }
}

/// Why a transaction can't be submitted as before.
package struct TransactionChangeError: Error, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
