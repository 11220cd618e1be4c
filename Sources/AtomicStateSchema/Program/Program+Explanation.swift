/// What an operation does, as far as it can be told when the schema is loaded.
package struct OperationExplanation: Sendable {
    package let name: String
    /// What is judged before its effects.
    package let requirements: [String]
    /// The invariants and unique keys that it can break, which are all that is judged after it.
    package let rules: [String]
    /// The members that it reads, in its own rules, effects and those that are judged, as `Team.seats`.
    package let reads: [String]
    /// The fields that it writes.
    package let writes: [String]
    /// The derived values that follow.
    package let derived: [String]
    /// The most instructions of the flat program that one call takes.
    package let instructionCountMax: Int
    /// The most rows that one call changes, those with derived values included.
    package let rowCountMax: Int
}

extension Program {
    /// Explains every operation, in the order of the schema.
    package var explanations: [OperationExplanation] {
        zip(schema.operations, operations).map(explain)
    }

    private func explain(
        _ operation: Operation, _ form: TransactionForm
    ) -> OperationExplanation {
        let targets = form.routine.targets
        let changedKeys = uniqueKeys.filter { key in
            targets.contains { target in
                target.type == key.type && target.kind != .delete
                    && schema.entities[key.type].uniqueKeys[key.index].fields.contains(
                        where: target.fields.contains)
            }
        }
        let judged = form.judgedRules.filter { rules[$0].kind != .requirement }
        let checks = data.invariants.byType.joined() + data.invariants.ofTransactions
        let expressions =
            operation.requirements.map(\.rule) + operation.effects.flatMap(\.expressions)
            + checks.filter { judged.contains($0.index) }.map(\.rule)
        let derivedNames = form.settledValues.map { index in
            let value = derived[index]
            let holder = schema.entities[value.holder]
            return "\(holder.name).\(holder.derived[value.index].name)"
        }
        return OperationExplanation(
            name: operation.name, requirements: operation.requirements.map(\.id),
            rules: judged.map(name) + changedKeys.map { name($0.rule) },
            reads: unique(expressions.flatMap { $0.memberNames(in: schema) }).sorted(),
            writes: unique(targets.flatMap(writes)),
            derived: derivedNames, instructionCountMax: form.routine.longestPath,
            rowCountMax: form.rowCountMax)
    }

    private func name(_ rule: Int) -> String {
        let description = rules[rule]
        switch description.kind {
        case .invariant:
            guard let type = description.entity else { return description.id }
            return "\(schema.entities[type].name).\(description.id)"
        case .transactionInvariant: return "transaction \(description.id)"
        case .requirement, .parameter, .effect, .derived, .uniqueKey, .idempotencyKey,
            .batchSize:
            return description.id
        }
    }

    private func writes(_ target: WriteTarget) -> [String] {
        let type = schema.entities[target.type]
        switch target.kind {
        case .create: return ["new \(type.name)"]
        case .delete: return ["deleted \(type.name)"]
        case .update: return target.fields.map { "\(type.name).\(type.fields[$0].name)" }
        }
    }

    private func unique(_ names: [String]) -> [String] {
        var seen: Set<String> = []
        return names.filter { seen.insert($0).inserted }
    }
}

extension Effect {
    fileprivate var expressions: [Expression] {
        switch kind {
        case .assign(entity: let entity, field: _, value: let value): [entity, value]
        case .create(entity: _, key: let key, values: let values): [key] + values
        case .delete(entity: let entity): [entity]
        case .expectVersion(entity: let entity, version: let version): [entity, version]
        }
    }
}

extension Routine {
    /// The most instructions from the start to an end. Control only moves forward, so one look at each
    /// instruction, last first, finds it.
    fileprivate var longestPath: Int {
        var longest = [Int](repeating: 0, count: code.count + 1)
        for (index, step) in code.enumerated().reversed() {
            var next: [Int] = []
            switch step.opcode {
            case .accept, .rejectRule, .rejectError: break
            case .jump: next = [Int(step.operand)]
            case .jumpIfTrue, .jumpIfFalse, .jumpIfEqual, .jumpIfNotEqual, .jumpIfLessInt,
                .jumpIfLessOrEqualInt, .jumpIfLessUInt, .jumpIfLessOrEqualUInt:
                next = [index + 1, Int(step.operand)]
            default: next = [index + 1]
            }
            if step.onError > index { next.append(Int(step.onError)) }
            longest[index] = 1 + (next.map { longest[$0] }.max() ?? 0)
        }
        return longest[0]
    }
}
