internal import AtomicStateValues

/// How values of different types meet.
///
/// Literals take the type of what they meet: `self.plan == 'free'` compares enumeration values, and
/// `balance >= 0.5` decimals of the balance's scale; a number with a fraction that meets neither a
/// decimal nor an int is a double. Apart from literals, only exact conversions happen unasked: int to
/// decimal, and decimal to a larger scale.
extension Checker {
    /// The one type that all the expressions can be converted to; nil if there is none.
    func commonType(of expressions: [Expression]) -> ValueType? {
        let ordered = expressions.filter { !$0.isFlexible } + expressions.filter(\.isFlexible)
        guard let first = ordered.first else { return nil }
        return ordered.dropFirst().reduce(first.type) { (type: ValueType?, expression) in
            type.flatMap { Self.join($0, expression, amongLiterals: first.isFlexible) }
        }
    }

    private static func join(
        _ type: ValueType, _ expression: Expression, amongLiterals: Bool
    ) -> ValueType? {
        switch (type, expression.type) {
        case (let type, let other) where type == other: type
        case (.decimal(let scale), .decimal(let other)): .decimal(scale: max(scale, other))
        case (.decimal(let scale), .int), (.int, .decimal(let scale)): .decimal(scale: scale)
        case (.decimal(let scale), .double) where expression.isFlexible:
            .decimal(scale: max(scale, expression.decimalScale))
        case (.int, .double) where expression.isFlexible && !amongLiterals:
            .decimal(scale: expression.decimalScale)
        case (.uint, .int), (.int, .uint), (.decimal, .uint), (.enumeration, .string),
            (.uuid, .string):
            expression.isFlexible ? type : nil
        case (.list(let first), .list(let second)): joinLists(first, second)
        default: nil
        }
    }

    /// An empty list goes with every other, on every level.
    private static func joinLists(_ first: ValueType?, _ second: ValueType?) -> ValueType? {
        switch (first, second) {
        case (nil, let type), (let type, nil): .list(type)
        case (.list(let first), .list(let second)): joinLists(first, second).map { .list($0) }
        default: first == second ? .list(first) : nil
        }
    }

    /// `expression` with the type `type`, or nil after reporting why that can't be.
    ///
    /// - Parameter holder: what needs the type, for the message.
    func convert(_ expression: Expression, to type: ValueType, for holder: String? = nil)
        -> Expression?
    {
        if expression.type == type { return expression }
        switch (expression.kind, expression.type, type) {
        case (.literal(let literal), _, _):
            return adapt(literal, expression, to: type, for: holder)
        case (.list(let elements), _, .list(let element?)):
            let converted = elements.compactMap { convert($0, to: element, for: holder) }
            guard converted.count == elements.count else { return nil }
            return Expression(.list(converted), type: type, location: expression.location)
        case (.conditional(let condition, let then, let otherwise), _, _)
        where expression.isFlexible:
            let branches = both(
                convert(then, to: type, for: holder), convert(otherwise, to: type, for: holder))
            guard let (then, otherwise) = branches else { return nil }
            return Expression(
                .conditional(condition, then: then, else: otherwise), type: type,
                location: expression.location)
        case (_, .int, .decimal):
            return Expression(.convert(expression), type: type, location: expression.location)
        case (_, .decimal(let scale), .decimal(let larger)) where scale < larger:
            return Expression(.convert(expression), type: type, location: expression.location)
        default:
            return reject(expression.location, refusal(of: expression, by: type, holder))
        }
    }

    private func adapt(
        _ literal: Literal, _ expression: Expression, to type: ValueType, for holder: String?
    ) -> Expression? {
        let location = expression.location
        func adapted(_ literal: Literal) -> Expression {
            Expression(.literal(literal), type: type, location: location)
        }
        switch (literal, expression.type, type) {
        case (.int(let value), _, .uint):
            guard let value = UInt64(exactly: value) else {
                return reject(location, "\(value) is negative; a uint is not")
            }
            return adapted(.uint(value))
        case (.uint(let value), _, .int):
            guard let value = Int64(exactly: value) else {
                return reject(location, "\(value) does not fit int")
            }
            return adapted(.int(value))
        case (.int(let value), _, .decimal(let scale)):
            return rescale(DecimalLiteral(unscaled: value, scale: 0), to: scale, at: location)
        case (.uint(let value), _, .decimal(let scale)):
            guard let value = Int64(exactly: value) else {
                return reject(location, "\(value) does not fit \(catalog.name(of: type))")
            }
            return rescale(DecimalLiteral(unscaled: value, scale: 0), to: scale, at: location)
        case (.decimal(let unscaled), .decimal(let written), .decimal(let scale)):
            let decimal = DecimalLiteral(unscaled: unscaled, scale: written)
            return rescale(decimal, to: scale, at: location)
        case (.double(let text), _, .decimal(let scale)):
            return decimal(text, at: location).flatMap { rescale($0, to: scale, at: location) }
        case (.string(let text), _, .uuid):
            guard let value = UUIDValue(text) else {
                return reject(
                    location,
                    "\(Suggestion.quoted(text)) is not a uuid, which is written as in "
                        + "f81d4fae-7dec-11d0-a765-00a0c91e6bf6")
            }
            return adapted(.bytes(value.bytes))
        case (.string(let text), _, .enumeration(let values)):
            guard let index = values.firstIndex(of: text) else {
                let hint = Suggestion.hint(for: text, among: values)
                return reject(
                    location, "\(Suggestion.quoted(text)) is not a value of the enum\(hint)")
            }
            return adapted(.enumeration(index))
        default:
            return reject(location, refusal(of: expression, by: type, holder))
        }
    }

    private func decimal(_ text: String, at location: SourceLocation) -> DecimalLiteral? {
        do throws(DecimalLiteral.Failure) {
            return try DecimalLiteral(text)
        } catch {
            switch error {
            case .notADecimal:
                return reject(location, "a decimal is written without an exponent, as in 12.50")
            case .tooManyFractionDigits:
                return reject(
                    location, "a decimal has at most \(Limits.Value.decimalScale) fraction digits")
            case .outOfRange:
                return reject(location, "the number does not fit a decimal, which holds 64 bits")
            }
        }
    }

    private func rescale(_ decimal: DecimalLiteral, to scale: Int, at location: SourceLocation)
        -> Expression?
    {
        do throws(DecimalLiteral.Failure) {
            let unscaled = try decimal.rescaled(to: scale)
            return Expression(
                .literal(.decimal(unscaled: unscaled)), type: .decimal(scale: scale),
                location: location)
        } catch {
            return reject(location, decimal.explanation(of: error, scale: scale))
        }
    }

    private func refusal(of expression: Expression, by type: ValueType, _ holder: String?) -> String
    {
        let expected = "\(holder.map { "\($0) holds" } ?? "expected") \(catalog.name(of: type))"
        let found = "this is \(catalog.name(of: expression.type))"
        return "\(expected); \(found)" + conversionHint(to: type, from: expression.type)
    }

    /// The message for two operands that do not meet.
    func mismatch(_ need: String, _ left: Expression, _ right: Expression) -> String {
        let types = "\(catalog.name(of: left.type)) and \(catalog.name(of: right.type))"
        return "\(need); these are \(types)" + conversionHint(left.type, right.type)
    }

    private func conversionHint(to target: ValueType, from source: ValueType) -> String {
        switch (target, source) {
        case (.int, .uint), (.int, .double), (.decimal, .uint): "; convert with int(...)"
        case (.uint, .int), (.uint, .double), (.uint, .decimal): "; convert with uint(...)"
        case (.decimal, .double): "; a double never becomes a decimal"
        default: conversionHint(target, source)
        }
    }

    private func conversionHint(_ first: ValueType, _ second: ValueType) -> String {
        switch (first, second) {
        case (.int, .uint), (.uint, .int), (.decimal, .uint), (.uint, .decimal):
            "; convert with int(...) or uint(...)"
        case (.double, .int), (.int, .double), (.double, .uint), (.uint, .double),
            (.double, .decimal), (.decimal, .double):
            "; convert with double(...)"
        case (.null, _), (_, .null):
            "; ask with has(...) whether an optional field has a value"
        case (.enumeration, .string), (.string, .enumeration):
            "; an enum meets one of its values in quotes, or an enum with the same values"
        case (.enumeration, .enumeration):
            " with other values"
        case (.decimal(let scale), .decimal(let other)) where scale != other:
            "; fraction digits are never dropped"
        default: ""
        }
    }
}

extension Expression {
    /// Whether the type follows from where the expression stands: a literal, or a choice of literals.
    var isFlexible: Bool {
        switch kind {
        case .literal: true
        case .conditional(_, let then, let otherwise): then.isFlexible && otherwise.isFlexible
        default: false
        }
    }

    /// The fraction digits that the number has as a decimal: a decimal's own, those that a literal is
    /// written with; 0 where it can't be read as a decimal, which its conversion reports.
    var decimalScale: Int {
        switch (kind, type) {
        case (_, .decimal(let scale)): scale
        case (.literal(.double(let text)), _): DecimalLiteral.scale(of: text) ?? 0
        case (.conditional(_, let then, let otherwise), .double):
            max(then.decimalScale, otherwise.decimalScale)
        default: 0
        }
    }
}

extension DecimalLiteral {
    /// Why this number can't be a `decimal` of `scale`.
    func explanation(of failure: Failure, scale: Int) -> String {
        switch failure {
        case .notADecimal: "a decimal is written as in 12.50"
        case .tooManyFractionDigits:
            "\(self) has \(self.scale) fraction digits; decimal(\(scale)) holds \(scale)"
        case .outOfRange: "\(self) does not fit decimal(\(scale)), which holds 64 bits"
        }
    }
}
