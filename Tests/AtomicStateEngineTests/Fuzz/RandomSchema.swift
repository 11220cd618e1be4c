import AtomicStateSchema
import SeededRandom

/// Makes up schemas whose rules, conditions and effects are random expressions of the right types.
///
/// Three types: a `Root` with a UUID as key, a `Parent` with a number, which may refer to a root, and a
/// `Child` with a text, which refers to one or two parents. Derived values go up from each to the next.
struct RandomSchema {
    private var random: SeededGenerator

    fileprivate enum Kind: CaseIterable {
        case bool, int, uint, decimal, string, choice, time
        /// A member that may be without a value, for `has`.
        case optional
    }

    /// What an expression may read: names by kind.
    private typealias Names = [Kind: [String]]

    init(seed: UInt64) {
        random = SeededGenerator(state: seed)
    }

    mutating func text() -> String {
        let own: Names = [
            .bool: ["flag"], .int: ["count", "other"], .string: ["note"], .choice: ["choice"],
            .time: ["start"], .optional: ["money", "since", "second"],
        ]
        let absent: Names = [.decimal: ["money"], .time: ["since"]]
        let condition = own.prefixed("self.").merging([.string: ["self.key"]], uniquingKeysWith: +)
        let child = condition.merging(absent.prefixed("self."), uniquingKeysWith: +)
        let held: Names = [
            .bool: ["open"], .int: ["limit", "total", "children", "seconds"], .uint: ["key"],
            .decimal: ["wealth"], .optional: ["least", "last", "root", "floor"],
        ]
        let heldAbsent: Names = [.decimal: ["least"], .time: ["last"], .int: ["floor"]]
        let parentCondition = held.prefixed("self.")
        let parent = parentCondition.merging(heldAbsent.prefixed("self."), uniquingKeysWith: +)
        let root: Names = [
            .int: ["weight", "sum", "parents", "tally"], .decimal: ["riches"],
            .optional: ["cheapest", "final", "peak"],
        ]
        let rootAbsent: Names = [.decimal: ["cheapest"], .time: ["final"], .int: ["peak"]]
        let roots = root.merging(rootAbsent, uniquingKeysWith: +).prefixed("self.")
        let changes: Names = [
            .int: [
                "delta(Child)", "delta(Parent)", "delta(Child.count)", "delta(Parent.total)",
                "delta(Parent.children)", "delta(Root.sum)", "delta(Root.weight)",
            ],
            .decimal: ["delta(Child.money)", "delta(Parent.wealth)", "delta(Root.riches)"],
        ]
        return """
            schema: 1
            name: random
            entities:
              Root:
                key: uuid
                generic: \(random.oneIn(2))
                fields:
                  weight: { type: int, default: 2 }
                derived:
                  sum: { sum: Parent.total, by: root\(optionalCondition(parentCondition)) }
                  riches: { sum: Parent.least, by: root }
                  parents: { count: Parent, by: root\(optionalCondition(parentCondition)) }
                  cheapest: { min: Parent.least, by: root }
                  final: { max: Parent.last, by: root\(optionalCondition(parentCondition)) }
                  peak: { max: Parent.children, by: root }
                  tally: { sum: Parent.second, by: root\(optionalCondition(parentCondition)) }
                invariants:
                  - { id: zero, rule: \(mild(roots, depth: 3)) }
                  - { id: seven, rule: \(mild(adding(roots, [.int: ["oldSelf.sum"]]), depth: 2)) }
              Parent:
                key: uint64
                generic: \(random.oneIn(2))
                fields:
                  limit: { type: int, default: 3 }
                  open: { type: bool, default: false }
                  root: { ref: Root, optional: true }
                derived:
                  total: { sum: Child.count, by: parent, where: \(rule(condition, depth: 2)) }
                  children: { count: Child, by: parent, where: \(rule(condition, depth: 3)) }
                  wealth: { sum: Child.money, by: second }
                  second: { count: Child, by: second, where: \(rule(condition, depth: 1)) }
                  least: { min: Child.money, by: parent\(optionalCondition(condition)) }
                  last: { max: Child.since, by: second }
                  floor: { min: Child.other, by: second\(optionalCondition(condition)) }
                  seconds: { sum: Child.other, by: second }
                \(uniqueKeys(["limit", "[root, limit]", "[root, open]"]))
                invariants:
                  - { id: one, rule: \(mild(parent, depth: 3)), message: '{self.key} {self.least}' }
                  - { id: two, rule: \(mild(adding(parent, [.int: ["oldSelf.limit", "oldSelf.total"], .bool: ["oldSelf.open"]]), depth: 3)) }
                  - { id: three, rule: \(mild(parent, depth: 2)) }
              Child:
                key: string
                generic: \(!random.oneIn(3))
                fields:
                  parent: { ref: Parent }
                  second: { ref: Parent, optional: true }
                  flag: { type: bool, default: true }
                  count: { type: int, default: 1 }
                  other: { type: int, default: 0 }
                  money: { type: decimal, scale: 2, optional: true }
                  note: { type: string, max_length: 20, default: n }
                  choice: { type: enum, values: [red, green, blue], default: red }
                  since: { type: timestamp, optional: true }
                  start: { type: timestamp, default: '1970-01-01T00:00:03Z' }
                \(uniqueKeys(["[parent, count, note]", "[second, choice, flag]", "[money, parent]", "since", "[start, since]"]))
                invariants:
                  - { id: four, rule: \(mild(adding(child, own.prefixed("oldSelf.")), depth: 3)) }
                  - { id: five, rule: \(mild(child, depth: 4)) }
                  - { id: six, rule: \(mild(adding(child, own.prefixed("oldSelf.")), depth: 2)) }
            operations:
              root:
                parameters: { root: uuid, weight: int }
                effects: ['create Root(root) { weight: weight }']
              parent:
                parameters: { parent: uint64, limit: int }
                effects: ['create Parent(parent) { limit: limit }']
              parent_of:
                parameters: { parent: uint64, root: { ref: Root }, limit: int }
                effects: ['create Parent(parent) { limit: limit, root: root }']
              adopt:
                parameters: { parent: { ref: Parent }, root: { ref: Root } }
                effects: [parent.root = root]
              release:
                parameters: { parent: { ref: Parent }, child: { ref: Child } }
                effects: [parent.root = null, child.second = null]
              child:
                parameters: { child: string, first: { ref: Parent }, second: { ref: Parent }, count: int }
                effects: ['create Child(child) { parent: first, second: second, count: count, since: now }']
              poor_child:
                parameters: { child: string, first: { ref: Parent }, money: { type: decimal, scale: 1 }, at: timestamp }
                effects: ['create Child(child) { parent: first, money: money, start: at }']
            \(operation("change"))
            \(operation("alter"))
            \(operation("turn"))
              remove:
                parameters: { child: { ref: Child } }
                effects: [delete child]
              remove_parent:
                parameters: { parent: { ref: Parent } }
                effects: [delete parent]
              remove_root:
                parameters: { root: { ref: Root } }
                effects: [delete root]
            transaction_invariants:
              - { id: eight, rule: \(mild(changes, depth: 2)), only: [change, child, turn] }
              - { id: nine, rule: \(mild(changes, depth: 3)), except: [alter, poor_child] }
              - { id: ten, rule: \(mild(changes, depth: 2)), message: '{delta(Child.count)}' }

            """
    }

    private func adding(_ names: Names, _ others: Names) -> Names {
        names.merging(others, uniquingKeysWith: +)
    }

    private mutating func optionalCondition(_ names: Names) -> String {
        random.oneIn(2) ? "" : ", where: \(rule(names, depth: 2))"
    }

    private mutating func uniqueKeys(_ keys: [String]) -> String {
        let chosen = keys.filter { _ in random.oneIn(3) }
        return chosen.isEmpty ? "unique: []" : "unique: [\(chosen.joined(separator: ", "))]"
    }

    private mutating func operation(_ name: String) -> String {
        let parameters: Names = [
            .bool: ["yes"], .int: ["number"], .uint: ["unsigned"], .decimal: ["price"],
            .string: ["text"], .choice: ["colour"], .time: ["now", "at"],
        ]
        let fields: Names = [
            .bool: ["flag"], .int: ["count", "other"], .string: ["note", "key"],
            .choice: ["choice"], .time: ["start"], .optional: ["money", "since", "second"],
        ]
        let far: Names = [
            .bool: ["a.parent.open"], .int: ["b.parent.limit", "a.parent.total", "p.children"],
            .uint: ["a.parent.key"], .decimal: ["b.parent.wealth", "a.money", "p.least"],
            .time: ["b.since", "p.last"], .optional: ["p.least", "a.parent.floor", "p.root"],
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
                  at: timestamp
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
            switch Int.random(in: 0..<14, using: &random) {
            case 0: "\(entity).flag = \(expression(.bool, names, depth: 3))"
            case 1: "\(entity).count = \(expression(.int, names, depth: 3))"
            case 2: "\(entity).count += \(expression(.int, names, depth: 1))"
            case 3: "\(entity).money = \(expression(.decimal, names, depth: 1))"
            case 4: "\(entity).note = \(expression(.string, names, depth: 2))"
            case 5: "\(entity).choice = \(expression(.choice, names, depth: 2))"
            case 6: "\(entity).parent = \(random.pick(["p", "b.parent", "p"]))"
            case 7: "\(entity).parent.limit += \(expression(.int, names, depth: 1))"
            case 8: "\(entity).second = \(random.pick(["a.parent", "b.second", "p", "null"]))"
            case 9: "\(entity).since = \(expression(.time, names, depth: 1))"
            case 10: "\(entity).\(random.pick(["money", "since"])) = null"
            case 11: "\(entity).start = \(expression(.time, names, depth: 2))"
            case 12: "p.root = \(random.pick(["a.parent.root", "b.parent.root", "null"]))"
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
        case .time:
            let sign = random.pick(["+", "-"])
            return "(\(anchored(.time, names, depth: depth - 1)) \(sign) duration('90s'))"
        case .optional:
            preconditionFailure("a member is no value")
        }
    }

    private mutating func boolean(_ names: Names, depth: Int) -> String {
        switch Int.random(in: 0..<14, using: &random) {
        case 12 where names[.optional] != nil: return "has(\(random.pick(names[.optional] ?? [])))"
        case 13 where names[.time] != nil:
            return binary(.time, ["==", "<", "<=", ">", ">="], names, depth: depth)
        case 0, 1, 2: return binary(.bool, ["&&"], names, depth: depth)
        case 3, 4, 5: return binary(.bool, ["||"], names, depth: depth)
        case 6: return "!\(expression(.bool, names, depth: depth - 1))"
        case 7:
            let kind = random.pick(Kind.allCases.filter { $0 != .optional })
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
        case 3 where names[.time] != nil: "int(\(anchored(.time, names, depth: depth - 1)))"
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
        // A sum of literals alone is a double.
        if kind == .decimal, depth > 0, random.oneIn(2) {
            return binary(kind, ["+", "-"], names, depth: depth)
        }
        if depth > 0, kind != .choice, kind != .uint, kind != .decimal {
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
        case .time:
            random.pick(["timestamp(0)", "timestamp(7)", "timestamp('1970-01-01T00:00:02.5Z')"])
        case .optional: preconditionFailure("a member is no value")
        }
    }
}

extension [RandomSchema.Kind: [String]] {
    fileprivate func prefixed(_ prefix: String) -> Self {
        mapValues { $0.map { prefix + $0 } }
    }
}
