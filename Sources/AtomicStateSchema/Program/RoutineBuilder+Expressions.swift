/// What the names of an expression stand for.
struct Bindings {
    let layouts: [RowLayout]
    /// The row of `self`.
    var selfRow: Register?
    /// The row of `oldSelf`.
    var oldSelfRow: Register?
    /// By parameter. That of a reference holds the row's address.
    var parameters: [Register] = []
}

extension RoutineBuilder {
    /// Emits code that leaves the expression's value in the register it returns.
    mutating func compile(_ expression: Expression, in bindings: Bindings, onError: Label) -> Register {
        switch expression.kind {
        case .literal(let literal):
            return constant(of: literal)
        case .selfEntity, .oldSelfEntity:
            // As a value the two are one entity; only their members differ.
            return known(bindings.selfRow)
        case .parameter(let index):
            return bindings.parameters[index]
        case .field(of: let entity, let index):
            let layout = layout(of: entity, in: bindings)
            return load(
                expression.type, at: layout.fieldOffsets[index], of: entity, in: bindings,
                onError: onError)
        case .derived(of: let entity, let index):
            let layout = layout(of: entity, in: bindings)
            return load(
                expression.type, at: layout.derivedOffsets[index], of: entity, in: bindings,
                onError: onError)
        case .key(of: let entity):
            return load(
                expression.type, at: RowLayout.keyOffset, of: entity, in: bindings, onError: onError)
        case .and(let left, let right):
            return connect(left, right, decidedBy: false, in: bindings, onError: onError)
        case .or(let left, let right):
            return connect(left, right, decidedBy: true, in: bindings, onError: onError)
        case .not(let operand):
            return emitUnary(.not, operand, in: bindings, onError: onError)
        case .negate(let operand):
            return emitUnary(.negateInt, operand, in: bindings, onError: onError)
        case .arithmetic(let operation, let left, let right):
            let left = compile(left, in: bindings, onError: onError)
            let right = compile(right, in: bindings, onError: onError)
            let result = register(for: expression.type)
            emit(
                opcode(of: operation, on: expression.type), a: result, b: left, c: right,
                onError: onError)
            return result
        case .compare(let comparison, let left, let right):
            let type = left.type
            let left = compile(left, in: bindings, onError: onError)
            let right = compile(right, in: bindings, onError: onError)
            return compare(comparison, left, right, of: type)
        case .conditional(let condition, let then, let otherwise):
            return choose(condition, then, otherwise, in: bindings, onError: onError)
        case .isIn(let element, let list):
            return find(element, in: list, bindings: bindings, onError: onError)
        case .convert(let operand):
            let value = compile(operand, in: bindings, onError: onError)
            return convert(value, from: operand.type, to: expression.type, onError: onError)
        case .call(let function, let arguments):
            let operands = arguments.map { compile($0, in: bindings, onError: onError) }
            return call(function, operands)
        }
    }

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

    private mutating func constant(of literal: Literal) -> Register {
        switch literal {
        case .bool(let value): constant(value ? 1 : 0 as UInt64)
        case .int(let value), .decimal(unscaled: let value): constant(value)
        case .uint(let value): constant(value)
        case .enumeration(let index): constant(UInt64(index))
        case .string(let text): constant(text)
        }
    }

    private mutating func load(
        _ type: ValueType, at offset: Int, of entity: Expression, in bindings: Bindings, onError: Label
    ) -> Register {
        let row: Register
        if case .oldSelfEntity = entity.kind {
            row = known(bindings.oldSelfRow)
        } else {
            row = compile(entity, in: bindings, onError: onError)
        }
        let result = register(for: type)
        emit(type == .string ? .loadText : .load, a: result, b: row, operand: offset)
        return result
    }

    private mutating func emitUnary(
        _ opcode: Opcode, _ operand: Expression, in bindings: Bindings, onError: Label
    ) -> Register {
        let value = compile(operand, in: bindings, onError: onError)
        let result = registers(1)
        emit(opcode, a: result, b: value, onError: opcode == .not ? nil : onError)
        return result
    }

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
        let move: Opcode = then.type == .string ? .moveText : .move
        let elseLabel = label()
        let end = label()
        let condition = compile(condition, in: bindings, onError: onError)
        jump(.jumpIfFalse, a: condition, to: elseLabel)
        emit(move, a: result, b: compile(then, in: bindings, onError: onError))
        jump(.jump, to: end)
        place(elseLabel)
        emit(move, a: result, b: compile(otherwise, in: bindings, onError: onError))
        place(end)
        return result
    }

    private mutating func find(
        _ element: Expression, in list: [Expression], bindings: Bindings, onError: Label
    ) -> Register {
        let result = registers(1)
        let found = label()
        let end = label()
        let value = compile(element, in: bindings, onError: onError)
        let candidates = list.map { compile($0, in: bindings, onError: onError) }
        for candidate in candidates {
            jump(
                .jumpIfTrue, a: compare(.equal, value, candidate, of: element.type), to: found)
        }
        emit(.move, a: result, b: constant(0 as UInt64))
        jump(.jump, to: end)
        place(found)
        emit(.move, a: result, b: constant(1 as UInt64))
        place(end)
        return result
    }

    private mutating func compare(
        _ comparison: Expression.ComparisonOperator, _ left: Register, _ right: Register,
        of type: ValueType
    ) -> Register {
        let isText = type == .string
        let isSigned: Bool
        switch type {
        case .int, .decimal: isSigned = true
        case .bool, .uint, .string, .enumeration, .entity, .list: isSigned = false
        }
        let less: Opcode = isText ? .lessText : isSigned ? .lessInt : .lessUInt
        let lessOrEqual: Opcode =
            isText ? .lessOrEqualText : isSigned ? .lessOrEqualInt : .lessOrEqualUInt
        let result = registers(1)
        switch comparison {
        case .equal:
            emit(isText ? .equalText : .equal, a: result, b: left, c: right)
        case .notEqual where isText:
            emit(.equalText, a: result, b: left, c: right)
            emit(.not, a: result, b: result)
        case .notEqual:
            emit(.notEqual, a: result, b: left, c: right)
        case .less:
            emit(less, a: result, b: left, c: right)
        case .lessOrEqual:
            emit(lessOrEqual, a: result, b: left, c: right)
        case .greater:
            emit(less, a: result, b: right, c: left)
        case .greaterOrEqual:
            emit(lessOrEqual, a: result, b: right, c: left)
        }
        return result
    }

    private func opcode(
        of operation: Expression.ArithmeticOperator, on type: ValueType
    ) -> Opcode {
        if type == .string { return .concatenate }
        let isUnsigned = type == .uint
        switch operation {
        case .add: return isUnsigned ? .addUInt : .addInt
        case .subtract: return isUnsigned ? .subtractUInt : .subtractInt
        case .multiply: return isUnsigned ? .multiplyUInt : .multiplyInt
        case .divide: return isUnsigned ? .divideUInt : .divideInt
        case .remainder: return isUnsigned ? .remainderUInt : .remainderInt
        }
    }

    /// Between int, uint and decimals. int and uint count as decimals of scale 0 whose words may have
    /// to change sign.
    private mutating func convert(
        _ value: Register, from source: ValueType, to target: ValueType, onError: Label
    ) -> Register {
        var value = value
        if (source == .uint) != (target == .uint) && source == .uint {
            value = emitConversion(.convertSign, value, onError: onError)
        }
        let scaleChange = target.scale - source.scale
        if scaleChange > 0 {
            value = emitConversion(
                .multiplyInt, value, constant(powerOfTen(scaleChange)), onError: onError)
        } else if scaleChange < 0 {
            value = emitConversion(
                .divideExactly, value, constant(powerOfTen(-scaleChange)), onError: onError)
        }
        if (source == .uint) != (target == .uint) && target == .uint {
            value = emitConversion(.convertSign, value, onError: onError)
        }
        return value
    }

    private mutating func emitConversion(
        _ opcode: Opcode, _ value: Register, _ operand: Register = 0, onError: Label
    ) -> Register {
        let result = registers(1)
        emit(opcode, a: result, b: value, c: operand, onError: onError)
        return result
    }

    private mutating func call(
        _ function: Expression.Function, _ operands: [Register]
    ) -> Register {
        let result = registers(1)
        switch function {
        case .size: emit(.sizeOfText, a: result, b: operands[0])
        case .startsWith: emit(.startsWith, a: result, b: operands[0], c: operands[1])
        case .endsWith: emit(.endsWith, a: result, b: operands[0], c: operands[1])
        case .contains: emit(.contains, a: result, b: operands[0], c: operands[1])
        }
        return result
    }
}

extension ValueType {
    /// The fraction digits of a number; 0 for every type but decimal.
    fileprivate var scale: Int {
        if case .decimal(let scale) = self { scale } else { 0 }
    }
}

private func powerOfTen(_ exponent: Int) -> Int64 {
    (0..<exponent).reduce(1) { power, _ in power * 10 }
}
