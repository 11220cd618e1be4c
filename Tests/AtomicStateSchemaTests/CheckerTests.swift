import Testing

@testable import AtomicStateSchema

/// What rules mean: names become indices, literals take types, conversions appear.
@Suite struct CheckerTests {
    static let requirements = [
        ("order.units > 0", "($0.f1 > 0)"),
        ("order.customer.credit >= 0", "($0.f0.f0 >= 0 d2)"),
        ("order.customer.owed < 5", "($0.f0.d0 < 500 d2)"),
        ("order.customer.key == 7", "($0.f0.key == 7u)"),
        ("order != other", "($0 != $1)"),
        ("order.customer == customer", "($0.f0 == $2)"),
        ("order.key == text", "($0.key == $7)"),
        // Literals take the type of what they meet.
        ("number > 5", "($4 > 5u)"),
        ("5 < number", "(5u < $4)"),
        ("count == 5u", "($3 == 5)"),
        ("number + 1 > 2", "(($4 + 1u) > 2u)"),
        ("choice == 'shipped'", "($8 == #1)"),
        ("'open' != order.state", "(#0 != $0.f4)"),
        ("choice == order.state", "($8 == $0.f4)"),
        ("order.state == (order.urgent ? 'open' : 'shipped')", "($0.f4 == ($0.f6 ? #0 : #1))"),
        ("number == (order.urgent ? 1 : 2)", "($4 == ($0.f6 ? 1u : 2u))"),
        ("choice in ['open', 'shipped']", "($8 in [#0, #1])"),
        ("count == -9223372036854775808", "($3 == -9223372036854775808)"),
        ("count == -0x10", "($3 == -16)"),
        ("text == 'a' + \"b\"", "($7 == (\"a\" + \"b\"))"),
        // Decimals.
        ("money > 0.5", "($5 > 50 d2)"),
        ("money > -0.05", "($5 > -5 d2)"),
        ("money > 1.125", "(to(d3, $5) > 1125 d3)"),
        ("money > fine", "(to(d3, $5) > $6)"),
        ("money + fine > 0", "((to(d3, $5) + $6) > 0 d3)"),
        ("money > count", "($5 > to(d2, $3))"),
        ("count > 0.5", "($3 > 0.5)"),
        ("money * 3 > 0", "(($5 * 3 d0) > 0 d2)"),
        ("money * count > 0", "(($5 * to(d0, $3)) > 0 d2)"),
        ("money * fine > 0", "(($5 * $6) > 0 d5)"),
        ("money * 0.25 > 0", "(($5 * 25 d2) > 0 d4)"),
        ("-money < money - 1", "((- $5) < ($5 - 100 d2))"),
        ("money in [1, 0.125, count]", "(to(d3, $5) in [1000 d3, 125 d3, to(d3, $3)])"),
        ("0.5 == 0.50", "(0.5 == 0.50)"),
        ("count + 0.5 > money", "(to(d2, (to(d1, $3) + 5 d1)) > $5)"),
        // Numbers of different types are compared as they are.
        ("count > number", "($3 > $4)"),
        ("count in [number, 1]", "($3 in [$4, 1])"),
        ("number in [0.5]", "($4 in [0.5])"),
        ("double(count) * 0.5 > 1", "((to(double, $3) * 0.5) > 1)"),
        ("int(money) == count", "(to(int, $5) == $3)"),
        ("string(choice) == text", "(to(string, $8) == $7)"),
        // Times, bytes, UUIDs and lists.
        (
            "timestamp('1970-01-01T00:00:01.5Z') > timestamp(count)",
            "(1.500000000 timestamp > to(timestamp, $3))"
        ),
        (
            "duration(text) + duration('1m') > duration('0s')",
            "((to(duration, $7) + 60.0 duration) > 0.0 duration)"
        ),
        (
            "timestamp(count).getHours('+01:00') == 0",
            "(timePart(AtomicStateValues.TimePart.hours)(to(timestamp, $3), \"+01:00\") == 0)"
        ),
        ("bytes(text) == b'\\xff' + b'a'", "(to(bytes, $7) == (b[255] + b[97]))"),
        (
            "uuid(text) == '00000000-0000-0000-0000-0000000000ff'",
            "(to(uuid, $7) == b[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255])"
        ),
        ("[1, count] + [2] == []", "([1, $3, 2] == [])"),
        ("[1, 2][count] == 1", "([1, 2][$3] == 1)"),
        ("count in [1] + [2]", "($3 in [1, 2])"),
        ("[[1], [2, 3]][1] == [count, 3]", "([2, 3] == [$3, 3])"),
        ("size([count]) == size(b'a')", "(size([$3]) == size(b[97]))"),
        ("has(order.units)", "true"),
        ("null == null", "(null == null)"),
        ("(order.urgent ? money : 0) > 0", "(($0.f6 ? $5 : 0 d2) > 0 d2)"),
        // Operators and functions.
        ("count / 2 % 3 == 1", "((($3 / 2) % 3) == 1)"),
        ("!order.urgent && (count > 1 || count < -1)", "((! $0.f6) && (($3 > 1) || ($3 < -1)))"),
        ("text < 'm'", "($7 < \"m\")"),
        ("false < order.urgent", "(false < $0.f6)"),
        ("size(text) == text.size()", "(size($7) == size($7))"),
        (
            "text.startsWith('a') || text.endsWith('b') || text.contains('c')",
            "(startsWith($7, \"a\") || (endsWith($7, \"b\") || contains($7, \"c\")))"
        ),
        ("int(number) == count", "(to(int, $4) == $3)"),
        ("uint(count) == number", "(to(uint, $3) == $4)"),
        ("int(count) == int(7u)", "($3 == 7)"),
        ("count in []", "($3 in [])"),
        ("order in [other]", "($0 in [$1])"),
    ]

    @Test(arguments: requirements) func requirement(rule: String, sketch: String) throws {
        let schema = try Schema(parsing: Fixture.file(requirement: rule))
        #expect(schema.operations[0].requirements[0].rule.sketch == sketch)
        #expect(schema.operations[0].requirements[0].rule.type == .bool)
    }

    static let invariants = [
        ("self.units <= oldSelf.units", "(self.f1 <= oldSelf.f1)"),
        ("self.parts <= self.units", "(self.d0 <= self.f1)"),
        ("self.customer == oldSelf.customer", "(self.f0 == oldSelf.f0)"),
        ("self.key != ''", "(self.key != \"\")"),
        ("self.state != 'shipped' || self.price > 0", "((self.f4 != #1) || (self.f2 > 0 d2))"),
    ]

    @Test(arguments: invariants) func invariant(rule: String, sketch: String) throws {
        let schema = try Schema(parsing: Fixture.file(invariant: rule))
        #expect(schema.entities[1].invariants[0].rule.sketch == sketch)
    }

    @Test func conditionReadsTheSource() throws {
        let rule = "self.state == 'shipped' && self.key != 'x'"
        let schema = try Schema(parsing: Fixture.file(condition: rule))
        let derived = schema.entities[0].derived[1]
        #expect(derived.condition?.sketch == "((self.f4 == #1) && (self.key != \"x\"))")
        #expect(schema.entities[0].derived[0].condition == nil)
    }

    static let effects = [
        ("order.units = count", "$0.f1 = $3"),
        ("order.units += 1", "$0.f1 = ($0.f1 + 1)"),
        ("order.units -= count * 2", "$0.f1 = ($0.f1 - ($3 * 2))"),
        ("order.price = 1", "$0.f2 = 100 d2"),
        ("order.price = 1.5", "$0.f2 = 150 d2"),
        ("order.price = count", "$0.f2 = to(d2, $3)"),
        ("order.price += money", "$0.f2 = ($0.f2 + $5)"),
        ("order.price -= count", "$0.f2 = ($0.f2 - to(d2, $3))"),
        ("order.rate = fine", "$0.f3 = to(d17, $6)"),
        ("order.note += text", "$0.f5 = ($0.f5 + $7)"),
        ("order.state = 'shipped'", "$0.f4 = #1"),
        ("order.state = choice", "$0.f4 = $8"),
        ("order.state = count > 1 ? 'open' : 'shipped'", "$0.f4 = (($3 > 1) ? #0 : #1)"),
        ("order.urgent = order.units > 5", "$0.f6 = ($0.f1 > 5)"),
        ("order.customer = customer", "$0.f0 = $2"),
        ("order.customer.credit += money", "$0.f0.f0 = ($0.f0.f0 + $5)"),
        ("delete order", "delete $0"),
        ("delete order.customer", "delete $0.f0"),
        ("create Customer(number)", "create 0($4) {0 d2}"),
        ("create Customer(7) {}", "create 0(7u) {0 d2}"),
        ("create Customer(number) { credit: 1, }", "create 0($4) {100 d2}"),
        (
            "create Order(text) { units: 1, customer: customer, state: 'shipped' }",
            "create 1($7) {$2, 1, 150 d2, 0 d17, #1, \"\", false}"
        ),
    ]

    @Test(arguments: effects) func effect(text: String, sketch: String) throws {
        let schema = try Schema(parsing: Fixture.file(effect: text))
        #expect(schema.operations[0].effects.map(\.sketch) == [sketch])
    }

    @Test func declarationsKeepTheirTypesAndDefaults() throws {
        let schema = try Schema(parsing: Fixture.file())
        let order = schema.entities[1]
        #expect(schema.name == "shop")
        #expect(schema.entities.map(\.keyType) == [.uint64, .string, .uint64])
        #expect(
            order.fields.map(\.type) == [
                .entity(0), .int, .decimal(scale: 2), .decimal(scale: 17),
                .enumeration(values: ["open", "shipped"]), .string, .bool,
            ])
        #expect(
            order.fields.map(\.defaultValue) == [
                nil, nil, .decimal(unscaled: 150), .decimal(unscaled: 0), .enumeration(0),
                .string(""),
                .bool(false),
            ])
        #expect(order.fields.map(\.maximumByteCount) == [nil, nil, nil, nil, nil, 256, nil])
        let derived = schema.entities[0].derived
        #expect(derived.map(\.function) == [.sum(.field(2)), .count])
        #expect(derived.map(\.type) == [.decimal(scale: 2), .int])
        #expect(derived.map(\.source) == [1, 1])
        #expect(derived.map(\.groupBy) == [0, 0])
        #expect(schema.operations[0].parameters[4].type == .uint)
    }
}
