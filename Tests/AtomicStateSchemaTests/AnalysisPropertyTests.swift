import SeededRandom
import Testing

@testable import AtomicStateSchema

/// Random rules over a few stored values, each judged by a slow, obvious evaluator for many states: a
/// warning is never wrong.
@Suite struct AnalysisPropertyTests {
    private static let ruleCount = 2_000
    private static let stateCountPerRule = 200

    @Test(arguments: 1...4) func aWarningIsNeverWrong(seed: UInt64) throws {
        var generator = SeededGenerator(state: seed)
        var neverCount = 0
        var alwaysCount = 0
        var silentCount = 0
        for _ in 0..<Self.ruleCount {
            var rules = RuleGenerator(generator: generator)
            let text = rules.bool(depth: 3)
            generator = rules.generator
            let schema = try Schema(parsing: Self.file(text))
            let rule = try #require(schema.entities[0].invariants.first).rule
            var analyzer = RuleAnalyzer(schema: schema)
            let finding = analyzer.finding(about: rule)?.0
            var wasTrue = false
            var wasNot = false
            for _ in 0..<Self.stateCountPerRule where !(wasTrue && wasNot) {
                let state = State(&generator)
                if SlowEvaluator(schema: schema, state: state).bool(rule) == true {
                    wasTrue = true
                } else {
                    wasNot = true
                }
            }
            #expect(!(finding == .neverTrue && wasTrue), "\(text) can be true")
            #expect(!(finding == .alwaysTrue && wasNot), "\(text) can be false or fail")
            switch finding {
            case .neverTrue?: neverCount += 1
            case .alwaysTrue?: alwaysCount += 1
            case nil: silentCount += wasTrue && wasNot ? 0 : 1
            }
        }
        // Otherwise the rules would be none that show anything.
        #expect(neverCount > Self.ruleCount / 50)
        #expect(alwaysCount > Self.ruleCount / 100)
        // Most rules that came out one way for all states are found; the rest needs relations.
        #expect(silentCount < (neverCount + alwaysCount) / 2, "\(silentCount) were not found")
    }

    private static func file(_ rule: String) -> String {
        """
        schema: 1
        name: test
        entities:
          Thing:
            key: uint64
            fields:
              n: int
              m: int
              b: bool
              plan: { type: enum, values: [a, b, c] }
              d: { type: decimal, scale: 1 }
              text: { type: string, max_length: 2 }
              opt: { type: int, optional: true }
            invariants:
              - id: rule
                rule: |
                  \(rule)

        """
    }
}

// MARK: States

private enum Scalar: Equatable {
    /// bool, int, uint, decimal and enumerations.
    case number(Int128)
    case text(String)
}

/// The fields of `self` and `oldSelf`, and the key.
private struct State {
    var fields: [[Scalar?]]
    var key: Int128

    init(_ generator: inout SeededGenerator) {
        key = generator.number(Self.numbers.filter { $0 >= 0 } + [Int128(UInt64.max)])
        fields = []
        for _ in 0..<2 {
            fields.append([
                .number(generator.number(Self.numbers)), .number(generator.number(Self.numbers)),
                .number(generator.number([0, 1])), .number(generator.number([0, 1, 2])),
                .number(generator.number(Self.numbers + [5, 10, 15, 20])),
                .text(generator.pick(["", "x", "y", "xy", "é"])),
                generator.below(2) == 0 ? nil : .number(generator.number(Self.numbers)),
            ])
        }
    }

    private static let numbers: [Int128] = [
        Int128(Int64.min), Int128(Int64.min) + 1, -3, -2, -1, 0, 1, 2, 3, 4, Int128(Int64.max) - 1,
        Int128(Int64.max),
    ]
}

// MARK: Evaluation

/// CEL's meaning of a checked expression; nil is an error.
private struct SlowEvaluator {
    let schema: Schema
    let state: State

    func bool(_ expression: Expression) -> Bool? {
        number(expression).map { $0 == 1 }
    }

    private func number(_ expression: Expression) -> Int128? {
        guard case .number(let value)? = value(expression) else { return nil }
        return value
    }

    private func value(_ expression: Expression) -> Scalar? {
        switch expression.kind {
        case .literal(let literal): return value(literal)
        case .field(of: let owner, let index):
            return state.fields[side(owner)][index]
        case .key: return .number(state.key)
        case .has(.field(let index), of: let owner):
            return truth(state.fields[side(owner)][index] != nil)
        case .and(let left, let right): return logic(left, right, decidedBy: false)
        case .or(let left, let right): return logic(left, right, decidedBy: true)
        case .not(let operand): return bool(operand).flatMap { truth(!$0) }
        case .negate(let operand):
            return number(operand).flatMap { fitted(-$0, expression.type) }
        case .compare(let comparison, let left, let right):
            guard let left = value(left), let right = value(right) else { return nil }
            return truth(holds(left, comparison, right))
        case .conditional(let condition, then: let then, else: let otherwise):
            return bool(condition).flatMap { value($0 ? then : otherwise) }
        case .isIn(let element, let list):
            let candidates = list.map(value)
            guard let element = value(element), !candidates.contains(nil) else { return nil }
            return truth(candidates.contains(element))
        case .arithmetic(let operation, let left, let right):
            guard let left = number(left), let right = number(right) else { return nil }
            return calculate(operation, left, right).flatMap { fitted($0, expression.type) }
        case .convert(let operand):
            guard case .decimal(scale: 1) = expression.type, operand.type == .int else {
                return number(operand).flatMap { fitted($0, expression.type) }
            }
            return number(operand).flatMap { fitted($0 * 10, expression.type) }
        case .call(.size, let operands):
            guard case .text(let text)? = value(operands[0]) else { return nil }
            return .number(Int128(text.unicodeScalars.count))
        case .selfEntity, .oldSelfEntity, .parameter, .derived, .has, .now, .delta, .list, .element,
            .call:
            Issue.record("the generator makes no \(expression.kind)")
            return nil
        }
    }

    private func value(_ literal: Literal) -> Scalar? {
        switch literal {
        case .bool(let value): truth(value)
        case .int(let value), .decimal(unscaled: let value): .number(Int128(value))
        case .uint(let value): .number(Int128(value))
        case .enumeration(let index): .number(Int128(index))
        case .string(let text): .text(text)
        case .double, .bytes, .time, .null: nil
        }
    }

    private func side(_ owner: Expression) -> Int {
        if case .selfEntity = owner.kind { 0 } else { 1 }
    }

    private func truth(_ value: Bool) -> Scalar? { .number(value ? 1 : 0) }

    private func logic(
        _ left: Expression, _ right: Expression, decidedBy decisive: Bool
    ) -> Scalar? {
        let (left, right) = (bool(left), bool(right))
        if left == decisive || right == decisive { return truth(decisive) }
        return left == nil || right == nil ? nil : truth(!decisive)
    }

    private func holds(
        _ left: Scalar, _ comparison: Expression.ComparisonOperator, _ right: Scalar
    ) -> Bool {
        let isLess =
            switch (left, right) {
            case (.number(let left), .number(let right)): left < right
            case (.text(let left), .text(let right)):
                left.utf8.lexicographicallyPrecedes(right.utf8)
            default: false
            }
        return switch comparison {
        case .equal: left == right
        case .notEqual: left != right
        case .less: isLess
        case .lessOrEqual: isLess || left == right
        case .greater: !isLess && left != right
        case .greaterOrEqual: !isLess
        }
    }

    private func calculate(
        _ operation: Expression.ArithmeticOperator, _ left: Int128, _ right: Int128
    ) -> Int128? {
        switch operation {
        case .add: return left + right
        case .subtract: return left - right
        case .multiply:
            let (product, overflow) = left.multipliedReportingOverflow(by: right)
            return overflow ? nil : product
        case .divide: return right == 0 ? nil : left / right
        case .remainder:
            let overflows = left == Int128(Int64.min) && right == -1
            return right == 0 || overflows ? nil : left % right
        }
    }

    private func fitted(_ value: Int128, _ type: ValueType) -> Scalar? {
        let fits = type == .uint ? UInt64(exactly: value) != nil : Int64(exactly: value) != nil
        return fits ? .number(value) : nil
    }
}

// MARK: Rules

private struct RuleGenerator {
    var generator: SeededGenerator

    mutating func bool(depth: Int) -> String {
        if depth == 0 { return "(\(comparison(depth: 0)))" }
        switch generator.below(12) {
        case 0...3: return "(\(bool(depth: depth - 1)) && \(bool(depth: depth - 1)))"
        case 4...6: return "(\(bool(depth: depth - 1)) || \(bool(depth: depth - 1)))"
        case 7: return "!\(bool(depth: depth - 1))"
        case 8:
            let condition = bool(depth: depth - 1)
            return "(\(condition) ? \(bool(depth: depth - 1)) : \(bool(depth: depth - 1)))"
        case 9:
            let comparison = pick(["==", "!=", "<", ">="])
            return "(\(bool(depth: depth - 1)) \(comparison) \(bool(depth: depth - 1)))"
        default: return "(\(comparison(depth: depth)))"
        }
    }

    private mutating func comparison(depth: Int) -> String {
        let order = pick(["==", "!=", "<", "<=", ">", ">="])
        let equality = pick(["==", "!="])
        let entity = pick(["self", "self", "self", "oldSelf"])
        switch generator.below(15) {
        case 0...3: return "\(int(depth: depth)) \(order) \(pick(["-2", "0", "1", "2", "3"]))"
        case 4: return "\(int(depth: depth)) \(order) \(int(depth: depth))"
        case 5: return "\(entity).b"
        case 6...7: return "\(entity).plan \(equality) '\(pick(["a", "b", "c"]))'"
        case 8: return "\(entity).plan in ['\(pick(["a", "b"]))', '\(pick(["b", "c"]))']"
        case 9: return "\(entity).d \(order) \(pick(["0.5", "1.0", "2", "-0.1", "self.n"]))"
        case 10: return "\(entity).text \(order) '\(pick(["", "x", "y", "xyz"]))'"
        case 11: return "size(\(entity).text) \(order) \(pick(["0", "1", "2", "3"]))"
        case 12: return "has(\(entity).opt)"
        case 13: return "self.key \(order) \(pick(["0u", "1u", "2u"]))"
        default:
            return "\(int(depth: depth)) in [\(pick(["1", "2"])), \(int(depth: 0))]"
        }
    }

    private mutating func int(depth: Int) -> String {
        if depth > 0, generator.below(3) == 0 {
            let operation = pick(["+", "-", "*", "/", "%"])
            if generator.below(4) == 0 { return "-(\(int(depth: 0)))" }
            return "(\(int(depth: depth - 1)) \(operation) \(int(depth: 0)))"
        }
        return pick([
            "self.n", "self.n", "self.m", "oldSelf.n", "self.opt", "self.opt", "2",
            "size(self.text)",
            "int(self.key)",
        ])
    }

    private mutating func pick(_ texts: [String]) -> String { generator.pick(texts) }
}

extension SeededGenerator {
    fileprivate mutating func below(_ bound: UInt64) -> Int { Int(next() % bound) }

    fileprivate mutating func number(_ numbers: [Int128]) -> Int128 {
        numbers[below(UInt64(numbers.count))]
    }
}
