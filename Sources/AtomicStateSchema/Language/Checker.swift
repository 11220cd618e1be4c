internal import AtomicStateValues

/// Gives every node of a parsed rule a meaning and a type.
///
/// Every method returns nil after reporting what is wrong, and looks at all operands first, so that
/// one run reports all the type errors of a rule.
struct Checker {
    let catalog: Catalog
    let log: DiagnosticLog
    var scope: Scope

    /// A rule: an expression of type bool.
    func rule(_ syntax: Syntax) -> Expression? {
        guard let rule = check(syntax) else { return nil }
        return expect(.bool, rule, "a rule")
    }

    func check(_ syntax: Syntax) -> Expression? {
        let location = syntax.location
        switch syntax.kind {
        case .null: return Expression(.literal(.null), type: .null, location: location)
        case .bytes(let bytes):
            return Expression(.literal(.bytes(bytes)), type: .bytes, location: location)
        case .index(let list, let index): return element(of: list, at: index, location)
        case .list(let elements): return list(elements, at: location)
        case .bool(let value):
            return Expression(.literal(.bool(value)), type: .bool, location: location)
        case .string(let text):
            return Expression(.literal(.string(text)), type: .string, location: location)
        case .unsigned(let value):
            return Expression(.literal(.uint(value)), type: .uint, location: location)
        case .integer(let magnitude):
            return integer(magnitude, isNegative: false, at: location)
        case .fraction(let text):
            return fraction(text, at: location)
        case .identifier(let name):
            return identifier(name, at: location)
        case .member(let base, let name):
            return member(of: base, Name(text: name, location: location))
        case .call(let receiver, let name, let arguments):
            return call(Name(text: name, location: location), receiver, arguments)
        case .unary(.not, let operand):
            guard let operand = check(operand), let operand = expect(.bool, operand, "'!'")
            else { return nil }
            return Expression(.not(operand), type: .bool, location: location)
        case .unary(.negate, let operand):
            return negation(of: operand, at: location)
        case .binary(let binaryOperator, let left, let right):
            return binary(binaryOperator, left, right, at: location)
        case .conditional(let condition, let then, let otherwise):
            return conditional(condition, then, otherwise, at: location)
        }
    }

    /// `expression`, if it is of the type that `consumer` needs.
    func expect(_ type: ValueType, _ expression: Expression, _ consumer: String) -> Expression? {
        if expression.type == type { return expression }
        return reject(
            expression.location,
            "\(consumer) needs \(catalog.name(of: type)); this is \(catalog.name(of: expression.type))"
        )
    }

    /// Reports a mistake. Returns nil, for the caller to pass on.
    func reject<Value>(_ location: SourceLocation, _ message: String) -> Value? {
        log.report(location, message)
        return nil
    }
}

// MARK: Literals

extension Checker {
    private func integer(_ magnitude: UInt64, isNegative: Bool, at location: SourceLocation)
        -> Expression?
    {
        guard let value = Int64((isNegative ? "-" : "") + String(magnitude)) else {
            let hint = isNegative ? "" : "; an unsigned literal ends in 'u'"
            return reject(location, "the number does not fit int\(hint)")
        }
        return Expression(.literal(.int(value)), type: .int, location: location)
    }

    private func fraction(_ text: String, at location: SourceLocation) -> Expression? {
        guard DoubleText.parse(text) != nil else {
            return reject(location, "the number does not fit double")
        }
        return Expression(.literal(.double(text)), type: .double, location: location)
    }

    /// The sign belongs to a literal operand, or the least int could not be written.
    private func negation(of operand: Syntax, at location: SourceLocation) -> Expression? {
        switch operand.kind {
        case .integer(let magnitude):
            return integer(magnitude, isNegative: true, at: location)
        case .fraction(let text):
            return fraction("-" + text, at: location)
        default:
            guard let operand = check(operand) else { return nil }
            switch operand.type {
            case .int, .decimal, .double:
                return Expression(.negate(operand), type: operand.type, location: location)
            case .bool, .uint, .string, .bytes, .uuid, .timestamp, .duration, .null, .enumeration,
                .entity, .list:
                return reject(
                    location,
                    "'-' needs int, double or decimal; this is \(catalog.name(of: operand.type))")
            }
        }
    }
}

// MARK: Conditional

extension Checker {
    private func conditional(
        _ condition: Syntax, _ then: Syntax, _ otherwise: Syntax, at location: SourceLocation
    ) -> Expression? {
        let condition = check(condition).flatMap { expect(.bool, $0, "the condition of '?:'") }
        guard let (then, otherwise) = both(check(then), check(otherwise)) else { return nil }
        guard let type = commonType(of: [then, otherwise]) else {
            return reject(location, mismatch("'?:' needs two values of one type", then, otherwise))
        }
        if case .list = type { return reject(location, "'?:' can't choose between lists") }
        let branches = both(convert(then, to: type), convert(otherwise, to: type))
        guard let condition, let (then, otherwise) = branches else { return nil }
        return Expression(
            .conditional(condition, then: then, else: otherwise), type: type, location: location)
    }

    /// Both, after both were looked at; nil if either is.
    func both(_ left: Expression?, _ right: Expression?) -> (Expression, Expression)? {
        guard let left, let right else { return nil }
        return (left, right)
    }
}
