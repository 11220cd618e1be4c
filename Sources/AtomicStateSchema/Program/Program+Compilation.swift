extension Program {
    /// Compiles a checked schema. The work and the size of the result are bounded by the schema's
    /// limits.
    ///
    /// - Throws: which operations and types have more rules than a routine can hold.
    package init(compiling schema: Schema) throws(SchemaError) {
        let referredTo = Set(
            schema.entities.flatMap(\.fields).compactMap { field -> Int? in
                if case .entity(let target) = field.type { target } else { nil }
            })
        let layouts = schema.entities.indices.map {
            RowLayout(of: schema.entities[$0], isReferredTo: referredTo.contains($0))
        }
        var rules = RuleTable(schema: schema)
        let derived = try Self.layOutDerived(schema, layouts, &rules)
        let checks = InvariantChecks(schema: schema, rules: &rules)

        var diagnostics: [Diagnostic] = []
        var operations: [Routine] = []
        for operation in schema.operations {
            let compiler = OperationCompiler(
                operation: operation, schema: schema, layouts: layouts, derived: derived,
                checks: checks)
            do throws(SchemaError) {
                operations.append(try compiler.compile(rules: &rules))
            } catch {
                diagnostics += error.diagnostics
            }
        }
        guard diagnostics.isEmpty else { throw SchemaError(diagnostics: diagnostics) }
        self.schema = schema
        self.layouts = layouts
        self.derived = derived
        self.operations = operations
        var inspections: [Routine] = []
        for (type, entity) in schema.entities.enumerated() {
            inspections.append(
                try Self.compileInspection(
                    of: entity, checks: checks.byType[type], layouts: layouts))
        }
        self.inspections = inspections
        self.rules = rules.descriptions
    }

    private static func layOutDerived(
        _ schema: Schema, _ layouts: [RowLayout], _ rules: inout RuleTable
    ) throws(SchemaError) -> [DerivedLayout] {
        var totalsOfSource: [Int: Int] = [:]
        var result: [DerivedLayout] = []
        for (holder, entity) in schema.entities.enumerated() {
            for (index, total) in entity.derived.enumerated() {
                let source = layouts[total.source]
                let summandOffset: Int?
                switch total.function {
                case .sum(field: let field): summandOffset = source.fieldOffsets[field]
                case .count: summandOffset = nil
                }
                let (condition, conditionResult) = try compileCondition(total, layouts: layouts)
                result.append(
                    DerivedLayout(
                        holder: holder, index: index, source: total.source,
                        totalOffset: layouts[holder].derivedOffsets[index],
                        groupByOffset: source.fieldOffsets[total.groupBy],
                        summandOffset: summandOffset,
                        settledBit: totalsOfSource[total.source, default: 0],
                        rule: rules.add(
                            .derived, id: "\(entity.name).\(total.name)", entity: holder),
                        condition: condition, conditionResult: conditionResult))
                totalsOfSource[total.source, default: 0] += 1
            }
        }
        return result
    }

    private static func compileCondition(
        _ total: DerivedValue, layouts: [RowLayout]
    ) throws(SchemaError) -> (Routine?, Register) {
        guard let condition = total.condition else { return (nil, 0) }
        var builder = RoutineBuilder()
        let row = builder.registers(1)
        let failed = builder.label()
        let result = builder.compile(
            condition, in: Bindings(layouts: layouts, selfRow: row), onError: failed)
        builder.emit(.accept)
        builder.place(failed)
        builder.emit(.rejectError)
        return (try builder.finish("total '\(total.name)'", total.location), result)
    }

    private static func compileInspection(
        of type: EntityType, checks: [RuleCheck], layouts: [RowLayout]
    ) throws(SchemaError) -> Routine {
        var builder = RoutineBuilder()
        let row = builder.registers(1)
        for check in checks where !check.readsOldSelf {
            check.emit(on: row, oldRow: nil, layouts: layouts, into: &builder)
        }
        builder.emit(.accept)
        builder.emitFailureBlocks()
        return try builder.finish("entity '\(type.name)'", type.location)
    }
}
