import AtomicStateSchema

/// Where an expression is evaluated, and how: CEL's semantics, straight from the checked tree.
struct ModelScope {
    let model: ReferenceModel
    /// The entities as they are now.
    let state: ModelState
    /// The entities as the transaction found them.
    let before: ModelState
    /// Of an invariant or a condition.
    var entity: ModelEntity.Identity?
    /// Of an operation; a reference is its entity.
    var arguments: [ModelValue] = []

    func evaluate(_ expression: Expression) throws(RejectionCode) -> ModelValue {
        switch expression.kind {
        case .literal(let literal): return ModelValue(literal)
        case .selfEntity, .oldSelfEntity: return .entity(subject)
        case .parameter(let index): return arguments[index]
        case .field(of: let owner, let index):
            let value = try self.owner(owner).fields[index]
            if value == .absent { throw .valueAbsent }
            return value
        case .has(.field(let index), of: let owner):
            return .bool(try self.owner(owner).fields[index] != .absent)
        case .has(.derived(let index), of: let owner):
            return .bool(try self.owner(owner).derived[index] != .absent)
        case .now: return .time(model.now)
        case .delta(entity: let type, let member):
            let change = try sum(of: member, type, in: state) - sum(of: member, type, in: before)
            return try .number(change, as: expression.type)
        case .key(of: let owner): return try self.owner(owner).name.key
        case .derived(of: let owner, let index):
            let value = try self.owner(owner).derived[index]
            if value == .absent { throw .valueAbsent }
            return value
        case .and(let left, let right): return try connect(left, right, decisive: false)
        case .or(let left, let right): return try connect(left, right, decisive: true)
        case .not(let operand): return .bool(!(try evaluate(operand).isTrue))
        case .negate(let operand):
            if case .double(let value) = try evaluate(operand) { return .double(-value) }
            return try .number(-(try evaluate(operand).exact), as: expression.type)
        case .arithmetic(let operation, let left, let right):
            let left = try evaluate(left)
            let right = try evaluate(right)
            return try Self.calculate(operation, left, right, as: expression.type)
        case .compare(let comparison, let left, let right) where left.isList:
            return .bool(try compareLists(left, right) == (comparison == .equal))
        case .compare(let comparison, let left, let right):
            let left = try evaluate(left)
            let right = try evaluate(right)
            return .bool(Self.compare(comparison, left, right))
        case .conditional(let condition, let then, let otherwise):
            return try evaluate(try evaluate(condition).isTrue ? then : otherwise)
        case .isIn(let element, let list):
            let element = try evaluate(element)
            var values: [ModelValue] = []
            for member in list { values.append(try evaluate(member)) }
            return .bool(values.contains { Self.compare(.equal, element, $0) })
        case .list:
            preconditionFailure("a list is compared leaf by leaf")
        case .element(of: let list, let index):
            var values: [ModelValue] = []
            for member in list { values.append(try evaluate(member)) }
            let position = try evaluate(index).exact
            guard values.indices.contains(where: { $0 == position }) else { throw .indexOutOfRange }
            return values[Int(position)]
        case .convert(let operand):
            let value = try evaluate(operand)
            return try Self.convert(value, from: operand.type, to: expression.type)
        case .call(let function, let operands) where !operands.allSatisfy({ $0.type == .string }):
            var values: [ModelValue] = []
            for operand in operands.flatMap(\.leaves) { values.append(try evaluate(operand)) }
            return try Self.call(function, operands, values)
        case .call(let function, let operands):
            var texts: [[Unicode.Scalar]] = []
            for operand in operands { texts.append(try evaluate(operand).scalars) }
            return Self.call(function, texts)
        }
    }
}

// MARK: Entities

extension ModelScope {
    private var subject: ModelEntity.Identity {
        guard let entity else { preconditionFailure("the checker admits self where there is one") }
        return entity
    }

    private func owner(_ expression: Expression) throws(RejectionCode) -> ModelEntity {
        if case .oldSelfEntity = expression.kind { return before[subject] }
        return state[try evaluate(expression).identity]
    }

    /// A member of all entities of a type added up, or their number.
    private func sum(
        of member: Member?, _ type: Int, in state: ModelState
    ) throws(RejectionCode) -> Int128 {
        state.existing.values.filter { $0.name.type == type }.reduce(0) { sum, entity in
            switch member {
            case .field(let field): sum + entity.fields[field].exact
            case .derived(let derived): sum + entity.derived[derived].exact
            case nil: sum + 1
            }
        }
    }
}

// MARK: Operators

extension ModelScope {
    /// A side that decides makes an error of the other irrelevant. If both fail, the right one's
    /// error is reported: CEL leaves the choice open.
    private func connect(
        _ left: Expression, _ right: Expression, decisive: Bool
    ) throws(RejectionCode) -> ModelValue {
        let left = result(of: left)
        let right = result(of: right)
        if left == .success(.bool(decisive)) || right == .success(.bool(decisive)) {
            return .bool(decisive)
        }
        _ = try right.get()
        _ = try left.get()
        return .bool(!decisive)
    }

    private func result(of expression: Expression) -> Result<ModelValue, RejectionCode> {
        do throws(RejectionCode) {
            return .success(try evaluate(expression))
        } catch {
            return .failure(error)
        }
    }

    static func calculate(
        _ operation: Expression.ArithmeticOperator, _ left: ModelValue, _ right: ModelValue,
        as type: ValueType
    ) throws(RejectionCode) -> ModelValue {
        if type == .string {
            let text = left.scalars + right.scalars
            guard text.byteCount <= 65_535 else { throw .textTooLong }
            return .text(text)
        }
        if let result = try scalarResult(operation, left, right, as: type) { return result }
        let left = left.exact
        let right = right.exact
        switch operation {
        case .add: return try .number(left + right, as: type)
        case .subtract: return try .number(left - right, as: type)
        case .multiply:
            let (product, overflow) = left.multipliedReportingOverflow(by: right)
            guard !overflow else { throw .arithmeticOverflow }
            return try .number(product, as: type)
        case .divide, .remainder:
            guard right != 0 else { throw .divisionByZero }
            // A quotient that does not fit has no remainder either.
            let quotient = try ModelValue.number(left / right, as: type)
            if case .divide = operation { return quotient }
            return try .number(left % right, as: type)
        }
    }

    private static func compare(
        _ comparison: Expression.ComparisonOperator, _ left: ModelValue, _ right: ModelValue
    ) -> Bool {
        if let order = order(left, right) { return holds(comparison, order) }
        return switch comparison {
        case .equal: left == right
        case .notEqual: left != right
        case .less: isLess(left, right)
        case .lessOrEqual: left == right || isLess(left, right)
        case .greater: isLess(right, left)
        case .greaterOrEqual: left == right || isLess(right, left)
        }
    }

    static func isLess(_ left: ModelValue, _ right: ModelValue) -> Bool {
        switch (left, right) {
        case (.bool(let left), .bool(let right)): !left && right
        case (.bytes(let left), .bytes(let right)): left.lexicographicallyPrecedes(right)
        case (.time(let left), .time(let right)): left < right
        case (.text(let left), .text(let right)): left.lexicographicallyPrecedes(right)
        default: left.exact < right.exact
        }
    }

    private static func convert(
        _ value: ModelValue, from source: ValueType, to target: ValueType
    ) throws(RejectionCode) -> ModelValue {
        if let result = try scalarConversion(value, from: source, to: target) { return result }
        if case .decimal(let scale) = target {
            var sourceScale = 0
            if case .decimal(let scale) = source { sourceScale = scale }
            var exact = value.exact
            for _ in sourceScale..<scale { exact *= 10 }
            return try .number(exact, as: target)
        }
        if target == .uint {
            guard let unsigned = UInt64(exactly: value.exact) else { throw .conversionFailed }
            return .unsigned(unsigned)
        }
        guard let number = Int64(exactly: value.exact) else { throw .conversionFailed }
        return .number(number)
    }

    private static func call(
        _ function: Expression.Function, _ texts: [[Unicode.Scalar]]
    ) -> ModelValue {
        switch function {
        case .size:
            return .number(Int64(texts[0].count))
        case .startsWith:
            return .bool(texts[0].starts(with: texts[1]))
        case .endsWith:
            return .bool(texts[0].reversed().starts(with: texts[1].reversed()))
        case .contains:
            return .bool(
                texts[0].indices.contains { texts[0][$0...].starts(with: texts[1]) }
                    || texts[1].isEmpty)
        case .timePart:
            preconditionFailure("a time is no text")
        }
    }
}
