internal import AtomicStateValues

/// What an operator, a conversion or a function makes of values that may be many.
struct Calculated {
    /// Nil if it always fails.
    let range: ValueRange?
    let mayFail: Bool

    init(_ range: ValueRange?, mayFail: Bool = false) {
        self.range = range
        self.mayFail = mayFail
    }

    /// Numbers that fail if the type does not hold them.
    private init(_ numbers: Interval?, in type: ValueType, mayFail: Bool = false) {
        guard let numbers, case .number(let limits) = ValueRange(type) else {
            self.init(nil, mayFail: true)
            return
        }
        self.init(
            numbers.intersection(limits).map { .number($0) },
            mayFail: mayFail || !numbers.isWithin(limits))
    }

    /// Everything that the type allows, or an error.
    private init(anyOf type: ValueType) {
        self.init(ValueRange(type), mayFail: true)
    }
}

// MARK: Arithmetic

extension Calculated {
    init(negating operand: ValueRange, as type: ValueType) {
        guard case .number(let interval) = operand else {
            self.init(ValueRange(type))
            return
        }
        self.init(-interval, in: type)
    }

    init(
        _ operation: Expression.ArithmeticOperator, _ left: ValueRange, _ right: ValueRange,
        as type: ValueType
    ) {
        switch (left, right) {
        case (.number(let left), .number(let right)):
            self.init(operation, left, right, as: type)
        case (.text(let left), .text(let right)):
            let byteCount = left.byteCountMax + right.byteCountMax
            self.init(
                ValueRange(type, byteCountMax: min(byteCount, Limits.Value.stringByteCount)),
                mayFail: byteCount > Limits.Value.stringByteCount)
        case (.unknown, _), (_, .unknown), (.number, .text), (.text, .number):
            // Doubles, whose arithmetic never fails.
            self.init(ValueRange(type), mayFail: type != .double)
        }
    }

    private init(
        _ operation: Expression.ArithmeticOperator, _ left: Interval, _ right: Interval,
        as type: ValueType
    ) {
        switch operation {
        case .add: self.init(left + right, in: type)
        case .subtract: self.init(left - right, in: type)
        case .multiply: self.init(left * right, in: type)
        case .divide: self.init(left / right, in: type, mayFail: right.contains(0))
        case .remainder:
            // The least int has no remainder by -1, as its quotient overflows.
            let overflows = left.contains(Interval.int.least) && right.contains(-1)
            self.init(left % right, in: type, mayFail: right.contains(0) || overflows)
        }
    }
}

// MARK: Conversions

extension Calculated {
    init(converting operand: ValueRange, from source: ValueType, to target: ValueType) {
        switch (operand, source, target) {
        case _ where source == target:
            self.init(operand)
        case (.text, .string, .bytes), (.text, .uuid, .bytes), (.text, .enumeration, .string):
            self.init(operand)
        case (.text, .bytes, .string):
            self.init(operand, mayFail: true)
        case (.text, .string, _):
            self.init(anyOf: target)
        case (_, _, .string), (_, _, .double):
            self.init(ValueRange(target))
        case (.number(let seconds), .int, .timestamp):
            self.init(seconds * Self.second, in: target)
        case (.number(let time), .timestamp, .int):
            self.init(time.dividedRoundingDown(by: TimeValue.nanosecondsPerSecond128), in: target)
        case (.number(let number), _, _):
            self.init(rescaling: number, from: source, to: target)
        default:
            self.init(anyOf: target)
        }
    }

    /// Between int, uint and decimals, by way of 64 bits with a sign.
    private init(rescaling number: Interval, from source: ValueType, to target: ValueType) {
        var signed = Calculated(number, in: .int)
        if target == .uint, case .number(let value) = signed.range {
            signed = Calculated(value, in: .uint, mayFail: signed.mayFail)
        }
        guard case .number(let value) = signed.range else {
            self = signed
            return
        }
        if let factor = source.factor(to: target) {
            self.init(value * Interval(only: factor), in: target, mayFail: signed.mayFail)
        } else if let divisor = target.factor(to: source) {
            self.init(value / Interval(only: divisor), in: target, mayFail: signed.mayFail)
        } else {
            self.init(anyOf: target)
        }
    }

    private static let second = Interval(only: TimeValue.nanosecondsPerSecond128)
}

extension TimeValue {
    fileprivate static let nanosecondsPerSecond128 = Int128(nanosecondsPerSecond)
}

extension ValueType {
    /// How many of the target's units one of this type is, if that is a whole number; nil for what is
    /// neither an int, a uint nor a decimal.
    func factor(to target: ValueType) -> Int128? {
        guard let scale, let targetScale = target.scale, targetScale >= scale else { return nil }
        return (scale..<targetScale).reduce(1) { power, _ in power * 10 }
    }

    private var scale: Int? {
        switch self {
        case .int, .uint: 0
        case .decimal(let scale): scale
        case .bool, .double, .string, .bytes, .uuid, .timestamp, .duration, .null, .enumeration,
            .entity, .list:
            nil
        }
    }
}
