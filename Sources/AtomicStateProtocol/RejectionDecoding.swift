internal import Glibc

/// Reads the rejections of one reply. Mostly a rule is broken many times in a row, so that texts are those of
/// the rejection before, whose Strings are taken again.
struct RejectionReader {
    static let tag = WireType.bytes.tag(3)

    private var rule = RecentText()
    private var entityType = RecentText()
    private var entityKey = RecentText()
    private var message = RecentText()
    private var observations: [(name: RecentText, value: RecentText, before: RecentText)] = []
    private var value = RecentText()
    private var limit = RecentText()

    mutating func rejection(_ field: WireReader) throws(UnusualForm) -> Rejection {
        var rejection = Rejection(
            index: 0, code: 0, rule: "", entityType: "", entityKey: "", message: "",
            observations: [], retryCanHelp: false)
        var reader = field
        while let tag = reader.nextTag() {
            switch tag {
            case WireType.varint.tag(1): rejection.index = Int(try reader.uint32())
            case WireType.varint.tag(2): rejection.code = try reader.uint32()
            case WireType.bytes.tag(3): rejection.rule = try rule.text(reader.bytes())
            case WireType.bytes.tag(4): rejection.entityType = try entityType.text(reader.bytes())
            case WireType.bytes.tag(5): rejection.entityKey = try entityKey.text(reader.bytes())
            case WireType.bytes.tag(6): rejection.message = try message.text(reader.bytes())
            case WireType.bytes.tag(7):
                if rejection.observations.isEmpty {
                    rejection.observations.reserveCapacity(max(1, observations.count))
                }
                rejection.observations.append(
                    try observation(reader.message(), at: rejection.observations.count))
            case WireType.varint.tag(8): rejection.retryCanHelp = try reader.bool()
            case WireType.bytes.tag(9): rejection.value = try value.text(reader.bytes())
            case WireType.bytes.tag(10): rejection.limit = try limit.text(reader.bytes())
            default: throw UnusualForm()
            }
        }
        return rejection
    }

    private mutating func observation(
        _ field: WireReader, at index: Int
    ) throws(UnusualForm) -> Rejection.Observation {
        if index == observations.count {
            observations.append((RecentText(), RecentText(), RecentText()))
        }
        var observation = Rejection.Observation(name: "", value: "")
        var reader = field
        while let tag = reader.nextTag() {
            switch tag {
            case WireType.bytes.tag(1):
                observation.name = try observations[index].name.text(reader.bytes())
            case WireType.bytes.tag(2):
                observation.value = try observations[index].value.text(reader.bytes())
            case WireType.bytes.tag(3):
                observation.before = try observations[index].before.text(reader.bytes())
            default: throw UnusualForm()
            }
        }
        return observation
    }
}

/// The text that a field had last.
private struct RecentText {
    /// A part of the message that is being read.
    private var bytes = UnsafeRawBufferPointer(start: nil, count: 0)
    private var string = ""

    mutating func text(_ next: UnsafeRawBufferPointer) -> String {
        guard let start = next.baseAddress, next.count > 0 else { return "" }
        if next.count == bytes.count, let last = bytes.baseAddress,
            memcmp(start, last, next.count) == 0
        {
            return string
        }
        bytes = next
        string = String(decoding: next, as: UTF8.self)
        return string
    }
}
