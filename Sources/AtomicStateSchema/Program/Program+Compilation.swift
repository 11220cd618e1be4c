extension Program {
    /// Compiles a checked schema. The work and the size of the result are bounded by the schema's
    /// limits.
    package init(compiling schema: Schema) {
        let referredTo = Set(
            schema.entities.flatMap(\.fields).compactMap { field -> Int? in
                if case .entity(let target) = field.type { target } else { nil }
            })
        let layouts = schema.entities.indices.map {
            RowLayout(of: schema.entities[$0], isReferredTo: referredTo.contains($0))
        }
        var rules = RuleTable(schema: schema)
        let derived = Self.layOutDerived(schema, layouts, &rules)
        let checks = InvariantChecks(schema: schema, rules: &rules)

        var operations: [Routine] = []
        for operation in schema.operations {
            let compiler = OperationCompiler(
                operation: operation, schema: schema, layouts: layouts, derived: derived,
                checks: checks)
            operations.append(compiler.compile(rules: &rules))
        }
        self.schema = schema
        self.layouts = layouts
        self.derived = derived
        self.operations = operations
        inspections = schema.entities.indices.map {
            Self.compileInspection(of: $0, layouts: layouts, checks: checks)
        }
        self.rules = rules.descriptions
    }

    private static func layOutDerived(
        _ schema: Schema, _ layouts: [RowLayout], _ rules: inout RuleTable
    ) -> [DerivedLayout] {
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
                let (condition, conditionResult) = compileCondition(total, layouts: layouts)
                result.append(
                    DerivedLayout(
                        holder: holder, index: index, source: total.source,
                        totalOffset: layouts[holder].derivedOffsets[index],
                        groupByOffset: source.fieldOffsets[total.groupBy],
                        summandOffset: summandOffset,
                        settledBit: totalsOfSource[total.source, default: 0],
                        rule: rules.add(.derived, id: "\(entity.name).\(total.name)", entity: holder),
                        condition: condition, conditionResult: conditionResult))
                totalsOfSource[total.source, default: 0] += 1
            }
        }
        return result
    }

    private static func compileCondition(
        _ total: DerivedValue, layouts: [RowLayout]
    ) -> (Routine?, Register) {
        guard let condition = total.condition else { return (nil, 0) }
        var builder = RoutineBuilder()
        let row = builder.registers(1)
        let failed = builder.label()
        let result = builder.compile(
            condition, in: Bindings(layouts: layouts, selfRow: row), onError: failed)
        builder.emit(.accept)
        builder.place(failed)
        builder.emit(.rejectError)
        return (builder.finish(), result)
    }

    private static func compileInspection(
        of type: Int, layouts: [RowLayout], checks: InvariantChecks
    ) -> Routine {
        var builder = RoutineBuilder()
        let row = builder.registers(1)
        for check in checks.byType[type] where !check.readsOldSelf {
            check.emit(on: row, oldRow: nil, layouts: layouts, into: &builder)
        }
        builder.emit(.accept)
        builder.emitFailureBlocks()
        return builder.finish()
    }
}
