/// Comparisons, and what is made of them: membership and the equality of lists.
extension RoutineBuilder {
    mutating func compare(
        _ comparison: Expression.ComparisonOperator, _ left: Expression, _ right: Expression,
        in bindings: Bindings, onError: Label
    ) -> Register {
        if case .list = left.type {
            return compareLists(comparison, left, right, in: bindings, onError: onError)
        }
        let leftValue = compile(left, in: bindings, onError: onError)
        let rightValue = compile(right, in: bindings, onError: onError)
        return compare(comparison, leftValue, left.type, rightValue, right.type)
    }

    private mutating func compare(
        _ comparison: Expression.ComparisonOperator, _ left: Register, _ leftType: ValueType,
        _ right: Register, _ rightType: ValueType
    ) -> Register {
        let result = registers(1)
        if leftType != rightType, let leftNumber = leftType.number,
            let rightNumber = rightType.number
        {
            let operand = NumberComparison(leftNumber, comparison, rightNumber).operand
            emit(.compareNumbers, a: result, b: left, c: right, operand: operand)
            return result
        }
        let opcodes = ComparisonOpcodes(leftType)
        switch comparison {
        case .equal:
            emit(opcodes.equal, a: result, b: left, c: right)
        case .notEqual where opcodes.equal == .equal:
            emit(.notEqual, a: result, b: left, c: right)
        case .notEqual:
            emit(opcodes.equal, a: result, b: left, c: right)
            emit(.not, a: result, b: result)
        case .less:
            emit(opcodes.less, a: result, b: left, c: right)
        case .lessOrEqual:
            emit(opcodes.lessOrEqual, a: result, b: left, c: right)
        case .greater:
            emit(opcodes.less, a: result, b: right, c: left)
        case .greaterOrEqual:
            emit(opcodes.lessOrEqual, a: result, b: right, c: left)
        }
        return result
    }

    mutating func find(
        _ element: Expression, in list: [Expression], bindings: Bindings, onError: Label
    ) -> Register {
        let result = registers(1)
        let found = label()
        let end = label()
        let value = compile(element, in: bindings, onError: onError)
        // A list is complete before it is searched, so that an error in it is one of the rule.
        let candidates = list.map { compile($0, in: bindings, onError: onError) }
        for (candidate, member) in zip(candidates, list) {
            jump(
                .jumpIfTrue, a: compare(.equal, value, element.type, candidate, member.type),
                to: found)
        }
        emit(.move, a: result, b: constant(0 as UInt64))
        jump(.jump, to: end)
        place(found)
        emit(.move, a: result, b: constant(1 as UInt64))
        place(end)
        return result
    }

    /// `==` and `!=`. Lists of another shape differ, whatever is in them.
    private mutating func compareLists(
        _ comparison: Expression.ComparisonOperator, _ left: Expression, _ right: Expression,
        in bindings: Bindings, onError: Label
    ) -> Register {
        let isEqual = registers(1)
        let end = label()
        let leftLeaves = left.leaves
        let rightLeaves = right.leaves
        let leftValues = leftLeaves.map { compile($0, in: bindings, onError: onError) }
        let rightValues = rightLeaves.map { compile($0, in: bindings, onError: onError) }
        emit(.move, a: isEqual, b: constant(left.hasShape(of: right) ? 1 : 0 as UInt64))
        if left.hasShape(of: right) {
            for index in leftLeaves.indices {
                let areEqual = compare(
                    .equal, leftValues[index], leftLeaves[index].type, rightValues[index],
                    rightLeaves[index].type)
                emit(.move, a: isEqual, b: areEqual)
                jump(.jumpIfFalse, a: isEqual, to: end)
            }
        }
        place(end)
        guard comparison == .notEqual else { return isEqual }
        let result = registers(1)
        emit(.not, a: result, b: isEqual)
        return result
    }

    /// `elements[index]`. All of the list is evaluated, as CEL has it.
    mutating func pick(
        _ index: Expression, from elements: [Expression], in bindings: Bindings, onError: Label
    ) -> Register {
        let type = elements[0].type
        let values = elements.map { compile($0, in: bindings, onError: onError) }
        let position = compile(index, in: bindings, onError: onError)
        let result = register(for: type)
        var width = 2
        if case .word = type.form { width = 1 }
        let first = registers(values.count * width)
        for (place, value) in values.enumerated() {
            move(value, to: first + Register(place * width), of: type)
        }
        emit(
            width == 1 ? .pick : .pickPair, a: result, b: position, c: first, operand: values.count,
            onError: onError)
        return result
    }
}

/// The instructions that compare two values of one type.
private struct ComparisonOpcodes {
    let equal: Opcode
    let less: Opcode
    let lessOrEqual: Opcode

    init(_ type: ValueType) {
        switch type {
        case .int, .decimal:
            (equal, less, lessOrEqual) = (.equal, .lessInt, .lessOrEqualInt)
        case .double:
            (equal, less, lessOrEqual) = (.equalDouble, .lessDouble, .lessOrEqualDouble)
        case .string, .bytes, .uuid:
            (equal, less, lessOrEqual) = (.equalText, .lessText, .lessOrEqualText)
        case .timestamp, .duration:
            (equal, less, lessOrEqual) = (.equalTime, .lessTime, .lessOrEqualTime)
        case .bool, .uint, .null, .enumeration, .entity, .list:
            (equal, less, lessOrEqual) = (.equal, .lessUInt, .lessOrEqualUInt)
        }
    }
}

extension ValueType {
    fileprivate var number: NumberComparison.Number? {
        switch self {
        case .int: .int
        case .uint: .uint
        case .double: .double
        default: nil
        }
    }
}

extension Expression {
    /// The values in a list and in the lists in it; any other expression itself.
    package var leaves: [Expression] {
        if case .list(let elements) = kind { elements.flatMap(\.leaves) } else { [self] }
    }

    fileprivate func hasShape(of other: Expression) -> Bool {
        switch (kind, other.kind) {
        case (.list(let elements), .list(let others)):
            elements.count == others.count
                && zip(elements, others).allSatisfy { $0.hasShape(of: $1) }
        case (.list, _), (_, .list): false
        default: true
        }
    }
}
