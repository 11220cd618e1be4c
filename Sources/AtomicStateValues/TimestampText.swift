/// Timestamps as RFC 3339 has them: `2009-02-13T23:31:30.5Z`, `2009-02-14T01:31:30+02:00`.
enum TimestampText {
    static func parse(_ text: UnsafeRawBufferPointer) -> TimeValue? {
        var scanner = TextScanner(text)
        guard let year = scanner.number(digits: 4), scanner.skip("-"),
            let month = scanner.number(digits: 2), scanner.skip("-"),
            let day = scanner.number(digits: 2), scanner.skip("T"),
            let hours = scanner.number(digits: 2), scanner.skip(":"),
            let minutes = scanner.number(digits: 2), scanner.skip(":"),
            let seconds = scanner.number(digits: 2),
            let nanoseconds = fraction(&scanner), let offset = offset(&scanner), scanner.isAtEnd
        else { return nil }
        guard (1...12).contains(month), hours < 24, minutes < 60, seconds < 60,
            (1...CivilDate.dayCount(ofMonth: month, year: year)).contains(day)
        else { return nil }
        let days = CivilDate(year: year, month: month, day: day).daysSince1970
        let value = TimeValue(
            seconds: days * 86_400 + hours * 3_600 + minutes * 60 + seconds - offset,
            nanoseconds: nanoseconds)
        return TimeKind.timestamp.contains(value) ? value : nil
    }

    /// In UTC, with no more fraction digits than needed.
    static func text(of value: TimeValue) -> String {
        let (date, secondOfDay) = CivilDate.split(value.seconds)
        let day = "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))"
        let minute = "\(padded(secondOfDay / 3_600, 2)):\(padded(secondOfDay / 60 % 60, 2))"
        let second = padded(secondOfDay % 60, 2) + fraction(value.nanoseconds)
        return "\(day)T\(minute):\(second)Z"
    }

    /// ".5" for 500,000,000, nothing for 0.
    static func fraction(_ nanoseconds: Int64) -> String {
        guard nanoseconds != 0 else { return "" }
        var digits = padded(nanoseconds, 9)[...]
        while digits.last == "0" { digits.removeLast() }
        return "." + digits
    }

    private static func padded(_ number: Int64, _ count: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, count - digits.utf8.count)) + digits
    }

    /// The nanoseconds of up to nine digits after a point; 0 without a point.
    private static func fraction(_ scanner: inout TextScanner) -> Int64? {
        guard scanner.skip(".") else { return 0 }
        guard var nanoseconds = scanner.digit() else { return nil }
        var count = 1
        while count < 9, let digit = scanner.digit() {
            nanoseconds = nanoseconds * 10 + digit
            count += 1
        }
        for _ in count..<9 { nanoseconds *= 10 }
        return nanoseconds
    }

    private static func offset(_ scanner: inout TextScanner) -> Int64? {
        scanner.skip("Z") ? 0 : TimeZoneOffset.parse(&scanner, signIsOptional: false)
    }
}

/// The difference of a fixed time zone from UTC.
package enum TimeZoneOffset {
    /// The seconds of `UTC`, `+05:45` or `-03:30`; nil for anything else.
    ///
    /// A named zone is refused: its rules come from a data base that changes, and the same
    /// transaction has to lead to the same result whenever the journal is carried out again.
    package static func seconds(_ text: UnsafeRawBufferPointer) -> Int64? {
        var scanner = TextScanner(text)
        if scanner.skip(word: "UTC") { return scanner.isAtEnd ? 0 : nil }
        let offset = parse(&scanner, signIsOptional: true)
        return scanner.isAtEnd ? offset : nil
    }

    package static func seconds(_ text: String) -> Int64? {
        var text = text
        return text.withUTF8 { seconds(UnsafeRawBufferPointer($0)) }
    }

    static func parse(_ scanner: inout TextScanner, signIsOptional: Bool) -> Int64? {
        let isNegative = scanner.skip("-")
        guard isNegative || scanner.skip("+") || signIsOptional,
            let hours = scanner.number(digits: 2), hours < 24, scanner.skip(":"),
            let minutes = scanner.number(digits: 2), minutes < 60
        else { return nil }
        let seconds = hours * 3_600 + minutes * 60
        return isNegative ? -seconds : seconds
    }
}
