internal import AtomicStateValues

/// Arithmetic, conversions and functions.
extension RoutineBuilder {
    mutating func negate(_ value: Register, of type: ValueType, onError: Label) -> Register {
        let result = registers(1)
        emit(type == .double ? .negateDouble : .negateInt, a: result, b: value, onError: onError)
        return result
    }

    mutating func calculate(
        _ operation: Expression.ArithmeticOperator, _ left: Register, _ right: Register,
        as type: ValueType, onError: Label
    ) -> Register {
        let result = register(for: type)
        var operand = 0
        if case .time(let kind) = type.form { operand = Int(kind.rawValue) }
        emit(
            opcode(of: operation, on: type), a: result, b: left, c: right, operand: operand,
            onError: onError)
        return result
    }

    private func opcode(
        of operation: Expression.ArithmeticOperator, on type: ValueType
    ) -> Opcode {
        switch (type, operation) {
        case (.string, _), (.bytes, _): .concatenate
        case (.timestamp, .add), (.duration, .add): .addTime
        case (.timestamp, _), (.duration, _): .subtractTime
        case (.double, .add): .addDouble
        case (.double, .subtract): .subtractDouble
        case (.double, .multiply): .multiplyDouble
        case (.double, _): .divideDouble
        case (.uint, .add): .addUInt
        case (.uint, .subtract): .subtractUInt
        case (.uint, .multiply): .multiplyUInt
        case (.uint, .divide): .divideUInt
        case (.uint, .remainder): .remainderUInt
        case (_, .add): .addInt
        case (_, .subtract): .subtractInt
        case (_, .multiply): .multiplyInt
        case (_, .divide): .divideInt
        case (_, .remainder): .remainderInt
        }
    }
}

// MARK: Conversions

extension RoutineBuilder {
    mutating func convert(
        _ value: Register, from source: ValueType, to target: ValueType, onError: Label
    ) -> Register {
        switch (source, target) {
        case _ where source == target, (.string, .bytes), (.uuid, .bytes):
            return value
        case (.bytes, .string):
            return emit(.validateText, value, to: target, onError: onError)
        case (.enumeration(values: let names), .string):
            let result = registers(2)
            emit(
                .pickPair, a: result, b: value, c: constants(names), operand: names.count,
                onError: onError)
            return result
        case (_, .string):
            return format(value, of: source, onError: onError)
        case (.string, _):
            let form = TextForm(target)
            return emit(.parse, value, to: target, operand: Int(form.rawValue), onError: onError)
        case (.int, .timestamp):
            return emit(.timestampFromInt, value, to: target, onError: onError)
        case (.timestamp, .int):
            // The seconds are the first word of a time.
            return value
        case (.int, .double):
            return emit(.doubleFromInt, value, to: target, onError: onError)
        case (.uint, .double):
            return emit(.doubleFromUInt, value, to: target, onError: onError)
        case (.decimal, .double):
            // By way of its digits, so that it is rounded once.
            let text = format(value, of: source, onError: onError)
            return convert(text, from: .string, to: target, onError: onError)
        case (.double, .int):
            return emit(.intFromDouble, value, to: target, onError: onError)
        case (.double, .uint):
            return emit(.uintFromDouble, value, to: target, onError: onError)
        default:
            return rescale(value, from: source, to: target, onError: onError)
        }
    }

    /// Between int, uint and decimals: int and uint count as decimals of scale 0 whose words may have
    /// to change sign. Fraction digits that an int can't hold are cut off.
    private mutating func rescale(
        _ value: Register, from source: ValueType, to target: ValueType, onError: Label
    ) -> Register {
        var value = value
        if source == .uint { value = emit(.convertSign, value, to: .int, onError: onError) }
        // Before digits are cut off: -0.5 is none.
        if target == .uint { value = emit(.convertSign, value, to: .uint, onError: onError) }
        let scaleChange = target.scale - source.scale
        if scaleChange != 0 {
            let factor = constant(powerOfTen(abs(scaleChange)))
            let result = registers(1)
            emit(
                scaleChange > 0 ? .multiplyInt : .divideInt, a: result, b: value, c: factor,
                onError: onError)
            value = result
        }
        return value
    }

    private mutating func format(
        _ value: Register, of type: ValueType, onError: Label
    ) -> Register {
        let result = registers(2)
        emit(
            .format, a: result, b: value, c: Register(type.scale),
            operand: Int(TextForm(type).rawValue), onError: onError)
        return result
    }

    private mutating func emit(
        _ opcode: Opcode, _ value: Register, to type: ValueType, operand: Int = 0, onError: Label
    ) -> Register {
        let result = register(for: type)
        emit(opcode, a: result, b: value, operand: operand, onError: onError)
        return result
    }
}

// MARK: Functions

extension RoutineBuilder {
    mutating func call(
        _ function: Expression.Function, _ operands: [Expression], in bindings: Bindings,
        onError: Label
    ) -> Register {
        let values = operands.flatMap(\.leaves).map {
            compile($0, in: bindings, onError: onError)
        }
        let result = registers(1)
        switch function {
        case .size:
            switch operands[0].kind {
            case .list(let elements):
                emit(.move, a: result, b: constant(Int64(elements.count)))
            default:
                // A text's second register is its byte count.
                let isBytes = operands[0].type == .bytes
                emit(isBytes ? .move : .sizeOfText, a: result, b: values[0] + (isBytes ? 1 : 0))
            }
        case .startsWith: emit(.startsWith, a: result, b: values[0], c: values[1])
        case .endsWith: emit(.endsWith, a: result, b: values[0], c: values[1])
        case .contains: emit(.contains, a: result, b: values[0], c: values[1])
        case .timePart(let part) where operands[0].type == .duration:
            emit(.durationPart, a: result, b: values[0], operand: Int(part.rawValue))
        case .timePart(let part):
            var zone = constant(0 as Int64)
            if values.count > 1 {
                zone = registers(1)
                emit(.zoneOffset, a: zone, b: values[1], onError: onError)
            }
            emit(.timestampPart, a: result, b: values[0], c: zone, operand: Int(part.rawValue))
        }
        return result
    }
}

extension TextForm {
    fileprivate init(_ type: ValueType) {
        switch type {
        case .bool: self = .bool
        case .int: self = .int
        case .uint: self = .uint
        case .double: self = .double
        case .decimal: self = .decimal
        case .timestamp: self = .timestamp
        case .duration: self = .duration
        case .uuid: self = .uuid
        case .string, .bytes, .null, .enumeration, .entity, .list:
            preconditionFailure("the checker admits no such conversion of \(type)")
        }
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
