import AtomicStateSchema
import AtomicStateValues

/// Doubles, bytes, times and lists.
extension ModelScope {
    /// A sum, difference and so on of values that are no exact numbers; nil for those that are.
    static func scalarResult(
        _ operation: Expression.ArithmeticOperator, _ left: ModelValue, _ right: ModelValue,
        as type: ValueType
    ) throws(RejectionCode) -> ModelValue? {
        switch (left, right) {
        case (.double(let left), .double(let right)):
            switch operation {
            case .add: return .double(left + right)
            case .subtract: return .double(left - right)
            case .multiply: return .double(left * right)
            case .divide, .remainder: return .double(left / right)
            }
        case (.bytes(let left), .bytes(let right)):
            guard left.count + right.count <= 65_535 else { throw .textTooLong }
            return .bytes(left + right)
        case (.time(let left), .time(let right)):
            let billion: Int128 = 1_000_000_000
            let change = Int128(right.seconds) * billion + Int128(right.nanoseconds)
            var sum = Int128(left.seconds) * billion + Int128(left.nanoseconds)
            if case .subtract = operation { sum -= change } else { sum += change }
            let remainder = (sum % billion + billion) % billion
            let value = TimeValue(
                seconds: Int64((sum - remainder) / billion), nanoseconds: Int64(remainder))
            let kind: TimeKind = type == .timestamp ? .timestamp : .duration
            guard kind.contains(value) else { throw .arithmeticOverflow }
            return .time(value)
        default:
            return nil
        }
    }

    /// How numbers compare of which one at least is a double; nil for others.
    static func order(_ left: ModelValue, _ right: ModelValue) -> NumberOrder? {
        switch (left, right) {
        case (.double(let left), .double(let right)):
            return left < right
                ? .less : left > right ? .greater : left == right ? .equal : .unordered
        case (.double(let left), .number), (.double(let left), .unsigned):
            return NumberOrder(left, right.exact)
        case (.number, .double(let right)), (.unsigned, .double(let right)):
            return NumberOrder(right, left.exact).reversed
        case (.number, .unsigned), (.unsigned, .number):
            return left.exact < right.exact ? .less : left.exact > right.exact ? .greater : .equal
        default:
            return nil
        }
    }

    static func holds(_ comparison: Expression.ComparisonOperator, _ order: NumberOrder) -> Bool {
        switch comparison {
        case .equal: order == .equal
        case .notEqual: order != .equal
        case .less: order == .less
        case .lessOrEqual: order == .less || order == .equal
        case .greater: order == .greater
        case .greaterOrEqual: order == .greater || order == .equal
        }
    }

    /// The conversions that go by other ways than exact numbers; nil for those that do not.
    static func scalarConversion(
        _ value: ModelValue, from source: ValueType, to target: ValueType
    ) throws(RejectionCode) -> ModelValue? {
        if source == target { return value }
        switch (value, target) {
        case (.double(let value), .int):
            guard value > -0x1p63, value < 0x1p63 else { throw .conversionFailed }
            return .number(Int64(value))
        case (.double(let value), .uint):
            guard value >= 0, value < 0x1p64 else { throw .conversionFailed }
            return .unsigned(UInt64(value))
        case (.number(let value), .double) where source == .int: return .double(Double(value))
        case (.unsigned(let value), .double): return .double(Double(value))
        case (.number(let value), .timestamp):
            let time = TimeValue(seconds: value, nanoseconds: 0)
            guard TimeKind.timestamp.contains(time) else { throw .conversionFailed }
            return .time(time)
        case (.time(let value), .int): return .number(value.seconds)
        case (.number(let value), .string) where source == .int:
            return .text(Array("\(value)".unicodeScalars))
        case (.unsigned(let value), .string): return .text(Array("\(value)".unicodeScalars))
        case (.bool(let value), .string): return .text(Array("\(value)".unicodeScalars))
        case (.text(let text), .bytes): return .bytes(Array(text.string.utf8))
        case (.bytes(let bytes), .bytes): return .bytes(bytes)
        case (.text(let text), .int):
            guard let number = Int64(text.string) else { throw .conversionFailed }
            return .number(number)
        case (.bytes(let bytes), .string) where source == .bytes:
            let text = String(decoding: bytes, as: UTF8.self)
            guard Array(text.utf8) == bytes else { throw .conversionFailed }
            return .text(Array(text.unicodeScalars))
        default: return nil
        }
    }

    /// A call with operands that are not all strings.
    static func call(
        _ function: Expression.Function, _ operands: [Expression], _ values: [ModelValue]
    ) throws(RejectionCode) -> ModelValue {
        switch (function, values.first) {
        case (.size, _) where operands[0].isList:
            if case .list(let elements) = operands[0].kind { return .number(Int64(elements.count)) }
            preconditionFailure("a list is written out")
        case (.size, .bytes(let bytes)): return .number(Int64(bytes.count))
        case (.timePart(let part), .time(let value)) where operands[0].type == .duration:
            return .number(part.value(ofDuration: value))
        case (.timePart(let part), .time(let value)):
            var offset: Int64 = 0
            if values.count > 1 {
                guard let zone = TimeZoneOffset.seconds(values[1].scalars.string) else {
                    throw .conversionFailed
                }
                offset = zone
            }
            return .number(part.value(ofTimestamp: value, zoneOffset: offset))
        default:
            preconditionFailure("the checker admits no such call")
        }
    }

    /// Whether two lists are equal; all of both is evaluated first.
    func compareLists(_ left: Expression, _ right: Expression) throws(RejectionCode) -> Bool {
        var leftValues: [ModelValue] = []
        for leaf in left.leaves { leftValues.append(try evaluate(leaf)) }
        var rightValues: [ModelValue] = []
        for leaf in right.leaves { rightValues.append(try evaluate(leaf)) }
        return left.shape == right.shape && leftValues == rightValues
    }
}

enum NumberOrder {
    case less, equal, greater, unordered

    /// How a double compares with an integer, exactly.
    init(_ value: Double, _ integer: Int128) {
        if value.isNaN {
            self = .unordered
        } else if value.magnitude >= 0x1p100 {
            self = value < 0 ? .less : .greater
        } else {
            let whole = Int128(value.rounded(.down))
            let hasFraction = value != value.rounded(.down)
            self = whole < integer ? .less : whole > integer || hasFraction ? .greater : .equal
        }
    }

    var reversed: NumberOrder {
        switch self {
        case .less: .greater
        case .greater: .less
        case .equal, .unordered: self
        }
    }
}

extension Expression {
    var isList: Bool { if case .list = type { true } else { false } }

    /// The lengths of a list and the lists in it.
    fileprivate var shape: String {
        guard case .list(let elements) = kind else { return "." }
        return "[" + elements.map(\.shape).joined() + "]"
    }
}
