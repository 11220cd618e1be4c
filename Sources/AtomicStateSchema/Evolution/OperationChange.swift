/// How a call of an operation is made under another schema: to the operation of its name, with the
/// arguments of the parameters' names.
package struct OperationChange: Sendable {
    package struct Argument: Sendable {
        /// The parameter in the old schema, by index.
        package let parameter: Int
        /// The new indices of an enumeration's values, nil for one that is gone. Nil if they are as
        /// they were, and for all other types.
        package let indices: [Int?]?
    }

    /// The operation in the new schema, by index.
    package let operation: Int
    /// By parameter of the new operation.
    package let arguments: [Argument]

    /// - Throws: why a caller of the old operation can't call one of the new schema.
    package init(
        of operation: Operation, from old: Schema, to new: Schema
    ) throws(OperationChangeError) {
        guard let index = new.operations.firstIndex(where: { $0.name == operation.name }) else {
            throw OperationChangeError("the schema has no such operation")
        }
        let parameters = new.operations[index].parameters
        for parameter in operation.parameters
        where !parameters.contains(where: { $0.name == parameter.name }) {
            throw OperationChangeError("it has no parameter \(parameter.name) any more")
        }
        var arguments: [Argument] = []
        for parameter in parameters {
            guard
                let source = operation.parameters.firstIndex(where: { $0.name == parameter.name })
            else { throw OperationChangeError("its parameter \(parameter.name) is new") }
            let indices: [Int?]?
            switch (operation.parameters[source].type, parameter.type) {
            case (.enumeration(let oldValues), .enumeration(let values)):
                indices = oldValues == values ? nil : oldValues.map { values.firstIndex(of: $0) }
            case (.entity(let oldTarget), .entity(let target))
            where old.entities[oldTarget].name == new.entities[target].name
                && old.entities[oldTarget].keyType == new.entities[target].keyType:
                indices = nil
            case (let oldType, let type):
                guard oldType == type, !type.isReference else {
                    throw OperationChangeError(
                        "its parameter \(parameter.name) has another type")
                }
                indices = nil
            }
            arguments.append(Argument(parameter: source, indices: indices))
        }
        self.operation = index
        self.arguments = arguments
    }
}

/// Why an operation can't be called as before.
package struct OperationChangeError: Error, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}

extension ValueType {
    fileprivate var isReference: Bool {
        if case .entity = self { true } else { false }
    }
}
