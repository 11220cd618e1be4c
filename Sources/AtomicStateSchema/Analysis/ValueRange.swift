internal import AtomicStateValues

/// What a value may be, as far as that is followed. It may be wider than the truth, never narrower.
enum ValueRange: Hashable, Sendable {
    /// bool (0 and 1), int, uint, decimal in its units, and times in nanoseconds.
    case number(Interval)
    /// string, bytes, uuid and enumerations.
    case text(TextChoice)
    /// Everything else: doubles, references, lists, null.
    case unknown

    func intersection(_ other: ValueRange) -> ValueRange? {
        switch (self, other) {
        case (.number(let left), .number(let right)): left.intersection(right).map { .number($0) }
        case (.text(let left), .text(let right)): left.intersection(right).map { .text($0) }
        case (.unknown, let range), (let range, .unknown): range
        case (.number, .text), (.text, .number): Self.contradiction()
        }
    }

    func union(_ other: ValueRange) -> ValueRange {
        switch (self, other) {
        case (.number(let left), .number(let right)): .number(left.union(right))
        case (.text(let left), .text(let right)): .text(left.union(right))
        case (.unknown, _), (_, .unknown): .unknown
        case (.number, .text), (.text, .number): Self.contradiction()
        }
    }

    private static func contradiction() -> Never {
        preconditionFailure("the checker lets only values of one type meet")
    }
}

// MARK: Comparisons

extension ValueRange {
    /// What is left of both if `left comparison right` holds; nil if it can't.
    static func narrowed(
        _ left: ValueRange, _ comparison: Expression.ComparisonOperator, _ right: ValueRange
    ) -> (left: ValueRange, right: ValueRange)? {
        switch (left, right) {
        case (.number(let first), .number(let second)):
            narrowed(first, comparison, second).map { (.number($0), .number($1)) }
        case (.text(let first), .text(let second)):
            narrowed(first, comparison, second).map { (.text($0), .text($1)) }
        case (.unknown, _), (_, .unknown): (left, right)
        case (.number, .text), (.text, .number): contradiction()
        }
    }

    private static func narrowed(
        _ left: Interval, _ comparison: Expression.ComparisonOperator, _ right: Interval
    ) -> (Interval, Interval)? {
        switch comparison {
        case .equal: left.intersection(right).map { ($0, $0) }
        case .notEqual:
            both(
                right.single.map { left.excluding($0) } ?? left,
                left.single.map { right.excluding($0) } ?? right)
        case .less:
            both(
                Interval(left.least, min(left.greatest, right.greatest - 1)),
                Interval(max(right.least, left.least + 1), right.greatest))
        case .lessOrEqual:
            both(
                Interval(left.least, min(left.greatest, right.greatest)),
                Interval(max(right.least, left.least), right.greatest))
        case .greater: narrowed(right, .less, left).map { ($1, $0) }
        case .greaterOrEqual: narrowed(right, .lessOrEqual, left).map { ($1, $0) }
        }
    }

    /// Texts are ordered by their bytes, which is what is known of two single texts only.
    private static func narrowed(
        _ left: TextChoice, _ comparison: Expression.ComparisonOperator, _ right: TextChoice
    ) -> (TextChoice, TextChoice)? {
        switch comparison {
        case .equal: left.intersection(right).map { ($0, $0) }
        case .notEqual:
            both(
                right.single.map { left.excluding($0) } ?? left,
                left.single.map { right.excluding($0) } ?? right)
        case .less, .lessOrEqual, .greater, .greaterOrEqual:
            if let first = left.single, let second = right.single,
                !comparison.holds(
                    isLess: first.lexicographicallyPrecedes(second), isEqual: first == second)
            {
                nil
            } else {
                (left, right)
            }
        }
    }

    private static func both<Range>(_ left: Range?, _ right: Range?) -> (Range, Range)? {
        guard let left, let right else { return nil }
        return (left, right)
    }
}

extension Expression.ComparisonOperator {
    /// Whether it holds for two values, by their order.
    func holds(isLess: Bool, isEqual: Bool) -> Bool {
        switch self {
        case .equal: isEqual
        case .notEqual: !isEqual
        case .less: isLess
        case .lessOrEqual: isLess || isEqual
        case .greater: !isLess && !isEqual
        case .greaterOrEqual: !isLess
        }
    }

    /// What holds where this does not. Not so for doubles, of which nothing is concluded.
    var negated: Self {
        switch self {
        case .equal: .notEqual
        case .notEqual: .equal
        case .less: .greaterOrEqual
        case .lessOrEqual: .greater
        case .greater: .lessOrEqual
        case .greaterOrEqual: .less
        }
    }
}

// MARK: Types

extension ValueRange {
    /// Everything that a value of the type may be.
    ///
    /// - Parameter byteCountMax: the most bytes of a string or bytes.
    init(_ type: ValueType, byteCountMax: Int? = nil) {
        switch type {
        case .bool: self = .number(.bool)
        case .int, .decimal: self = .number(.int)
        case .uint: self = .number(.uint)
        case .timestamp: self = .number(.timestamp)
        case .duration: self = .number(.duration)
        case .string, .bytes:
            self = .text(.allBut([], byteCountMax: byteCountMax ?? Limits.Value.stringByteCount))
        case .uuid: self = .text(.allBut([], byteCountMax: UUIDValue.byteCount))
        case .enumeration(values: let values):
            self = .text(.only(Set(values.map { Array($0.utf8) })))
        case .double, .entity, .list, .null: self = .unknown
        }
    }

    init(_ literal: Literal, _ type: ValueType) {
        switch (literal, type) {
        case (.bool(let value), _): self = .number(Interval(only: value ? 1 : 0))
        case (.int(let value), _), (.decimal(unscaled: let value), _):
            self = .number(Interval(only: Int128(value)))
        case (.uint(let value), _): self = .number(Interval(only: Int128(value)))
        case (.time(let value), _): self = .number(Interval(only: value.allNanoseconds))
        case (.string(let text), _): self = .text(.only([Array(text.utf8)]))
        case (.bytes(let bytes), _): self = .text(.only([bytes]))
        case (.enumeration(let index), .enumeration(values: let values)):
            self = .text(.only([Array(values[index].utf8)]))
        case (.enumeration, _): preconditionFailure("an enumeration's value has its type")
        case (.double, _), (.null, _): self = .unknown
        }
    }
}

extension Interval {
    fileprivate static let timestamp = Interval(
        nanoseconds(-62_135_596_800)...nanoseconds(253_402_300_800) - 1)
    fileprivate static let duration = Interval(
        nanoseconds(-315_576_000_000)...nanoseconds(315_576_000_000))

    private static func nanoseconds(_ seconds: Int128) -> Int128 {
        seconds * Int128(TimeValue.nanosecondsPerSecond)
    }
}

extension TimeValue {
    fileprivate var allNanoseconds: Int128 {
        Int128(seconds) * Int128(Self.nanosecondsPerSecond) + Int128(nanoseconds)
    }
}
