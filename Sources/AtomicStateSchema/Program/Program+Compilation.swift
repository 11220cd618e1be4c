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
        idempotencyKeyRule = rules.add(.idempotencyKey, id: "idempotency_key")
        batchSizeRule = rules.add(.batchSize, id: "batch_size")
        let data = ProgramData(
            schema: schema, layouts: layouts,
            derived: try Self.layOutDerived(schema, layouts, &rules),
            uniqueKeys: Self.layOutUniqueKeys(schema, layouts, &rules),
            invariants: InvariantChecks(schema: schema, rules: &rules))

        var diagnostics: [Diagnostic] = []
        var operations: [TransactionForm] = []
        for (index, operation) in schema.operations.enumerated() {
            let compiler = TransactionCompiler(
                steps: [.init(operation: operation, index: index, form: nil, place: nil)],
                data: data)
            do throws(SchemaError) {
                operations.append(try compiler.compile(rules: &rules))
            } catch {
                diagnostics += error.diagnostics
            }
        }
        guard diagnostics.isEmpty else { throw SchemaError(diagnostics: diagnostics) }
        self.data = data
        self.operations = operations
        var inspections: [Routine] = []
        for (type, entity) in schema.entities.enumerated() {
            inspections.append(
                try Self.compileInspection(
                    of: entity, checks: data.invariants.byType[type], layouts: layouts))
        }
        self.inspections = inspections
        self.rules = rules.descriptions
    }

    /// Compiles a transaction of several steps. Each refers in `rules` to descriptions that are added
    /// to the program's own.
    ///
    /// - Throws: what the schema does not allow, or what is too large.
    package func compose(
        _ steps: [TransactionStep], rules descriptions: inout [RuleDescription]
    ) throws(StepError) -> TransactionForm {
        guard (1...Limits.Transaction.stepCount).contains(steps.count) else {
            throw StepError(
                "\(steps.count) steps: expected 1 to \(Limits.Transaction.stepCount)")
        }
        var parts: [TransactionCompiler.Step] = []
        for (index, step) in steps.enumerated() {
            let place = "steps[\(index)]"
            let operation = try schema.operation(of: step, at: place)
            var declared: Int?
            if case .operation(let index) = step { declared = index }
            parts.append(.init(operation: operation, index: declared, form: step, place: place))
        }
        let argumentCount = parts.reduce(0) { $0 + $1.operation.parameters.count }
        guard argumentCount <= Limits.Transaction.argumentCount else {
            throw StepError(
                "\(argumentCount) arguments: expected at most "
                    + "\(Limits.Transaction.argumentCount)")
        }
        var rules = RuleTable(schema: schema, firstIndex: descriptions.count)
        do throws(SchemaError) {
            let form = try TransactionCompiler(steps: parts, data: data).compile(rules: &rules)
            descriptions += rules.descriptions
            return form
        } catch {
            throw StepError(error.diagnostics.map(\.message).joined(separator: "; "))
        }
    }

    private static func layOutUniqueKeys(
        _ schema: Schema, _ layouts: [RowLayout], _ rules: inout RuleTable
    ) -> [UniqueKeyLayout] {
        var result: [UniqueKeyLayout] = []
        for (type, entity) in schema.entities.enumerated() {
            let layout = layouts[type]
            for (index, key) in entity.uniqueKeys.enumerated() {
                let reads = key.reads(ofType: type, in: schema)
                let bits = key.fields.compactMap { layout.presence(of: .field($0)) }
                result.append(
                    UniqueKeyLayout(
                        type: type, index: index,
                        fields: key.fields.map { field in
                            let form = entity.fields[field].type.form
                            var isText = false
                            if case .text = form { isText = true }
                            return UniqueKeyLayout.Part(
                                offset: layout.fieldOffsets[field], isText: isText,
                                wordCount: entity.fields[field].type.wordCount)
                        },
                        presence: bits.first.map { first in
                            RowLayout.Presence(
                                offset: first.offset, mask: bits.reduce(0) { $0 | $1.mask })
                        },
                        rule: rules.add(
                            .uniqueKey, id: "\(entity.name).\(key.id)", entity: type,
                            observations: rules.observations(of: reads, parameters: [])
                                + [.init(name: "taken_by", type: entity.keyType.valueType)])))
            }
        }
        return result
    }

    private static func layOutDerived(
        _ schema: Schema, _ layouts: [RowLayout], _ rules: inout RuleTable
    ) throws(SchemaError) -> [DerivedLayout] {
        var countOfSource: [Int: Int] = [:]
        var result: [DerivedLayout] = []
        for (holder, index) in schema.derivedInOrderOfDependence {
            let value = schema.entities[holder].derived[index]
            let source = layouts[value.source]
            let (condition, conditionResult) = try compileCondition(value, layouts: layouts)
            result.append(
                DerivedLayout(
                    holder: holder, index: index, source: value.source, function: value.function,
                    valueOffset: layouts[holder].derivedOffsets[index],
                    rootOffset: layouts[holder].rootOffsets[index],
                    wordCount: value.type.wordCount,
                    groupByOffset: source.fieldOffsets[value.groupBy],
                    operandOffset: value.function.operand.map(source.offset),
                    operandPresence: value.function.operand.flatMap(source.presence),
                    settledBit: countOfSource[value.source, default: 0],
                    rule: rules.add(
                        .derived, id: "\(schema.entities[holder].name).\(value.name)",
                        entity: holder),
                    condition: condition, conditionResult: conditionResult))
            countOfSource[value.source, default: 0] += 1
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

extension Schema {
    /// Every derived value of every type, each after those that it is computed from.
    fileprivate var derivedInOrderOfDependence: [(holder: Int, index: Int)] {
        var order: [(holder: Int, index: Int)] = []
        var isPlaced = entities.map { $0.derived.map { _ in false } }
        func place(_ holder: Int, _ index: Int) {
            guard !isPlaced[holder][index] else { return }
            isPlaced[holder][index] = true
            let value = entities[holder].derived[index]
            for input in value.derivedInputs.sorted() { place(value.source, input) }
            order.append((holder, index))
        }
        for (holder, entity) in entities.enumerated() {
            for index in entity.derived.indices { place(holder, index) }
        }
        return order
    }
}

extension UniqueKey {
    /// The fields as they are read of `self`.
    func reads(ofType type: Int, in schema: Schema) -> [Expression] {
        let entity = Expression(.selfEntity, type: .entity(type), location: location)
        return fields.map { field in
            Expression(
                .field(of: entity, field), type: schema.entities[type].fields[field].type,
                location: location)
        }
    }
}
