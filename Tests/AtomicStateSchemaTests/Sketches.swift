@testable import AtomicStateSchema

/// Trees as text, with every grouping in parentheses, for expectations to be read at a glance.
extension Syntax {
    var sketch: String {
        switch kind {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .unsigned(let value): "\(value)u"
        case .fraction(let text): text
        case .string(let text): "\"\(text)\""
        case .bytes(let bytes): "b\(bytes)"
        case .identifier(let name): name
        case .member(let base, let name): "\(base.sketch).\(name)"
        case .index(let base, let index): "\(base.sketch)[\(index.sketch)]"
        case .call(let receiver, let name, let arguments):
            "\(receiver.map { $0.sketch + "." } ?? "")\(name)(\(arguments.sketch))"
        case .list(let elements): "[\(elements.sketch)]"
        case .unary(.not, let operand): "(! \(operand.sketch))"
        case .unary(.negate, let operand): "(- \(operand.sketch))"
        case .binary(let binaryOperator, let left, let right):
            "(\(left.sketch) \(binaryOperator.sketch) \(right.sketch))"
        case .conditional(let condition, let then, let otherwise):
            "(\(condition.sketch) ? \(then.sketch) : \(otherwise.sketch))"
        }
    }
}

extension [Syntax] {
    fileprivate var sketch: String { map(\.sketch).joined(separator: ", ") }
}

extension Syntax.BinaryOperator {
    fileprivate var sketch: String {
        switch self {
        case .and: "&&"
        case .or: "||"
        case .isIn: "in"
        case .compare(let comparison): comparison.sketch
        case .arithmetic(let operation): operation.symbol
        }
    }
}

extension Expression.ComparisonOperator {
    fileprivate var sketch: String {
        switch self {
        case .equal: "=="
        case .notEqual: "!="
        case .less: "<"
        case .lessOrEqual: "<="
        case .greater: ">"
        case .greaterOrEqual: ">="
        }
    }
}

/// Checked trees. A literal shows its type where its digits don't: `5u`, `150 d2`, `#1` for an
/// enumeration's second value. `to(d3, x)` is a conversion.
extension Expression {
    var sketch: String {
        switch kind {
        case .literal(let literal): literal.sketch(type)
        case .selfEntity: "self"
        case .oldSelfEntity: "oldSelf"
        case .parameter(let index): "$\(index)"
        case .field(let base, let index): "\(base.sketch).f\(index)"
        case .derived(let base, let index): "\(base.sketch).d\(index)"
        case .has(.field(let index), let base): "has(\(base.sketch).f\(index))"
        case .has(.derived(let index), let base): "has(\(base.sketch).d\(index))"
        case .now: "now"
        case .delta(let type, let member): "delta(\(type)\(member?.sketch ?? ""))"
        case .key(let base): "\(base.sketch).key"
        case .and(let left, let right): "(\(left.sketch) && \(right.sketch))"
        case .or(let left, let right): "(\(left.sketch) || \(right.sketch))"
        case .not(let operand): "(! \(operand.sketch))"
        case .negate(let operand): "(- \(operand.sketch))"
        case .arithmetic(let operation, let left, let right):
            "(\(left.sketch) \(operation.symbol) \(right.sketch))"
        case .compare(let comparison, let left, let right):
            "(\(left.sketch) \(comparison.sketch) \(right.sketch))"
        case .conditional(let condition, let then, let otherwise):
            "(\(condition.sketch) ? \(then.sketch) : \(otherwise.sketch))"
        case .isIn(let element, let values):
            "(\(element.sketch) in [\(values.map(\.sketch).joined(separator: ", "))])"
        case .list(let elements): "[\(elements.map(\.sketch).joined(separator: ", "))]"
        case .element(let elements, let index):
            "[\(elements.map(\.sketch).joined(separator: ", "))][\(index.sketch)]"
        case .convert(let operand): "to(\(type.sketch), \(operand.sketch))"
        case .call(let function, let arguments):
            "\(function)(\(arguments.map(\.sketch).joined(separator: ", ")))"
        }
    }
}

extension Member {
    fileprivate var sketch: String {
        switch self {
        case .field(let index): ".f\(index)"
        case .derived(let index): ".d\(index)"
        }
    }
}

extension Literal {
    fileprivate func sketch(_ type: ValueType) -> String {
        switch self {
        case .bool(let value): "\(value)"
        case .int(let value): "\(value)"
        case .uint(let value): "\(value)u"
        case .decimal(let unscaled): "\(unscaled) \(type.sketch)"
        case .string(let text): "\"\(text)\""
        case .double(let text): text
        case .bytes(let bytes): "b\(bytes)"
        case .time(let value): "\(value.seconds).\(value.nanoseconds) \(type.sketch)"
        case .null: "null"
        case .enumeration(let index): "#\(index)"
        }
    }
}

extension ValueType {
    var sketch: String {
        switch self {
        case .bool: "bool"
        case .int: "int"
        case .uint: "uint"
        case .decimal(let scale): "d\(scale)"
        case .string: "string"
        case .enumeration: "enum"
        case .entity(let index): "entity \(index)"
        case .double: "double"
        case .bytes: "bytes"
        case .uuid: "uuid"
        case .timestamp: "timestamp"
        case .duration: "duration"
        case .null: "null"
        case .list(let element): "list of \(element?.sketch ?? "nothing")"
        }
    }
}

extension Effect {
    var sketch: String {
        switch kind {
        case .assign(let entity, let field, let value):
            "\(entity.sketch).f\(field) = \(value.sketch)"
        case .create(let entity, let key, let values):
            "create \(entity)(\(key.sketch)) {\(values.map(\.sketch).joined(separator: ", "))}"
        case .delete(let entity): "delete \(entity.sketch)"
        case .expectVersion(let entity, let version): "\(entity.sketch) is \(version.sketch)"
        }
    }
}
