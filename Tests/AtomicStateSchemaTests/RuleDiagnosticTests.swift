import Testing

@testable import AtomicStateSchema

/// What is said about a mistaken rule, and under which column.
@Suite struct RuleDiagnosticTests {
    typealias Case = (rule: String, mistakes: [String])

    static let requirements: [Case] = [
        ("ordr.units > 0", ["1: unknown name 'ordr'; did you mean 'order'?"]),
        (
            "zebra",
            [
                "1: unknown name 'zebra'; expected one of order, other, customer, count, number, "
                    + "money, fine, text, choice, color, now"
            ]
        ),
        ("order.unist > 0", ["7: unknown field 'unist' of Order; did you mean 'units'?"]),
        (
            "customer.name == ''",
            [
                "10: unknown field 'name' of Customer; expected one of credit, owed, shipped, key"
            ]
        ),
        ("self.units > 0", ["1: an operation reads its parameters; 'self' is for invariants"]),
        (
            "now > 0", ["5: '>' compares two values of one type; these are timestamp and int"]
        ),
        ("count", ["1: a rule needs bool; this is int"]),
        ("count.size > 0", ["7: '.size' needs an entity; this is int"]),
        (
            "count + number > 1",
            [
                "7: '+' needs two values of int, uint, double, decimal, string, bytes, duration or list; these are int and uint; "
                    + "convert with int(...) or uint(...)"
            ]
        ),
        (
            "money > number",
            [
                "7: '>' compares two values of one type; these are decimal(2) and uint; "
                    + "convert with int(...) or uint(...)"
            ]
        ),
        ("number > -1", ["10: -1 is negative; a uint is not"]),
        ("count > 18446744073709551615u", ["9: 18446744073709551615 does not fit int"]),
        (
            "count > 9223372036854775808",
            [
                "9: the number does not fit int; an unsigned literal ends in 'u'"
            ]
        ),
        ("count > -9223372036854775809", ["9: the number does not fit int"]),
        (
            "money / 2 > 0",
            [
                "7: '/' needs two values of int, uint or double; these are decimal(2) and int"
            ]
        ),
        (
            "money % money > 0",
            [
                "7: '%' needs two values of int or uint; these are decimal(2) and decimal(2)"
            ]
        ),
        ("money * order.rate > 0", ["7: the product has 19 fraction digits; the limit is 18"]),
        ("order.rate > 1000", ["14: 1000 does not fit decimal(17), which holds 64 bits"]),
        ("money > 1e3", ["9: a decimal is written without an exponent, as in 12.50"]),
        ("money > 0.1234567890123456789", ["9: a decimal has at most 18 fraction digits"]),
        (
            "money > 9223372036854775807.5",
            [
                "9: the number does not fit a decimal, which holds 64 bits"
            ]
        ),
        (
            "choice == 'shiped'",
            [
                "11: 'shiped' is not a value of the enum; did you mean 'shipped'?"
            ]
        ),
        (
            "choice in ['open', 'gone']",
            [
                "20: 'gone' is not a value of the enum; expected one of open, shipped"
            ]
        ),
        (
            "choice == text",
            [
                "8: '==' compares two values of one type; these are enum and string; "
                    + "an enum meets one of its values in quotes, or an enum with the same values"
            ]
        ),
        (
            "choice == color",
            [
                "8: '==' compares two values of one type; these are enum and enum with other values"
            ]
        ),
        ("choice < 'shipped'", ["8: '<' needs values with an order; these are enum"]),
        ("order < other", ["7: '<' needs values with an order; these are Order"]),
        (
            "order == customer",
            [
                "7: '==' compares two values of one type; these are Order and Customer"
            ]
        ),
        (
            "text - 'a' == ''",
            [
                "6: '-' needs two values of int, uint, double, decimal or duration; these are string and string"
            ]
        ),
        ("-number > 0", ["1: '-' needs int, double or decimal; this is uint"]),
        ("!count", ["2: '!' needs bool; this is int"]),
        (
            "count && text || true",
            [
                "1: '&&' needs bool; this is int", "10: '&&' needs bool; this is string",
            ]
        ),
        ("count ? true : false", ["1: the condition of '?:' needs bool; this is int"]),
        ("true ? 1 : 'a'", ["6: '?:' needs two values of one type; these are int and string"]),
        (
            "(order.urgent ? order : other).units > 0",
            [
                "32: a choice between entities has no members; choose between their fields"
            ]
        ),
        ("count in text", ["10: the right side of 'in' is a list, as in [1, 2]"]),
        ("count in [1, 'a']", ["14: 'in' compares values of one type; these are int and string"]),
        (
            "money > double(count)",
            [
                "7: '>' compares two values of one type; these are decimal(2) and double; "
                    + "convert with double(...)"
            ]
        ),
        (
            "count + double(count) > 1",
            [
                "7: '+' needs two values of int, uint, double, decimal, string, bytes, duration or list; "
                    + "these are int and double; convert with double(...)"
            ]
        ),
        ("[1, 'a'] == []", ["5: a list holds values of one type; these are int and string"]),
        ("[1] < [2]", ["5: '<' needs values with an order; these are list of int"]),
        ("(true ? [1] : [2]) == []", ["7: '?:' can't choose between lists"]),
        ("[1] in [[1]]", ["1: 'in' does not look for lists"]),
        (
            "[[1], [count]][0] == [1]",
            [
                "15: a list of lists needs literals for its elements and its index"
            ]
        ),
        ("text[0] == 'a'", ["5: '[...]' needs a list; this is string"]),
        ("[1]['a'] == 1", ["5: an index holds int; this is string"]),
        (
            "null == text",
            [
                "6: '==' compares two values of one type; these are null and string; "
                    + "ask with has(...) whether an optional field has a value"
            ]
        ),
        ("b'x' == text", ["6: '==' compares two values of one type; these are bytes and string"]),
        ("has(count)", ["1: 'has' asks for a field, as in has(self.note)"]),
        ("text.has()", ["6: 'has' is called as has(entity.field)"]),
        ("has(order.noet)", ["11: unknown field 'noet' of Order; did you mean 'note'?"]),
        (
            "text.matches('a')",
            [
                "6: 'matches' can't be called: there is no library for RE2's syntax that this server "
                    + "could rely on"
            ]
        ),
        (
            "dyn(text) == 1",
            [
                "1: 'dyn' can't be called: every value of a rule has a type that is known when it is loaded"
            ]
        ),
        (
            "timestamp('2009-02-30T00:00:00Z') == timestamp(0)",
            [
                "11: '2009-02-30T00:00:00Z' is not a timestamp, which is written as in "
                    + "2009-02-13T23:31:30Z, or is out of range"
            ]
        ),
        (
            "duration('1 day') > duration('1d')",
            [
                "10: '1 day' is not a duration, which is written as in 1h30m, or is out of range",
                "30: '1d' is not a duration, which is written as in 1h30m, or is out of range",
            ]
        ),
        (
            "timestamp(0).getHours('Europe/Paris') == 1",
            [
                "23: 'Europe/Paris' is not a time zone; expected 'UTC' or an offset as '+05:45': "
                    + "the rules of named zones change, and outcomes must not"
            ]
        ),
        (
            "duration('1s').getFullYear() == 1",
            [
                "16: a duration has no 'getFullYear' and no time zone"
            ]
        ),
        (
            "timestamp(0) + timestamp(0) == timestamp(0)",
            [
                "14: '+' needs two values of int, uint, double, decimal, string, bytes, duration or list; "
                    + "these are timestamp and timestamp"
            ]
        ),
        (
            "uuid('7') == uuid(text)",
            [
                "6: '7' is not a uuid, which is written as in f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
            ]
        ),
        ("bool(count)", ["6: 'bool' does not convert int"]),
        ("text.startswith('a')", ["6: unknown function 'startswith'; did you mean 'startsWith'?"]),
        ("startsWith(text, 'a')", ["1: 'startsWith' is called as text.startsWith(part)"]),
        ("size(text, text) > 0", ["1: 'size' is called as size(value)"]),
        ("count.int() > 0", ["7: 'int' is called as int(value)"]),
        ("size(count) > 0", ["6: 'size' needs string, bytes or a list; this is int"]),
        ("text.contains(1)", ["15: 'contains' needs string; this is int"]),
        // All the type errors of a rule, in one run.
        (
            "ordr.units > 0 && order.unist > 0 || !count",
            [
                "1: unknown name 'ordr'; did you mean 'order'?",
                "25: unknown field 'unist' of Order; did you mean 'units'?",
                "39: '!' needs bool; this is int",
            ]
        ),
    ]

    @Test(arguments: requirements) func requirement(_ test: Case) {
        #expect(Fixture.Place.requirement.mistakes(test.rule) == test.mistakes)
    }

    static let invariants: [Case] = [
        (
            "self.customer.credit > 0",
            [
                "15: a rule of Order may read only the Order itself, not its Customer; "
                    + "state a limit over many Order entities on Customer, with a derived value"
            ]
        ),
        (
            "oldSelf.customer.key == 1",
            [
                "18: a rule of Order may read only the Order itself, not its Customer; "
                    + "state a limit over many Order entities on Customer, with a derived value"
            ]
        ),
        ("order.units > 0", ["1: unknown name 'order'; expected one of self, oldSelf"]),
        ("old_self.units > 0", ["1: unknown name 'old_self'; did you mean 'oldSelf'?"]),
        (
            "self.units > now",
            ["14: an invariant holds at any time; 'now' is for operations"]
        ),
        ("delta(Order.units) > 0", ["1: 'delta' is for transaction_invariants"]),
    ]

    @Test(arguments: invariants) func invariant(_ test: Case) {
        #expect(Fixture.Place.invariant.mistakes(test.rule) == test.mistakes)
    }

    static let conditions: [Case] = [
        ("self.parts > 0", []),
        (
            "self.urgent || now > timestamp(0)",
            ["16: a 'where' rule holds at any time; 'now' is for operations"]
        ),
        ("delta(Order) == 0", ["1: 'delta' is for transaction_invariants"]),
        ("oldSelf.urgent", ["1: a 'where' rule reads one state; 'oldSelf' is for invariants"]),
        (
            "self.customer.credit > 0",
            [
                "15: a rule of Order may read only the Order itself, not its Customer; "
                    + "state a limit over many Order entities on Customer, with a derived value"
            ]
        ),
        ("self.units", ["6: a rule needs bool; this is int"]),
    ]

    @Test(arguments: conditions) func condition(_ test: Case) {
        #expect(Fixture.Place.condition.mistakes(test.rule) == test.mistakes)
    }

    static let effects: [Case] = [
        ("order.units", ["12: expected '=', '+=' or '-=', found the end"]),
        ("order.units == 1", ["13: expected '=', '+=' or '-=', found '=='"]),
        ("order.units = 1 2", ["17: expected an operator or the end, found '2'"]),
        ("count = 1", ["1: only a field can be assigned, as in account.balance = 0"]),
        ("order.key = 'a'", ["7: a key can't be assigned; delete and create instead"]),
        (
            "order.parts = 1",
            [
                "7: 'parts' is a derived value; it follows from the entities that it counts"
            ]
        ),
        (
            "order.unit = tru",
            [
                "7: unknown field 'unit' of Order; did you mean 'units'?",
                "14: unknown name 'tru'; expected one of order, other, customer, count, number, "
                    + "money, fine, text, choice, color, now",
            ]
        ),
        ("order.units = text", ["15: 'units' holds int; this is string"]),
        (
            "order.units = number",
            [
                "15: 'units' holds int; this is uint; convert with int(...)"
            ]
        ),
        (
            "order.price = fine",
            [
                "15: 'price' holds decimal(2); this is decimal(3); fraction digits are never dropped"
            ]
        ),
        ("order.price = 0.125", ["15: 0.125 has 3 fraction digits; decimal(2) holds 2"]),
        (
            "order.price -= fine",
            [
                "13: 'price' holds decimal(2); this is decimal(3); fraction digits are never dropped"
            ]
        ),
        (
            "order.units += 'a'",
            [
                "13: '+' needs two values of int, uint, double, decimal, string, bytes, duration or list; these are int and string"
            ]
        ),
        ("order.note -= 'a'", ["12: '-=' can't change 'note', which is string"]),
        ("order.urgent += true", ["14: '+=' can't change 'urgent', which is bool"]),
        ("order.state += 'open'", ["13: '+=' can't change 'state', which is enum"]),
        ("order.customer += customer", ["16: '+=' can't change 'customer', which is Customer"]),
        ("order.customer = other", ["18: 'customer' holds Customer; this is Order"]),
        (
            "order.state = text",
            [
                "15: 'state' holds enum; this is string; "
                    + "an enum meets one of its values in quotes, or an enum with the same values"
            ]
        ),
        (
            "order.note = null",
            [
                "14: 'note' always has a value; only an optional field can be null"
            ]
        ),
        (
            "create Customer(1) { credit: null }",
            [
                "30: 'credit' always has a value; only an optional field can be null"
            ]
        ),
        (
            "order.price = double(count)",
            [
                "15: 'price' holds decimal(2); this is double; a double never becomes a decimal"
            ]
        ),
        ("delete count", ["8: 'delete' needs an entity; this is int"]),
        ("delete order, other", ["13: expected an operator or the end, found ','"]),
        ("create Ordr(text) { units: 1 }", ["8: unknown type 'Ordr'; did you mean 'Order'?"]),
        ("create Order(text)", ["8: 'create Order' has no value for customer, units"]),
        ("create Order { units: 1 }", ["14: expected '(' and the key, found '{'"]),
        ("create Customer(text)", ["17: the key of Customer holds uint; this is string"]),
        ("create Customer(-1)", ["17: -1 is negative; a uint is not"]),
        ("create Customer(1) { credit: 1, credit: 2 }", ["33: 'credit' is given twice"]),
        ("create Customer(1) { owed: 1 }", ["22: 'owed' is a derived value; it can't be given"]),
        (
            "create Customer(1) { kredit: 1 }",
            [
                "22: unknown field 'kredit' of Customer; did you mean 'credit'?"
            ]
        ),
        (
            "create Customer(1) { name: 1 }",
            ["22: unknown field 'name' of Customer; expected credit"]
        ),
        (
            "create Customer(1) { credit: 0.125 }",
            [
                "30: 0.125 has 3 fraction digits; decimal(2) holds 2"
            ]
        ),
        (
            "create Customer(1) { credit 1 }",
            [
                "29: expected ':' after the field 'credit', found '1'"
            ]
        ),
        (
            "create Customer(1) { credit: 1 customer: 2 }",
            ["32: expected ',' or '}', found 'customer'"]
        ),
    ]

    @Test(arguments: effects) func effect(_ test: Case) {
        #expect(Fixture.Place.effect.mistakes(test.rule) == test.mistakes)
    }

    @Test func aDeletedParameterIsGone() {
        let effects = "delete order\n      - other.units += order.units\n      - delete order"
        let expected = "'order' is used after an effect that deletes it"
        let diagnostics = Fixture.diagnostics(of: Fixture.file(effect: effects))
        #expect(diagnostics.map(\.message) == [expected, expected])
        #expect(diagnostics.map(\.location.column) == [24, 16])
    }
}
