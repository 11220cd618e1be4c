extension Expression {
    /// What a rule over deltas says of a transaction that changes nothing; nil if that is not simple
    /// to tell.
    var valueWithoutChanges: Bool? {
        switch kind {
        case .literal(.bool(let value)): value
        case .not(let operand): operand.valueWithoutChanges.map { !$0 }
        case .and(let left, let right):
            both(left.valueWithoutChanges, right.valueWithoutChanges) { $0 && $1 }
        case .or(let left, let right):
            both(left.valueWithoutChanges, right.valueWithoutChanges) { $0 || $1 }
        case .compare(let comparison, let left, let right):
            both(left.numberWithoutChanges, right.numberWithoutChanges, comparison.holds)
        default: nil
        }
    }

    private var numberWithoutChanges: Int64? {
        switch kind {
        case .delta: 0
        case .literal(.int(let value)), .literal(.decimal(unscaled: let value)): value
        case .convert(let operand): operand.numberWithoutChanges == 0 ? 0 : nil
        case .arithmetic(_, let left, let right):
            left.numberWithoutChanges == 0 && right.numberWithoutChanges == 0
                && !isDivision ? 0 : nil
        default: nil
        }
    }

    private var isDivision: Bool {
        switch kind {
        case .arithmetic(.divide, _, _), .arithmetic(.remainder, _, _): true
        default: false
        }
    }
}

private func both<Value, Result>(
    _ left: Value?, _ right: Value?, _ combine: (Value, Value) -> Result
) -> Result? {
    guard let left, let right else { return nil }
    return combine(left, right)
}

extension Expression.ComparisonOperator {
    fileprivate func holds(_ left: Int64, _ right: Int64) -> Bool {
        switch self {
        case .equal: left == right
        case .notEqual: left != right
        case .less: left < right
        case .lessOrEqual: left <= right
        case .greater: left > right
        case .greaterOrEqual: left >= right
        }
    }
}
