import AtomicStateSchema

/// Makes up schemas whose rules, conditions and effects are random expressions of the right types.
///
/// Two types: a `Parent` with a number as key, and a `Child` with a text, which refers to two parents.
struct RandomSchema {
    private var random: SplitMix64

    fileprivate enum Kind: CaseIterable {
        case bool, int, uint, decimal, string, choice
    }

    /// What an expression may read: names by kind.
    private typealias Names = [Kind: [String]]

    init(seed: UInt64) {
        random = SplitMix64(state: seed)
    }

    mutating func text() -> String {
        let own: Names = [
            .bool: ["flag"], .int: ["count", "other"], .decimal: ["money"], .string: ["note"],
            .choice: ["choice"],
        ]
        let child = own.prefixed("self.").merging([.string: ["self.key"]], uniquingKeysWith: +)
        let parent: Names = [
            .bool: ["self.open"], .int: ["self.limit", "self.total", "self.children"],
            .uint: ["self.key"], .decimal: ["self.wealth"],
        ]
        let parentBefore: Names = [
            .int: ["oldSelf.limit", "oldSelf.total"], .bool: ["oldSelf.open"],
        ]
        let childBefore = own.prefixed("oldSelf.")
        return """
            schema: 1
            name: random
            entities:
              Parent:
                key: uint64
                fields:
                  limit: { type: int, default: 3 }
                  open: { type: bool, default: false }
                derived:
                  total: { sum: Child.count, by: parent, where: \(rule(child, depth: 2)) }
                  children: { count: Child, by: parent, where: \(rule(child, depth: 3)) }
                  wealth: { sum: Child.money, by: second }
                  second: { count: Child, by: second, where: \(rule(child, depth: 1)) }
                invariants:
                  - { id: one, rule: \(mild(parent, depth: 3)) }
                  - { id: two, rule: \(mild(parent.merging(parentBefore, uniquingKeysWith: +), depth: 3)) }
                  - { id: three, rule: \(mild(parent, depth: 2)) }
              Child:
                key: string
                fields:
                  parent: { ref: Parent }
                  second: { ref: Parent }
                  flag: { type: bool, default: true }
                  count: { type: int, default: 1 }
                  other: { type: int, default: 0 }
                  money: { type: decimal, scale: 2, default: 0.5 }
                  note: { type: string, max_length: 20, default: n }
                  choice: { type: enum, values: [red, green, blue], default: red }
                invariants:
                  - { id: four, rule: \(mild(child.merging(childBefore, uniquingKeysWith: +), depth: 3)) }
                  - { id: five, rule: \(mild(child, depth: 4)) }
                  - { id: six, rule: \(mild(child.merging(childBefore, uniquingKeysWith: +), depth: 2)) }
            operations:
              parent:
                parameters: { parent: uint64, limit: int }
                effects: ['create Parent(parent) { limit: limit }']
              child:
                parameters: { child: string, first: { ref: Parent }, second: { ref: Parent }, count: int }
                effects: ['create Child(child) { parent: first, second: second, count: count }']
            \(operation("change"))
            \(operation("alter"))
            \(operation("turn"))
              remove:
                parameters: { child: { ref: Child } }
                effects: [delete child]
              remove_parent:
                parameters: { parent: { ref: Parent } }
                effects: [delete parent]

            """
    }

    private mutating func operation(_ name: String) -> String {
        let parameters: Names = [
            .bool: ["yes"], .int: ["number"], .uint: ["unsigned"], .decimal: ["price"],
            .string: ["text"], .choice: ["colour"],
        ]
        let fields: Names = [
            .bool: ["flag"], .int: ["count", "other"], .decimal: ["money"],
            .string: ["note", "key"],
            .choice: ["choice"],
        ]
        let far: Names = [
            .bool: ["a.parent.open"], .int: ["b.second.limit", "a.parent.total", "p.children"],
            .uint: ["a.parent.key"], .decimal: ["b.parent.wealth"],
        ]
        let names = [fields.prefixed("a."), fields.prefixed("b."), far].reduce(parameters) {
            $0.merging($1, uniquingKeysWith: +)
        }
        let effects = (0..<Int.random(in: 1...5, using: &random)).map { _ in effect(names) }
        return """
              \(name):
                parameters:
                  a: { ref: Child }
                  b: { ref: Child }
                  p: { ref: Parent }
                  yes: bool
                  number: int
                  unsigned: uint64
                  price: { type: decimal, scale: 2 }
                  text: { type: string, max_length: 300 }
                  colour: { type: enum, values: [red, green, blue] }
                require:
                  - { id: first, rule: \(mild(names, depth: 3)) }
                  - { id: last, rule: \(mild(names, depth: 4)) }
                effects:
            \(effects.map { "      - \($0)" }.joined(separator: "\n"))
            """
    }

    private mutating func effect(_ names: Names) -> String {
        let entity = random.pick(["a", "b"])
        let effect =
            switch Int.random(in: 0..<9, using: &random) {
            case 0: "\(entity).flag = \(expression(.bool, names, depth: 3))"
            case 1: "\(entity).count = \(expression(.int, names, depth: 3))"
            case 2: "\(entity).count += \(expression(.int, names, depth: 1))"
            case 3: "\(entity).money -= \(expression(.decimal, names, depth: 1))"
            case 4: "\(entity).note = \(expression(.string, names, depth: 2))"
            case 5: "\(entity).choice = \(expression(.choice, names, depth: 2))"
            case 6: "\(entity).parent = \(random.pick(["a.second", "b.parent", "p"]))"
            case 7:
                "\(entity).\(random.pick(["parent", "second"])).limit += \(expression(.int, names, depth: 1))"
            default: "p.open = \(expression(.bool, names, depth: 2))"
            }
        return quoted(effect)
    }
}

// MARK: Expressions

extension RandomSchema {
    private mutating func rule(_ names: Names, depth: Int) -> String {
        quoted(expression(.bool, names, depth: depth))
    }

    /// A rule that is often true, or little would ever be accepted.
    private mutating func mild(_ names: Names, depth: Int) -> String {
        let excuse = expression(.bool, names, depth: 1)
        return quoted("\(expression(.bool, names, depth: depth)) || \(excuse) || !(\(excuse))")
    }

    private func quoted(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''")
            + "'"
    }

    private mutating func expression(_ kind: Kind, _ names: Names, depth: Int) -> String {
        guard depth > 0 else { return leaf(kind, names) }
        let choice = Int.random(in: 0..<8, using: &random)
        if choice == 0 { return leaf(kind, names) }
        if choice == 1 {
            let condition = expression(.bool, names, depth: depth - 1)
            let then = anchored(kind, names, depth: depth - 1)
            return "(\(condition) ? \(then) : \(anchored(kind, names, depth: depth - 1)))"
        }
        switch kind {
        case .bool: return boolean(names, depth: depth)
        case .int: return integer(names, depth: depth)
        case .uint:
            if choice == 2 {
                let operand = anchored(.int, names, depth: depth - 1)
                // A literal below zero is refused when the schema is loaded.
                let isLiteral = Int(operand) != nil
                return "uint(\(isLiteral ? String(operand.drop { $0 == "-" }) : operand))"
            }
            return binary(.uint, ["+", "-", "*", "/", "%"], names, depth: depth)
        case .decimal:
            return binary(.decimal, ["+", "-"], names, depth: depth)
        case .string:
            return binary(.string, ["+"], names, depth: depth)
        case .choice:
            return leaf(kind, names)
        }
    }

    private mutating func boolean(_ names: Names, depth: Int) -> String {
        switch Int.random(in: 0..<12, using: &random) {
        case 0, 1, 2: return binary(.bool, ["&&"], names, depth: depth)
        case 3, 4, 5: return binary(.bool, ["||"], names, depth: depth)
        case 6: return "!\(expression(.bool, names, depth: depth - 1))"
        case 7:
            let kind = random.pick(Kind.allCases)
            let members = (0..<3).map { _ in expression(kind, names, depth: depth - 1) }
            return
                "(\(anchored(kind, names, depth: depth - 1)) in [\(members.joined(separator: ", "))])"
        case 8:
            let function = random.pick(["startsWith", "endsWith", "contains"])
            let text = expression(.string, names, depth: depth - 1)
            return "\(text).\(function)(\(expression(.string, names, depth: depth - 1)))"
        case 9:
            return binary(random.pick([.choice, .bool]), ["==", "!="], names, depth: depth)
        default:
            let kind = random.pick([Kind.int, .uint, .decimal, .string, .bool])
            return binary(kind, ["==", "!=", "<", "<=", ">", ">="], names, depth: depth)
        }
    }

    private mutating func integer(_ names: Names, depth: Int) -> String {
        switch Int.random(in: 0..<8, using: &random) {
        case 0: "size(\(expression(.string, names, depth: depth - 1)))"
        case 1 where names[.uint] != nil: "int(\(anchored(.uint, names, depth: depth - 1)))"
        case 2: "(-\(anchored(.int, names, depth: depth - 1)))"
        default: binary(.int, ["+", "-", "*", "/", "%"], names, depth: depth)
        }
    }

    private mutating func binary(
        _ kind: Kind, _ operators: [String], _ names: Names, depth: Int
    ) -> String {
        let left = anchored(kind, names, depth: depth - 1)
        return "(\(left) \(random.pick(operators)) \(expression(kind, names, depth: depth - 1)))"
    }

    /// An expression whose type does not depend on where it stands, if there is a name for one.
    private mutating func anchored(_ kind: Kind, _ names: Names, depth: Int) -> String {
        if depth > 0, kind != .choice, kind != .uint {
            return expression(kind, names, depth: depth)
        }
        return random.pick(names[kind] ?? [literal(kind)])
    }

    private mutating func leaf(_ kind: Kind, _ names: Names) -> String {
        if let known = names[kind], !random.oneIn(3) { return random.pick(known) }
        return literal(kind)
    }

    private mutating func literal(_ kind: Kind) -> String {
        switch kind {
        case .bool: random.pick(["true", "false"])
        case .int: random.pick(["0", "1", "-1", "3", "7", "100", "9223372036854775807"])
        case .uint: random.pick(["0u", "1u", "2u", "9u", "18446744073709551615u"])
        case .decimal: random.pick(["0.5", "0.25", "1.00", "-3.75", "92233720368547758.07"])
        case .string: random.pick(["''", "'a'", "'n'", "'é'", "'🦀x'", "'long enough for a note'"])
        case .choice: random.pick(["'red'", "'green'", "'blue'"])
        }
    }
}

extension [RandomSchema.Kind: [String]] {
    fileprivate func prefixed(_ prefix: String) -> Self {
        mapValues { $0.map { prefix + $0 } }
    }
}
