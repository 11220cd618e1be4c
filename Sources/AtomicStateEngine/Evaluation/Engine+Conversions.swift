internal import AtomicStateSchema
internal import AtomicStateValues

// Instructions that are too long or too rare for the loop that evaluates. Each returns nil, or why the
// instruction fails. They are kept out of the loop's function, whose registers they would take.

extension Engine {
    @inline(never)
    mutating func convert(
        _ step: Instruction, _ frame: UnsafeMutablePointer<UInt64>
    ) -> RejectionCode? {
        let target = frame + Int(step.a)
        let word = frame[Int(step.b)]
        switch step.opcode {
        case .doubleFromInt:
            target[0] = Double(Int64(bitPattern: word)).bitPattern
        case .doubleFromUInt:
            target[0] = Double(word).bitPattern
        case .intFromDouble:
            // The ends of 64 bits are excluded, because a double there may stand for one beyond.
            let value = Double(bitPattern: word)
            guard value > -0x1p63, value < 0x1p63 else { return .conversionFailed }
            target[0] = UInt64(bitPattern: Int64(value))
        case .uintFromDouble:
            let value = Double(bitPattern: word)
            guard value >= 0, value < 0x1p64 else { return .conversionFailed }
            target[0] = UInt64(value)
        case .timestampFromInt:
            let value = TimeValue(seconds: Int64(bitPattern: word), nanoseconds: 0)
            guard TimeKind.timestamp.contains(value) else { return .conversionFailed }
            target.store(value)
        case .format:
            keepTemporary(format(step, frame), in: target)
        case .parse:
            return parse(text(frame, Int(step.b)), as: Self.form(of: step), into: target)
        case .validateText:
            guard isUTF8(text(frame, Int(step.b))) else { return .conversionFailed }
            target.update(from: frame + Int(step.b), count: 2)
        case .zoneOffset:
            guard let offset = TimeZoneOffset.seconds(text(frame, Int(step.b))) else {
                return .conversionFailed
            }
            target[0] = UInt64(bitPattern: offset)
        default:
            preconditionFailure("\(step.opcode) is no conversion")
        }
        return nil
    }

    private func format(_ step: Instruction, _ frame: UnsafeMutablePointer<UInt64>) -> String {
        let register = Int(step.b)
        switch Self.form(of: step) {
        case .bool: return frame[register] == 0 ? "false" : "true"
        case .int: return String(Int64(bitPattern: frame[register]))
        case .uint: return String(frame[register])
        case .double: return DoubleText.text(of: Double(bitPattern: frame[register]))
        case .decimal:
            return DecimalText.text(of: Int64(bitPattern: frame[register]), scale: Int(step.c))
        case .timestamp: return TimeKind.timestamp.text(of: (frame + register).time)
        case .duration: return TimeKind.duration.text(of: (frame + register).time)
        case .uuid:
            guard let value = UUIDValue(text(frame, register)[...]) else {
                preconditionFailure("a uuid has 16 bytes")
            }
            return value.text
        }
    }

    private mutating func parse(
        _ text: UnsafeRawBufferPointer, as form: TextForm, into target: UnsafeMutablePointer<UInt64>
    ) -> RejectionCode? {
        switch form {
        case .bool:
            guard let value = Self.bool(text) else { return .conversionFailed }
            target[0] = value ? 1 : 0
        case .int:
            guard let value = Int64(String(decoding: text, as: UTF8.self)) else {
                return .conversionFailed
            }
            target[0] = UInt64(bitPattern: value)
        case .uint:
            guard let value = UInt64(String(decoding: text, as: UTF8.self)) else {
                return .conversionFailed
            }
            target[0] = value
        case .double:
            guard let value = DoubleText.parse(text) else { return .conversionFailed }
            target[0] = value.bitPattern
        case .timestamp, .duration:
            let kind: TimeKind = form == .timestamp ? .timestamp : .duration
            guard let value = kind.parse(text) else { return .conversionFailed }
            target.store(value)
        case .uuid:
            guard let value = UUIDValue(text) else { return .conversionFailed }
            value.bytes.withUnsafeBytes { keepTemporary($0, in: target) }
        case .decimal:
            preconditionFailure("the checker admits no conversion of text to decimal")
        }
        return nil
    }

    private static func form(of step: Instruction) -> TextForm {
        guard let form = TextForm(rawValue: step.operand) else {
            preconditionFailure("the compiler writes the operand")
        }
        return form
    }

    /// The spellings that CEL knows (language definition, "bool(string)").
    private static func bool(_ text: UnsafeRawBufferPointer) -> Bool? {
        switch String(decoding: text, as: UTF8.self) {
        case "1", "t", "T", "true", "TRUE", "True": true
        case "0", "f", "F", "false", "FALSE", "False": false
        default: nil
        }
    }

    private mutating func keepTemporary(_ text: String, in register: UnsafeMutablePointer<UInt64>) {
        var text = text
        text.withUTF8 { keepTemporary(UnsafeRawBufferPointer($0), in: register) }
    }

    /// A copy of the bytes that lives until the transaction's end.
    private mutating func keepTemporary(
        _ bytes: UnsafeRawBufferPointer, in register: UnsafeMutablePointer<UInt64>
    ) {
        let block = textHeap.allocate(bytes)
        temporaryTexts.append(block)
        register[0] = UInt64(UInt(bitPattern: TextHeap.bytes(of: block)))
        register[1] = UInt64(bytes.count)
    }
}

// MARK: Times

@inline(never)
func calculateTime(
    _ step: Instruction, _ frame: UnsafeMutablePointer<UInt64>
) -> RejectionCode? {
    let target = frame + Int(step.a)
    let left = (frame + Int(step.b)).time
    switch step.opcode {
    case .addTime, .subtractTime:
        let right = (frame + Int(step.c)).time
        let result = step.opcode == .addTime ? left + right : left - right
        guard let kind = TimeKind(rawValue: UInt8(step.operand)), kind.contains(result) else {
            return .arithmeticOverflow
        }
        target.store(result)
    case .equalTime:
        target[0] = left == (frame + Int(step.c)).time ? 1 : 0
    case .lessTime:
        target[0] = left < (frame + Int(step.c)).time ? 1 : 0
    case .lessOrEqualTime:
        target[0] = left <= (frame + Int(step.c)).time ? 1 : 0
    case .timestampPart, .durationPart:
        guard let part = TimePart(rawValue: UInt8(step.operand)) else {
            preconditionFailure("the compiler writes the operand")
        }
        let value =
            step.opcode == .durationPart
            ? part.value(ofDuration: left)
            : part.value(
                ofTimestamp: left, zoneOffset: Int64(bitPattern: frame[Int(step.c)]))
        target[0] = UInt64(bitPattern: value)
    default:
        preconditionFailure("\(step.opcode) is not about times")
    }
    return nil
}

extension UnsafeMutablePointer<UInt64> {
    /// The time in a pair of registers, or in two words of a row.
    var time: TimeValue {
        TimeValue(seconds: Int64(bitPattern: self[0]), nanoseconds: Int64(bitPattern: self[1]))
    }

    fileprivate func store(_ value: TimeValue) {
        self[0] = UInt64(bitPattern: value.seconds)
        self[1] = UInt64(bitPattern: value.nanoseconds)
    }
}

// MARK: Numbers of different types

@inline(never)
func compareNumbers(_ left: UInt64, _ right: UInt64, _ operand: Int) -> Bool {
    let comparison = NumberComparison(operand: operand)
    let left = ExactNumber(left, comparison.left)
    let right = ExactNumber(right, comparison.right)
    switch comparison.comparison {
    case .equal: return left.isEqual(to: right)
    case .notEqual: return !left.isEqual(to: right)
    case .less: return left.isLess(than: right)
    case .lessOrEqual: return left.isLess(than: right) || left.isEqual(to: right)
    case .greater: return right.isLess(than: left)
    case .greaterOrEqual: return right.isLess(than: left) || left.isEqual(to: right)
    }
}

/// A number of any type as a point on one line, without rounding.
private enum ExactNumber {
    case integer(Int128)
    /// A double between integers, or beyond all that have 64 bits, or none at all.
    case double(Double)

    init(_ word: UInt64, _ type: NumberComparison.Number) {
        switch type {
        case .int: self = .integer(Int128(Int64(bitPattern: word)))
        case .uint: self = .integer(Int128(word))
        case .double:
            let value = Double(bitPattern: word)
            self = Int128(exactly: value).map { .integer($0) } ?? .double(value)
        }
    }

    func isEqual(to other: ExactNumber) -> Bool {
        switch (self, other) {
        case (.integer(let left), .integer(let right)): left == right
        case (.double(let left), .double(let right)): left == right
        case (.integer, .double), (.double, .integer): false
        }
    }

    func isLess(than other: ExactNumber) -> Bool {
        switch (self, other) {
        case (.integer(let left), .integer(let right)): left < right
        case (.double(let left), .double(let right)): left < right
        case (.integer(let left), .double(let right)):
            right > 0x1p64 || right > -0x1p64 && left <= Int128(right.rounded(.down))
        case (.double(let left), .integer(let right)):
            left < -0x1p64 || left < 0x1p64 && Int128(left.rounded(.down)) < right
        }
    }
}
