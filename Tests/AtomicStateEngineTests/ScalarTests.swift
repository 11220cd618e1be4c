import AtomicStateEngine
import AtomicStateSchema
import AtomicStateValues
import Testing

/// What the definition of CEL says about scalars beyond its own test suite's cases.
@Suite struct ScalarTests {
    static let truths = [
        // Numbers of different types are points on one line.
        "9007199254740993 > 9007199254740992.0", "9007199254740993 != 9007199254740992.0",
        "9223372036854775807 < 9223372036854775808.0",
        "-9223372036854775808 == -9223372036854775808.0",
        "18446744073709551615u < 18446744073709551616.0",
        "18446744073709551615u > 9223372036854775807",
        "-1 < 0u", "1 < 18446744073709551615u", "1 > 0.5", "0u > -0.5", "-1 > -1.5", "-2 < -1.5",
        "1 < double('inf')", "1 > double('-inf')", "!(1 < double('nan'))", "1 != double('nan')",
        "!(1u >= double('nan'))", "1 in [1.0]", "!(2u in [1.5, 3.0])",
        // Doubles.
        "1.0 / 0.0 == double('+Inf')", "-1.0 / 0.0 < -1e308", "0.1 + 0.2 != 0.3", "-(0.5) == -0.5",
        "!(double('nan') == double('nan'))", "double('nan') != double('nan')", "0.0 == -0.0",
        "!(double('nan') < 1.0) && !(double('nan') >= 1.0)",
        // Conversions.
        "int(-0.9) == 0", "int('-9223372036854775808') < 0", "uint('+5') == 5u", "uint(1.9) == 1u",
        "double('1e-3') == 0.001", "double(9223372036854775807) == 9223372036854775808.0",
        "string(true) == 'true'", "string(-5) == '-5'", "string(5u) == '5'", "string(1.5) == '1.5'",
        "string(b'abc') == 'abc'", "bytes('é') == b'\\xc3\\xa9'", "bool('TRUE') && !bool('f')",
        "string(timestamp(0)) == '1970-01-01T00:00:00Z'", "string(duration('1h')) == '3600s'",
        "int(timestamp('1969-12-31T23:59:59.5Z')) == -1",
        "string(uuid('F81D4FAE-7dec-11d0-a765-00a0c91e6bf6')) == 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'",
        "bytes(uuid('00000000-0000-0000-0000-0000000000ff')).size() == 16",
        // Text and bytes.
        "size('🦀é') == 2", "size(b'🦀é') == 6", "'a' + 'b' in ['ab']", "b'\\xff' > b'\\x7f\\xff'",
        "'' < 'a'", "'\\U0001F600' > '\\uFFFD'", "'aab'.contains('ab')", "!'a'.contains('aa')",
        // Times.
        "timestamp('2000-01-01T00:00:00Z') + duration('36h') == timestamp('2000-01-02T12:00:00Z')",
        "duration('1s') + timestamp(0) == timestamp(1)",
        "timestamp(0) - duration('1ns') < timestamp(0)",
        "timestamp('9999-12-31T23:59:59Z') - timestamp('0001-01-01T00:00:00Z') > duration('8760h')",
        "timestamp('2024-02-29T23:30:00Z').getDayOfYear('+01:00') == 60",
        "timestamp('2024-12-29T00:00:00Z').getDayOfWeek() == 0",
        "duration('-1.5s').getMilliseconds() == -500",
        // Lists.
        "[1, 2] + [3] == [1, 2, 3]", "[[1], []] != [[1]]", "[1, 2][1] == 2", "size([] + [1]) == 1",
        "['a', 'b'][1] == 'b'", "[timestamp(1), timestamp(2)][0] == timestamp(1)", "[1.5] == [1.5]",
        "[double('nan')] != [double('nan')]", "[true][0]",
        // Errors, and what absorbs them.
        "1 / 0 == 1 || true", "true || [1][1] == 1", "!(false && int('x') == 1)",
        "true ? true : 1 / 0 == 1", "null == null", "[null] == [null]",
    ]

    @Test(arguments: truths) func isTrue(text: String) throws {
        #expect(try evaluate(text) == .success([.word(1)]))
    }

    static let failures: [(String, RejectionCode)] = [
        ("1 / 0", .divisionByZero), ("1u % 0u", .divisionByZero),
        ("9223372036854775807 + 1", .arithmeticOverflow), ("0u - 1u", .arithmeticOverflow),
        ("-9223372036854775808 % -1", .arithmeticOverflow),
        ("int(9223372036854775807.0)", .conversionFailed),
        ("int(-9223372036854775808.0)", .conversionFailed),
        ("int(double('nan'))", .conversionFailed), ("uint(-0.5)", .conversionFailed),
        ("uint(18446744073709551616.0)", .conversionFailed), ("int('1.5')", .conversionFailed),
        ("int(' 1')", .conversionFailed), ("uint('-1')", .conversionFailed),
        ("double('1e999')", .conversionFailed), ("bool('yes')", .conversionFailed),
        ("string(b'\\xff')", .conversionFailed), ("string(b'\\xed\\xa0\\x80')", .conversionFailed),
        ("timestamp('2009' + '-02-13')", .conversionFailed),
        ("duration('' + '1d')", .conversionFailed),
        ("uuid('' + 'x')", .conversionFailed), ("timestamp(253402300800)", .conversionFailed),
        ("timestamp(0).getHours('Europe' + '/Paris')", .conversionFailed),
        ("timestamp('9999-12-31T23:59:59Z') + duration('1s')", .arithmeticOverflow),
        ("duration('315576000000s') + duration('1ns')", .arithmeticOverflow),
        ("[1, 2][2]", .indexOutOfRange), ("[1, 2][-1]", .indexOutOfRange),
        ("['a'][1]", .indexOutOfRange),
        ("[1 / 0, 2][1]", .divisionByZero), ("size([1 / 0])", .divisionByZero),
        ("[1 / 0] == []", .divisionByZero), ("1 in [1, 1 / 0]", .divisionByZero),
        ("false || 1 / 0 == 1", .divisionByZero), ("1 / 0 == 1 && true", .divisionByZero),
    ]

    @Test(arguments: failures) func fails(text: String, code: RejectionCode) throws {
        #expect(try evaluate(text) == .failure(code))
    }

    @Test func aTextThatIsPutTogetherIsBounded() throws {
        let compiled = try CompiledExpression(
            "size(x + x)", variables: [.init(name: "x", type: .string)])
        var engine = try emptyEngine()
        let memory = ArgumentMemory([[.text(String(repeating: "x", count: 40_000))]])
        #expect(engine.evaluate(compiled, arguments: memory.columns) == .failure(.textTooLong))
    }

    @Test func decimalsAreExact() throws {
        let variables: [CompiledExpression.Variable] = [
            .init(name: "money", type: .decimal(scale: 2)),
            .init(name: "rate", type: .decimal(scale: 4)),
        ]
        func holds(_ text: String) throws -> Bool {
            let compiled = try CompiledExpression(text, variables: variables)
            var engine = try emptyEngine()
            let memory = ArgumentMemory([[.int(-1_275), .int(12_345)]])
            return engine.evaluate(compiled, arguments: memory.columns) == .success([.word(1)])
        }
        #expect(try holds("money == -12.75 && rate == 1.2345"))
        #expect(try holds("money * rate == -15.739875"))
        #expect(try holds("money + rate == -11.5155"))
        #expect(try holds("int(money) == -12 && double(money) == -12.75"))
        #expect(try holds("string(money) == '-12.75' && string(rate) == '1.2345'"))
        #expect(try holds("money < 0 && money < -12.7 && money in [-12.75]"))
    }

    /// The sign is judged before the fraction digits are cut off.
    @Test(arguments: [(-1, nil), (-50, nil), (-100, nil), (0, 0), (50, 0), (199, 1)])
    func anUnsignedNumberOfADecimal(cents: Int64, expected: UInt64?) throws {
        let compiled = try CompiledExpression(
            "uint(money)", variables: [.init(name: "money", type: .decimal(scale: 2))])
        var engine = try emptyEngine()
        let memory = ArgumentMemory([[.int(cents)]])
        #expect(
            engine.evaluate(compiled, arguments: memory.columns)
                == expected.map { .success([.word($0)]) } ?? .failure(.conversionFailed))
    }

    private func emptyEngine() throws -> Engine {
        let schema = Schema(
            name: "none", entities: [], operations: [], transactionInvariants: [])
        return Engine(program: try Program(compiling: schema), schemaVersion: 1)
    }

    private func evaluate(_ text: String) throws -> Result<[EvaluatedValue], RejectionCode> {
        var engine = try emptyEngine()
        return engine.evaluate(try CompiledExpression(text), arguments: [])
    }
}
