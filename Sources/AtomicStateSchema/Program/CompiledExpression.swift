/// An expression that stands alone, over variables instead of entities: for trying the rule language
/// out, and for testing it.
package struct CompiledExpression: Sendable {
    package struct Variable: Sendable {
        package let name: String
        package let type: ValueType

        package init(name: String, type: ValueType) {
            self.name = name
            self.type = type
        }
    }

    /// The checked expression. Its type may be a list's.
    package let expression: Expression
    /// Its parameters are the variables, in order.
    package let routine: Routine
    /// Where the routine leaves the value, or the values in a list.
    package let results: [Register]

    package init(_ text: String, variables: [Variable] = []) throws(SchemaError) {
        let log = DiagnosticLog()
        let scope = Scope.operation(parameters: variables.map { ($0.name, $0.type) })
        let checker = Checker(catalog: Catalog(entities: []), log: log, scope: scope)
        let checked = log.reporting { () throws(Diagnostic) in
            try SyntaxParser.expression(LocatedText(source: text))
        }.flatMap(checker.check)
        if let error = log.error { throw error }
        guard let checked else { preconditionFailure("a rule was dropped without a diagnostic") }
        expression = checked

        var builder = RoutineBuilder()
        var bindings = Bindings(layouts: [])
        var parameters: [ParameterSlot] = []
        for variable in variables {
            let register = builder.register(for: variable.type)
            bindings.parameters.append(register)
            parameters.append(
                ParameterSlot(kind: .init(variable.type), register: register, rule: 0))
        }
        let failed = builder.label()
        results = checked.leaves.map { builder.compile($0, in: bindings, onError: failed) }
        builder.emit(.accept)
        builder.place(failed)
        builder.emit(.rejectError)
        routine = try builder.finish("the expression", checked.location, parameters: parameters)
    }
}

extension ParameterSlot.Kind {
    /// How a variable of the type is passed.
    fileprivate init(_ type: ValueType) {
        switch type {
        case .bool: self = .bounded(1)
        case .string: self = .text(byteCountMax: Limits.Value.stringByteCount)
        case .bytes: self = .bytes(byteCountMax: Limits.Value.stringByteCount)
        case .uuid: self = .uuid
        case .timestamp: self = .time(.timestamp)
        case .duration: self = .time(.duration)
        case .int, .uint, .decimal, .double, .null: self = .word
        case .enumeration(values: let values): self = .bounded(UInt64(values.count - 1))
        case .entity, .list: preconditionFailure("a variable is a scalar")
        }
    }
}
