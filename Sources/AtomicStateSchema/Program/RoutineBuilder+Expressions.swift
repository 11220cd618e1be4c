internal import AtomicStateValues

/// What the names of an expression stand for.
struct Bindings {
    let layouts: [RowLayout]
    /// The row that members of `self` are read from.
    var selfRow: Register?
    /// The row that `self` is as a value, if it is another one: an image of the row is not the entity.
    var selfIdentity: Register?
    /// The row of `oldSelf`.
    var oldSelfRow: Register?
    /// By parameter. That of a reference holds the row's address.
    var parameters: [Register] = []

    /// The row of an entity that is given, and not reached by a path.
    func row(of entity: Expression) -> Register? {
        switch entity.kind {
        case .selfEntity: selfRow
        case .oldSelfEntity: oldSelfRow
        case .parameter(let index): parameters[index]
        default: nil
        }
    }
}

extension RoutineBuilder {
    /// Emits code that leaves the expression's value in the register it returns, or in that one and
    /// the next.
    mutating func compile(_ expression: Expression, in bindings: Bindings, onError: Label)
        -> Register
    {
        switch expression.kind {
        case .literal(let literal):
            return constant(of: literal)
        case .selfEntity, .oldSelfEntity:
            // As a value the two are one entity; only their members differ.
            return known(bindings.selfIdentity ?? bindings.selfRow)
        case .parameter(let index):
            return bindings.parameters[index]
        case .field(of: let entity, let index):
            return load(
                .field(index), of: entity, expression.type, in: bindings, onError: onError)
        case .has(let member, of: let entity):
            return presence(of: member, entity, in: bindings, onError: onError)
        case .derived(of: let entity, let index):
            return load(
                .derived(index), of: entity, expression.type, in: bindings, onError: onError)
        case .now:
            let result = registers(2)
            emit(.now, a: result)
            return result
        case .delta(entity: let type, let member):
            let result = registers(1)
            emit(
                .delta, a: result, b: member == nil ? 1 : 0, c: Register(type),
                operand: member.map(bindings.layouts[type].offset) ?? 0, onError: onError)
            return result
        case .key(of: let entity):
            let row = row(of: entity, in: bindings, onError: onError)
            return load(expression.type, at: RowLayout.keyOffset, of: row)
        case .and(let left, let right):
            return connect(left, right, decidedBy: false, in: bindings, onError: onError)
        case .or(let left, let right):
            return connect(left, right, decidedBy: true, in: bindings, onError: onError)
        case .not(let operand):
            let value = compile(operand, in: bindings, onError: onError)
            let result = registers(1)
            emit(.not, a: result, b: value)
            return result
        case .negate(let operand):
            let value = compile(operand, in: bindings, onError: onError)
            return negate(value, of: operand.type, onError: onError)
        case .arithmetic(let operation, let left, let right):
            let leftValue = compile(left, in: bindings, onError: onError)
            let rightValue = compile(right, in: bindings, onError: onError)
            return calculate(
                operation, leftValue, rightValue, as: expression.type, onError: onError)
        case .compare(let comparison, let left, let right):
            return compare(comparison, left, right, in: bindings, onError: onError)
        case .conditional(let condition, let then, let otherwise):
            return choose(condition, then, otherwise, in: bindings, onError: onError)
        case .isIn(let element, let list):
            return find(element, in: list, bindings: bindings, onError: onError)
        case .element(of: let elements, let index):
            return pick(index, from: elements, in: bindings, onError: onError)
        case .list:
            preconditionFailure("the checker admits lists only where they are taken apart")
        case .convert(let operand):
            let value = compile(operand, in: bindings, onError: onError)
            return convert(value, from: operand.type, to: expression.type, onError: onError)
        case .call(let function, let operands):
            return call(function, operands, in: bindings, onError: onError)
        }
    }

    /// Copies a value of the type, which takes one register or two.
    mutating func move(_ value: Register, to target: Register, of type: ValueType) {
        switch type.form {
        case .word: emit(.move, a: target, b: value)
        case .text, .time: emit(.movePair, a: target, b: value)
        }
    }

    private mutating func constant(of literal: Literal) -> Register {
        switch literal {
        case .bool(let value): constant(value ? 1 : 0 as UInt64)
        case .int(let value), .decimal(unscaled: let value): constant(value)
        case .uint(let value): constant(value)
        case .double(let text): constant(double(text).bitPattern)
        case .enumeration(let index): constant(UInt64(index))
        case .string(let text): constant(Array(text.utf8))
        case .bytes(let bytes): constant(bytes)
        case .time(let value): constant(value)
        case .null: constant(0 as UInt64)
        }
    }

    private func double(_ text: String) -> Double {
        guard let value = DoubleText.parse(text) else {
            preconditionFailure("the checker admits only text that is a double")
        }
        return value
    }
}

// MARK: Rows

extension RoutineBuilder {
    private func known(_ row: Register?) -> Register {
        guard let row else {
            preconditionFailure("the checker admits an entity only where it is in bindings")
        }
        return row
    }

    private func layout(of entity: Expression, in bindings: Bindings) -> RowLayout {
        guard case .entity(let type) = entity.type else {
            preconditionFailure("the checker admits members of entities only")
        }
        return bindings.layouts[type]
    }

    /// The row that the members of the entity are read from.
    private mutating func row(
        of entity: Expression, in bindings: Bindings, onError: Label
    ) -> Register {
        switch entity.kind {
        case .selfEntity: return known(bindings.selfRow)
        case .oldSelfEntity: return known(bindings.oldSelfRow)
        default: return compile(entity, in: bindings, onError: onError)
        }
    }

    private mutating func load(_ type: ValueType, at offset: Int, of row: Register) -> Register {
        let result = register(for: type)
        switch type.form {
        case .word: emit(.load, a: result, b: row, operand: offset)
        case .text: emit(.loadText, a: result, b: row, operand: offset)
        case .time: emit(.loadPair, a: result, b: row, operand: offset)
        }
        return result
    }

    private mutating func load(
        _ member: Member, of entity: Expression, _ type: ValueType, in bindings: Bindings,
        onError: Label
    ) -> Register {
        let layout = layout(of: entity, in: bindings)
        let row = row(of: entity, in: bindings, onError: onError)
        if let presence = layout.presence(of: member) {
            emit(
                member.isField ? .requirePresent : .requireRoot, b: row, c: Register(presence.bit),
                operand: presence.offset, onError: onError)
        }
        return load(type, at: layout.offset(of: member), of: row)
    }

    private mutating func presence(
        of member: Member, _ entity: Expression, in bindings: Bindings, onError: Label
    ) -> Register {
        guard let presence = layout(of: entity, in: bindings).presence(of: member) else {
            return constant(1 as UInt64)
        }
        let row = row(of: entity, in: bindings, onError: onError)
        let result = registers(1)
        emit(
            member.isField ? .isPresent : .hasRoot, a: result, b: row, c: Register(presence.bit),
            operand: presence.offset)
        return result
    }
}

extension Member {
    fileprivate var isField: Bool {
        if case .field = self { true } else { false }
    }
}

// MARK: Logic

extension RoutineBuilder {
    /// `&&` (decided by false) and `||` (decided by true): a side that decides makes an error of the
    /// other side irrelevant (CEL language definition, "Logical Operators").
    private mutating func connect(
        _ left: Expression, _ right: Expression, decidedBy decisive: Bool, in bindings: Bindings,
        onError: Label
    ) -> Register {
        let result = registers(1)
        let leftFailed = label()
        let decided = label()
        let end = label()
        let jumpIfDecided: Opcode = decisive ? .jumpIfTrue : .jumpIfFalse

        let leftValue = compile(left, in: bindings, onError: leftFailed)
        jump(jumpIfDecided, a: leftValue, to: decided)
        guard isErrorTarget(leftFailed) else {
            place(leftFailed)
            let rightValue = compile(right, in: bindings, onError: onError)
            emit(.move, a: result, b: rightValue)
            jump(.jump, to: end)
            place(decided)
            emit(.move, a: result, b: constant(decisive ? 1 : 0 as UInt64))
            place(end)
            return result
        }
        let leftError = registers(1)
        let judgeRight = label()
        emit(.move, a: leftError, b: constant(0 as UInt64))
        jump(.jump, to: judgeRight)
        place(leftFailed)
        emit(.takeError, a: leftError)
        place(judgeRight)
        let rightValue = compile(right, in: bindings, onError: onError)
        jump(jumpIfDecided, a: rightValue, to: decided)
        let undisturbed = label()
        jump(.jumpIfEqual, a: leftError, b: constant(0 as UInt64), to: undisturbed)
        emit(.raise, a: leftError, onError: onError)
        place(undisturbed)
        emit(.move, a: result, b: constant(decisive ? 0 : 1 as UInt64))
        jump(.jump, to: end)
        place(decided)
        emit(.move, a: result, b: constant(decisive ? 1 : 0 as UInt64))
        place(end)
        return result
    }

    private mutating func choose(
        _ condition: Expression, _ then: Expression, _ otherwise: Expression, in bindings: Bindings,
        onError: Label
    ) -> Register {
        let result = register(for: then.type)
        let elseLabel = label()
        let end = label()
        let condition = compile(condition, in: bindings, onError: onError)
        jump(.jumpIfFalse, a: condition, to: elseLabel)
        move(compile(then, in: bindings, onError: onError), to: result, of: then.type)
        jump(.jump, to: end)
        place(elseLabel)
        move(compile(otherwise, in: bindings, onError: onError), to: result, of: then.type)
        place(end)
        return result
    }
}
