internal import AtomicStateValues

/// What effects do to rows.
extension TransactionCompiler {
    mutating func emit(_ effect: Effect, id: String, _ rules: inout RuleTable) {
        if case .expectVersion(entity: let entity, version: let version) = effect.kind {
            expect(version, of: entity, id: id, &rules)
            return
        }
        let failed = errorLabel(rule: rules.add(.effect, id: id))
        switch effect.kind {
        case .assign(entity: let entity, field: let field, value: let value):
            let target = target(.update, entity, onError: failed)
            let type = targets[target].type
            let row = targets[target].row
            builder.emit(.touch, a: row, operand: type, onError: failed)
            targets[target].fields.insert(field)
            guard let (opcode, change) = value.changeInPlace(of: entity, field),
                layouts[type].presence(of: .field(field)) == nil
            else {
                store(value, in: field, of: row, type: type, onError: failed)
                return
            }
            let register = builder.compile(change, in: bindings, onError: failed)
            builder.emit(
                opcode, a: row, b: register, operand: layouts[type].fieldOffsets[field],
                onError: failed)
        case .create(entity: let type, key: let key, values: let values):
            let keyRegister = builder.compile(key, in: bindings, onError: failed)
            let row = builder.registers(1)
            let keyType = schema.entities[type].keyType.valueType
            let rule = rules.add(
                .effect, id: id,
                observations: [.init(name: "\(schema.entities[type].name).key", type: keyType)])
            builder.emit(
                .create, a: row, b: keyRegister, operand: type,
                onError: errorLabel(rule: rule, observing: .values([(keyRegister, keyType)])))
            for (field, value) in values.enumerated() where value.type != .null {
                // A new row's fields have no value yet.
                store(value, in: field, of: row, type: type, onError: failed)
            }
            targets.append(
                Target(
                    kind: .create, type: type, row: row, keyParameter: parameterIndex(key),
                    fields: Set(values.indices), origin: origin))
        case .delete(entity: let entity):
            let target = target(.delete, entity, onError: failed)
            builder.emit(
                .delete, a: targets[target].row, operand: targets[target].type, onError: failed)
        case .expectVersion:
            preconditionFailure("emitted above")
        }
    }

    private mutating func expect(
        _ version: Expression, of entity: Expression, id: String, _ rules: inout RuleTable
    ) {
        guard case .entity(let type) = entity.type, let row = bindings.row(of: entity),
            case .parameter(let index) = version.kind
        else { preconditionFailure("a version is expected by two parameters") }
        let expected = bindings.parameters[index]
        let found = builder.registers(1)
        let rule = rules.add(
            .effect, id: id, entity: type,
            observations: ["version", "expected"].map { .init(name: $0, type: .uint) })
        builder.emit(.load, a: found, b: row, operand: RowLayout.versionOffset)
        builder.emit(
            .checkVersion, a: row, b: expected,
            onError: errorLabel(
                rule: rule, entity: row, observing: .values([(found, .uint), (expected, .uint)])))
    }

    /// The target for the entity: the one of an earlier effect on the same parameter, or a new one.
    private mutating func target(
        _ kind: WriteTarget.Kind, _ entity: Expression, onError: RoutineBuilder.Label
    ) -> Int {
        let row = builder.compile(entity, in: bindings, onError: onError)
        if let known = targets.firstIndex(where: { $0.kind == kind && $0.row == row }) {
            return known
        }
        guard case .entity(let type) = entity.type else {
            preconditionFailure("the checker admits effects on entities only")
        }
        targets.append(
            Target(
                kind: kind, type: type, row: row, keyParameter: parameterIndex(entity), fields: [],
                origin: origin))
        return targets.count - 1
    }

    private func parameterIndex(_ expression: Expression) -> Int? {
        if case .parameter(let index) = expression.kind { firstParameter + index } else { nil }
    }

    private mutating func store(
        _ value: Expression, in field: Int, of row: Register, type: Int,
        onError: RoutineBuilder.Label
    ) {
        let fieldType = schema.entities[type].fields[field].type
        guard let presence = layouts[type].presence(of: .field(field)) else {
            storeValue(value, in: field, of: row, type: type, onError: onError)
            return
        }
        let isAbsent = value.type == .null
        let value = isAbsent ? fieldType.empty(at: value.location) : value
        storeValue(value, in: field, of: row, type: type, onError: onError)
        builder.emit(
            isAbsent ? .markAbsent : .markPresent, a: row,
            c: Register(presence.bit), operand: presence.offset)
    }

    private mutating func storeValue(
        _ value: Expression, in field: Int, of row: Register, type: Int,
        onError: RoutineBuilder.Label
    ) {
        let value = builder.compile(value, in: bindings, onError: onError)
        let offset = layouts[type].fieldOffsets[field]
        switch schema.entities[type].fields[field].type {
        case .string, .bytes, .uuid:
            let limit =
                schema.entities[type].fields[field].maximumByteCount ?? UUIDValue.byteCount
            builder.emit(
                .storeText, a: row, b: value, c: Register(limit), operand: offset, onError: onError)
        case .timestamp, .duration:
            builder.emit(.storePair, a: row, b: value, operand: offset)
        case .entity(let target):
            guard let counter = layouts[target].referenceCountOffset else {
                preconditionFailure("a type that is referred to has a reference count")
            }
            builder.emit(
                .storeReference, a: row, b: value, c: Register(counter), operand: offset,
                onError: onError)
        case .bool, .int, .uint, .double, .decimal, .null, .enumeration, .list:
            builder.emit(.store, a: row, b: value, operand: offset)
        }
    }
}

extension Expression {
    /// For the field's own value with an int added or subtracted: which of the two, and the int.
    fileprivate func changeInPlace(
        of entity: Expression, _ field: Int
    ) -> (opcode: Opcode, change: Expression)? {
        guard case .arithmetic(let operation, let present, let change) = kind,
            case .field(of: let owner, field) = present.kind,
            case .parameter(let parameter) = owner.kind,
            case .parameter(parameter) = entity.kind
        else { return nil }
        switch (operation, type) {
        case (.add, .int), (.add, .decimal): return (.addIntToField, change)
        case (.subtract, .int), (.subtract, .decimal): return (.subtractIntFromField, change)
        default: return nil
        }
    }
}

extension ValueType {
    /// What a field without a value holds.
    fileprivate func empty(at location: SourceLocation) -> Expression {
        let literal: Literal =
            switch form {
            case .word: .uint(0)
            case .text: .bytes([])
            case .time: .time(TimeValue(seconds: 0, nanoseconds: 0))
            }
        return Expression(.literal(literal), type: self, location: location)
    }
}
