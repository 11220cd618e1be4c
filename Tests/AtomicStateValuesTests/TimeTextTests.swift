import Testing

@testable import AtomicStateValues

@Suite struct TimestampTextTests {
    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0, 0, nil),
            ("2009-02-13T23:31:30Z", 1_234_567_890, 0, nil),
            ("2009-02-14T05:16:30+05:45", 1_234_567_890, 0, "2009-02-13T23:31:30Z"),
            ("2009-02-13T20:01:30-03:30", 1_234_567_890, 0, "2009-02-13T23:31:30Z"),
            ("1969-12-31T23:59:59.5Z", -1, 500_000_000, nil),
            ("2000-02-29T00:00:00.000000001Z", 951_782_400, 1, nil),
            ("0001-01-01T00:00:00Z", -62_135_596_800, 0, nil),
            ("9999-12-31T23:59:59.999999999Z", 253_402_300_799, 999_999_999, nil),
            ("0000-12-31T23:00:00-01:00", -62_135_596_800, 0, "0001-01-01T00:00:00Z"),
        ] as [(String, Int64, Int64, String?)])
    func readsAndWrites(text: String, seconds: Int64, nanoseconds: Int64, written: String?) {
        let value = TimeValue(seconds: seconds, nanoseconds: nanoseconds)
        #expect(TimeKind.timestamp.parse(text) == value)
        #expect(TimeKind.timestamp.text(of: value) == written ?? text)
    }

    @Test(arguments: [
        "", "2009-02-13", "2009-02-13T23:31:30", "2009-02-13 23:31:30Z", "2009-02-13t23:31:30Z",
        "2009-02-30T00:00:00Z", "2009-00-01T00:00:00Z", "2009-13-01T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2009-02-13T24:00:00Z", "2009-02-13T23:60:00Z", "2009-02-13T23:31:60Z",
        "2009-02-13T23:31:30.Z", "2009-02-13T23:31:30.0123456789Z", "2009-02-13T23:31:30+0100",
        "2009-02-13T23:31:30+24:00", "2009-02-13T23:31:30Z ", "0000-12-31T23:59:59Z",
        "9999-12-31T23:59:59-00:01", "10000-01-01T00:00:00Z", "-001-01-01T00:00:00Z",
    ])
    func refuses(text: String) {
        #expect(TimeKind.timestamp.parse(text) == nil)
    }

    /// Every day of the calendar, against a count of days.
    @Test func everyDayFollowsTheOneBefore() {
        var days: Int64 = -719_162
        for year in 1...9_999 as ClosedRange<Int64> {
            for month in 1...12 as ClosedRange<Int64> {
                let last = CivilDate.dayCount(ofMonth: month, year: year)
                for day in [1, last] {
                    let date = CivilDate(year: year, month: month, day: day)
                    guard date.daysSince1970 == days + day - 1 else {
                        Issue.record("\(date)")
                        return
                    }
                    let back = CivilDate(daysSince1970: days + day - 1)
                    guard back.year == year, back.month == month, back.day == day else {
                        Issue.record("\(back)")
                        return
                    }
                }
                days += last
            }
        }
        #expect(days == 2_932_897)
    }
}

@Suite struct DurationTextTests {
    @Test(
        arguments: [
            ("0s", 0, 0, nil), ("0", 0, 0, "0s"), ("00", 0, 0, "0s"), ("90s", 90, 0, nil),
            ("1.5s", 1, 500_000_000, nil),
            ("1h30m", 5_400, 0, "5400s"), ("-1.5h", -5_400, 0, "-5400s"),
            ("-0.5s", -1, 500_000_000, nil), ("-1ns", -1, 999_999_999, "-0.000000001s"),
            ("1us", 0, 1_000, "0.000001s"), ("1µs", 0, 1_000, "0.000001s"),
            ("10ms", 0, 10_000_000, "0.01s"), ("1m0.25s", 60, 250_000_000, "60.25s"),
            ("+5s", 5, 0, "5s"), (".5s", 0, 500_000_000, "0.5s"),
            ("0.0000000019s", 0, 1, "0.000000001s"),
            ("315576000000s", 315_576_000_000, 0, nil),
            ("-315576000000s", -315_576_000_000, 0, nil),
        ] as [(String, Int64, Int64, String?)])
    func readsAndWrites(text: String, seconds: Int64, nanoseconds: Int64, written: String?) {
        let value = TimeValue(seconds: seconds, nanoseconds: nanoseconds)
        #expect(TimeKind.duration.parse(text) == value)
        #expect(TimeKind.duration.text(of: value) == written ?? text)
    }

    @Test(arguments: [
        "", "5", "s", "1 s", "1d", "1h 30m", "--1s", "1s-", ".s", "1.s2", "0 ", "1e3s", "1S",
        "315576000000.000000001s", "-315576000001s", "99999999999999999999999h",
        "9999999999999999999999s",
    ])
    func refuses(text: String) {
        #expect(TimeKind.duration.parse(text) == nil)
    }

    @Test(
        arguments: [
            ("10000s", 2, 166, 10_000, 0), ("-10000.5s", -2, -166, -10_000, -500),
            ("-0.25s", 0, 0, 0, -250), ("59.999s", 0, 0, 59, 999),
        ] as [(String, Int64, Int64, Int64, Int64)])
    func parts(text: String, hours: Int64, minutes: Int64, seconds: Int64, milliseconds: Int64)
        throws
    {
        let value = try #require(TimeKind.duration.parse(text))
        let found = [TimePart.hours, .minutes, .seconds, .milliseconds].map {
            $0.value(ofDuration: value)
        }
        #expect(found == [hours, minutes, seconds, milliseconds])
    }
}

@Suite struct TimePartTests {
    @Test(
        arguments: [
            ("2009-02-13T23:31:30.25Z", "UTC", [2009, 1, 12, 13, 5, 43, 23, 31, 30, 250]),
            ("2009-02-13T23:31:30Z", "+00:30", [2009, 1, 13, 14, 6, 44, 0, 1, 30, 0]),
            ("2009-01-01T00:00:00Z", "-00:01", [2008, 11, 30, 31, 3, 365, 23, 59, 0, 0]),
            ("0001-01-01T00:00:00Z", "-01:00", [0, 11, 30, 31, 0, 365, 23, 0, 0, 0]),
            ("1969-12-31T23:59:59.999Z", "05:45", [1970, 0, 0, 1, 4, 0, 5, 44, 59, 999]),
        ] as [(String, String, [Int64])])
    func ofATimestamp(text: String, zone: String, parts: [Int64]) throws {
        let value = try #require(TimeKind.timestamp.parse(text))
        let offset = try #require(TimeZoneOffset.seconds(zone))
        #expect(TimePart.allCases.map { $0.value(ofTimestamp: value, zoneOffset: offset) } == parts)
    }

    @Test(arguments: ["", "utc", "Z", "Europe/Paris", "+5:45", "+24:00", "+01:60", "+01:00 "])
    func unknownZones(text: String) {
        #expect(TimeZoneOffset.seconds(text) == nil)
    }
}

@Suite struct DoubleTextTests {
    @Test(
        arguments: [
            (0, "0"), (-0.0, "-0"), (1, "1"), (-1.5, "-1.5"), (123.456, "123.456"), (0.1, "0.1"),
            (-0.0045, "-0.0045"), (0.0001, "0.0001"), (0.00001, "1e-05"), (100, "100"),
            (1e20, "100000000000000000000"), (1e21, "1e+21"), (6.02214e23, "6.02214e+23"),
            (5e-324, "5e-324"), (1.7976931348623157e308, "1.7976931348623157e+308"),
            (9_007_199_254_740_993, "9007199254740992"), (.infinity, "+Inf"), (-.infinity, "-Inf"),
        ] as [(Double, String)])
    func writes(value: Double, text: String) {
        #expect(DoubleText.text(of: value) == text)
        #expect(DoubleText.parse(text)?.bitPattern == value.bitPattern)
    }

    @Test(arguments: ["NaN", "nan", "-nan"])
    func readsNoNumber(text: String) {
        #expect(DoubleText.parse(text)?.isNaN == true)
    }

    @Test(arguments: [
        "", "+", ".", "e5", "1e", "0x1p3", "1_000", "1 ", "1e999", "-1e400", "1,5", "infinit",
    ])
    func refuses(text: String) {
        #expect(DoubleText.parse(text) == nil)
    }
}

@Suite struct UUIDValueTests {
    @Test func readsAndWrites() {
        let text = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
        #expect(UUIDValue(text)?.text == text)
        #expect(UUIDValue(text.uppercased())?.text == text)
        #expect(UUIDValue(text)?.bytes.first == 0xF8)
        #expect(UUIDValue(Array(repeating: 1, count: 15)) == nil)
    }

    @Test(arguments: [
        "", "f81d4fae-7dec-11d0-a765-00a0c91e6bf", "f81d4fae7dec11d0a76500a0c91e6bf6",
        "f81d4fae-7dec-11d0-a765-00a0c91e6bg6", "f81d4fae-7dec-11d0-a76500-a0c91e6bf6",
        "{81d4fae-7dec-11d0-a765-00a0c91e6bf6}",
    ])
    func refuses(text: String) {
        #expect(UUIDValue(text) == nil)
    }

    @Test func hexadecimalDigits() {
        #expect(HexText.parse("00fF") == [0, 255])
        #expect(HexText.text(of: [0, 255, 16]) == "00ff10")
        #expect(HexText.parse("") == [])
        #expect(HexText.parse("0") == nil)
        #expect(HexText.parse("0g") == nil)
    }
}
