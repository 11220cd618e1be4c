/// A day of the proleptic Gregorian calendar.
///
/// The conversions are Howard Hinnant's (https://howardhinnant.github.io/date_algorithms.html): years
/// are counted from March, so that the leap day is a year's last, and in eras of 400 years.
struct CivilDate {
    let year: Int64
    /// 1 to 12.
    let month: Int64
    /// 1 to 31.
    let day: Int64

    private static let daysPerEra: Int64 = 146_097
    /// From 0000-03-01 to 1970-01-01.
    private static let epochDay: Int64 = 719_468

    init(year: Int64, month: Int64, day: Int64) {
        self.year = year
        self.month = month
        self.day = day
    }

    init(daysSince1970: Int64) {
        let days = daysSince1970 + Self.epochDay
        let era = floorDivide(days, Self.daysPerEra)
        let dayOfEra = days - era * Self.daysPerEra
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    var daysSince1970: Int64 {
        let yearFromMarch = month <= 2 ? year - 1 : year
        let era = floorDivide(yearFromMarch, 400)
        let yearOfEra = yearFromMarch - era * 400
        let monthFromMarch = month > 2 ? month - 3 : month + 9
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * Self.daysPerEra + dayOfEra - Self.epochDay
    }

    /// The date of a number of seconds since 1970, and the seconds since its midnight.
    static func split(_ seconds: Int64) -> (date: CivilDate, secondOfDay: Int64) {
        let days = floorDivide(seconds, 86_400)
        return (CivilDate(daysSince1970: days), seconds - days * 86_400)
    }

    static func dayCount(ofMonth month: Int64, year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

private func floorDivide(_ dividend: Int64, _ divisor: Int64) -> Int64 {
    let (quotient, remainder) = dividend.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? quotient - 1 : quotient
}

/// What CEL's accessors take out of a timestamp or a duration.
package enum TimePart: UInt8, Sendable, CaseIterable, BitwiseCopyable {
    case fullYear
    /// From 0, as `dayOfMonth` and `dayOfYear`; `date` counts from 1, and Sunday is `dayOfWeek` 0.
    case month
    case dayOfMonth, date, dayOfWeek, dayOfYear
    case hours, minutes, seconds, milliseconds

    /// - Parameter zoneOffset: the seconds that the zone is ahead of UTC.
    package func value(ofTimestamp value: TimeValue, zoneOffset: Int64) -> Int64 {
        let (date, secondOfDay) = CivilDate.split(value.seconds + zoneOffset)
        switch self {
        case .fullYear: return date.year
        case .month: return date.month - 1
        case .dayOfMonth: return date.day - 1
        case .date: return date.day
        case .dayOfWeek:
            // 1970-01-01 was a Thursday.
            let day = (date.daysSince1970 + 4) % 7
            return day < 0 ? day + 7 : day
        case .dayOfYear:
            let newYear = CivilDate(year: date.year, month: 1, day: 1)
            return date.daysSince1970 - newYear.daysSince1970
        case .hours: return secondOfDay / 3_600
        case .minutes: return secondOfDay / 60 % 60
        case .seconds: return secondOfDay % 60
        case .milliseconds: return value.nanoseconds / 1_000_000
        }
    }

    /// The whole hours, minutes or seconds in a duration, towards zero; of its milliseconds what
    /// exceeds the seconds.
    package func value(ofDuration value: TimeValue) -> Int64 {
        let isCut = value.seconds < 0 && value.nanoseconds > 0
        let seconds = isCut ? value.seconds + 1 : value.seconds
        let nanoseconds =
            isCut ? value.nanoseconds - TimeValue.nanosecondsPerSecond : value.nanoseconds
        switch self {
        case .hours: return seconds / 3_600
        case .minutes: return seconds / 60
        case .seconds: return seconds
        case .milliseconds: return nanoseconds / 1_000_000
        case .fullYear, .month, .dayOfMonth, .date, .dayOfWeek, .dayOfYear:
            preconditionFailure("a duration has no \(self)")
        }
    }
}
