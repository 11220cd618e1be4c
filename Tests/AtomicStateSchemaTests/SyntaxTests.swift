import Testing

@testable import AtomicStateSchema

@Suite struct LexerTests {
    static let literals: [(String, Token.Kind)] = [
        ("0", .integer(0)),
        ("007", .integer(7)),
        ("18446744073709551615", .integer(.max)),
        ("0xfF", .integer(255)),
        ("0XA", .integer(10)),
        ("12u", .unsigned(12)),
        ("0x10U", .unsigned(16)),
        ("12.50", .fraction("12.50")),
        (".5", .fraction(".5")),
        ("1e9", .fraction("1e9")),
        ("1.5E-3", .fraction("1.5e-3")),
        ("'a'", .string("a")),
        ("\"it's\"", .string("it's")),
        ("''", .string("")),
        ("'''a'b\nc'''", .string("a'b\nc")),
        ("\"\"\"a\"\"b\"\"\"", .string("a\"\"b")),
        (#"'\a\b\f\n\r\t\v\\\?\"\'\`'"#, .string("\u{07}\u{08}\u{0C}\n\r\t\u{0B}\\?\"'`")),
        (#"'\x41\X42\u00e9\U0001F600\101'"#, .string("AB\u{E9}\u{1F600}A")),
        (#"r'\n'"#, .string(#"\n"#)),
        (#"R"\d""#, .string(#"\d"#)),
        (#"r'''\'''"#, .string(#"\"#)),
        (#"b'\xff\001'"#, .bytes([255, 1])),
        (#"bR"\""#, .bytes([92])),
        ("'naïve 🦀'", .string("naïve 🦀")),
        ("_a1", .identifier("_a1")),
        ("b", .identifier("b")),
        ("rb", .identifier("rb")),
    ]

    @Test(arguments: literals) func literal(text: String, kind: Token.Kind) throws {
        let tokens = try Lexer.tokens(of: LocatedText(text))
        #expect(tokens.map(\.kind) == [kind, .end])
    }

    @Test func symbolsTakeTheLongestMatch() throws {
        let text = "== != <= >= < > && || ! + - * / % ? : . , ( ) [ ] { } = += -="
        let symbols = text.split(separator: " ").map { Token.Symbol(rawValue: String($0)) }
        let tokens = try Lexer.tokens(of: LocatedText(text))
        #expect(tokens.dropLast().map(\.kind) == symbols.compactMap { $0.map(Token.Kind.symbol) })
        #expect(tokens.count == symbols.count + 1)
        let dense = try Lexer.tokens(of: LocatedText("a<=-1==!b")).map(\.description)
        #expect(dense == ["'a'", "'<='", "'-'", "'1'", "'=='", "'!'", "'b'", "the end"])
    }

    @Test func commentsAndBlanksAreSkipped() throws {
        let tokens = try Lexer.tokens(of: LocatedText("a // b\n\t/ c //"))
        #expect(tokens.map(\.description) == ["'a'", "'/'", "'c'", "the end"])
        #expect(tokens.map(\.location.column) == [1, 9, 11, 15])
    }

    static let mistakes: [(String, Int, String)] = [
        ("a & b", 3, "unexpected '&'; the operator is '&&'"),
        ("a | b", 3, "unexpected '|'; the operator is '||'"),
        ("a # b", 3, "unexpected character '#'"),
        ("a ≤ b", 3, "unexpected character '≤'"),
        ("18446744073709551616", 1, "the number is too large; an integer has 64 bits"),
        ("0x10000000000000000", 1, "the number is too large; an integer has 64 bits"),
        ("0x", 3, "expected a hexadecimal digit after '0x'"),
        ("1e+", 4, "expected a digit of the exponent"),
        ("12ab", 3, "unexpected 'a' after a number"),
        ("1.5u", 4, "unexpected 'u' after a number"),
        ("x == 'abc", 6, "the string that begins here is not closed"),
        ("x == 'a\nb'", 6, "the string that begins here is not closed on its line"),
        ("'''a''", 1, "the string that begins here is not closed"),
        (#"'a\q'"#, 3, #"unknown escape '\q'; write '\\' for a backslash"#),
        (#"'\x4'"#, 2, "the escape needs 2 digits of base 16"),
        (#"'\39'"#, 2, "the escape needs 3 digits of base 8"),
        (#"'\ud800'"#, 2, "the escape is not a Unicode code point"),
        (#"'\UFFFFFFFF'"#, 2, "the escape is not a Unicode code point"),
        (#"b'\u0041'"#, 3, #"unknown escape '\u'; write '\\' for a backslash"#),
        (#"'\"#, 2, "the escape is not complete"),
    ]

    @Test(arguments: mistakes) func mistake(text: String, column: Int, message: String) {
        let expected = Diagnostic(SourceLocation(line: 1, column: column), message)
        #expect(throws: expected) { try Lexer.tokens(of: LocatedText(text)) }
    }
}

@Suite struct ExpressionSyntaxTests {
    static let trees = [
        ("a || b && c", "(a || (b && c))"),
        ("a && b == c < d", "(a && ((b == c) < d))"),
        ("a == b + c", "(a == (b + c))"),
        ("a + b * c - d", "((a + (b * c)) - d)"),
        ("a / b % c * d", "(((a / b) % c) * d)"),
        ("(a + b) * c", "((a + b) * c)"),
        ("!a.b || -c[0] < d", "((! a.b) || ((- c[0]) < d))"),
        ("!!a", "(! (! a))"),
        ("- -1", "(- (- 1))"),
        ("a ? b : c ? d : e", "(a ? b : (c ? d : e))"),
        ("a || b ? c : d", "((a || b) ? c : d)"),
        ("a in [1, 2,] && b", "((a in [1, 2]) && b)"),
        ("x in []", "(x in [])"),
        ("a.b.c(d, e).f", "a.b.c(d, e).f"),
        ("size(a) + int(b)", "(size(a) + int(b))"),
        ("a || b || c || d", "((a || b) || (c || d))"),
        ("a && b && c", "(a && (b && c))"),
        ("a - -1u", "(a - (- 1u))"),
        ("true != false", "(true != false)"),
        ("null == 'x'", "(null == \"x\")"),
    ]

    @Test(arguments: trees) func tree(text: String, sketch: String) throws {
        #expect(try SyntaxParser.expression(LocatedText(text)).sketch == sketch)
    }

    static let mistakes: [(String, Int, String)] = [
        ("", 1, "expected a value, found the end"),
        ("a +", 4, "expected a value, found the end"),
        ("a = b", 3, "unexpected '='; a comparison is written '=='"),
        ("a b", 3, "expected an operator or the end, found 'b'"),
        ("(a", 3, "expected ')', found the end"),
        ("a ? b", 6, "expected ':' of '?:', found the end"),
        ("f(a,)", 5, "expected a value, found ')'"),
        ("f(a b)", 5, "expected ',' or ')', found 'b'"),
        ("[1 2]", 4, "expected ',' or ']', found '2'"),
        ("[,]", 2, "expected a value, found ','"),
        ("a[1", 4, "expected ']', found the end"),
        ("a.1", 2, "expected an operator or the end, found '.1'"),
        ("a.'b'", 3, "expected a name after '.', found a string"),
        ("!-a", 2, "expected a value, found '-'"),
        (".a", 1, "expected a value, found '.'"),
        ("{'a': 1}", 1, "map literals are not supported by this version"),
        ("Team{a: 1}", 5, "message literals are not supported by this version"),
        ("a == while", 6, "expected a value, found the reserved word 'while'"),
        ("in [1]", 1, "expected a value, found the reserved word 'in'"),
        ("a += 1", 3, "expected an operator or the end, found '+='"),
    ]

    @Test(arguments: mistakes) func mistake(text: String, column: Int, message: String) {
        let expected = Diagnostic(SourceLocation(line: 1, column: column), message)
        #expect(throws: expected) { try SyntaxParser.expression(LocatedText(text)) }
    }

    @Test func operatorsCarryTheirOwnPlace() throws {
        let syntax = try SyntaxParser.expression(LocatedText("aa && bb && cc"))
        #expect(syntax.location.column == 4)
        guard case .binary(.and, _, let right) = syntax.kind else {
            Issue.record("not a conjunction")
            return
        }
        #expect(right.location.column == 10)
    }
}
