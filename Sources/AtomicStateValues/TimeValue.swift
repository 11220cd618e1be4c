/// A point in time, counted from 1970-01-01T00:00:00Z, or a length of time.
///
/// Two words, because neither the years 1 to 9999 nor the differences between them fit 64 bits in
/// nanoseconds.
package struct TimeValue: Hashable, Comparable, Sendable, BitwiseCopyable {
    package static let nanosecondsPerSecond: Int64 = 1_000_000_000

    package let seconds: Int64
    /// What follows the seconds, 0 to 999,999,999; half a second before 1970 is -1 s and 500,000,000 ns.
    package let nanoseconds: Int64

    package init(seconds: Int64, nanoseconds: Int64) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    package static func < (left: TimeValue, right: TimeValue) -> Bool {
        left.seconds != right.seconds
            ? left.seconds < right.seconds : left.nanoseconds < right.nanoseconds
    }

    /// Neither can overflow: a valid time's seconds have 40 bits.
    package static func + (left: TimeValue, right: TimeValue) -> TimeValue {
        let nanoseconds = left.nanoseconds + right.nanoseconds
        let carry: Int64 = nanoseconds >= nanosecondsPerSecond ? 1 : 0
        return TimeValue(
            seconds: left.seconds + right.seconds + carry,
            nanoseconds: nanoseconds - carry * nanosecondsPerSecond)
    }

    package static func - (left: TimeValue, right: TimeValue) -> TimeValue {
        let nanoseconds = left.nanoseconds - right.nanoseconds
        let borrow: Int64 = nanoseconds < 0 ? 1 : 0
        return TimeValue(
            seconds: left.seconds - right.seconds - borrow,
            nanoseconds: nanoseconds + borrow * nanosecondsPerSecond)
    }
}

/// Which of the two a `TimeValue` is, and so what it may be.
package enum TimeKind: UInt8, Sendable, BitwiseCopyable {
    /// From 0001-01-01T00:00:00Z to the last nanosecond of the year 9999, as
    /// google.protobuf.Timestamp.
    case timestamp
    /// At most 315,576,000,000 seconds (10,000 years) either way, as google.protobuf.Duration.
    case duration

    package func contains(_ value: TimeValue) -> Bool {
        guard (0..<TimeValue.nanosecondsPerSecond).contains(value.nanoseconds) else { return false }
        switch self {
        case .timestamp:
            return (-62_135_596_800...253_402_300_799).contains(value.seconds)
        case .duration:
            let limit: Int64 = 315_576_000_000
            return (-limit..<limit).contains(value.seconds)
                || value.seconds == limit && value.nanoseconds == 0
        }
    }

    package func parse(_ text: UnsafeRawBufferPointer) -> TimeValue? {
        switch self {
        case .timestamp: TimestampText.parse(text)
        case .duration: DurationText.parse(text)
        }
    }

    package func parse(_ text: String) -> TimeValue? {
        var text = text
        return text.withUTF8 { parse(UnsafeRawBufferPointer($0)) }
    }

    package func text(of value: TimeValue) -> String {
        switch self {
        case .timestamp: TimestampText.text(of: value)
        case .duration: DurationText.text(of: value)
        }
    }
}
