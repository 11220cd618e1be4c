internal import AtomicStateSchema
internal import AtomicStateValues

/// Arguments on their way into a frame.
extension Engine {
    /// Puts a transaction's arguments into its frame; a rejection if one is not a value of its
    /// parameter's type, or refers to an entity that does not exist.
    ///
    /// Mutating only because the compiler copies the whole engine to lend it.
    @inline(__always)
    mutating func bind(
        _ arguments: borrowing ArgumentCursor, to parameters: UnsafeBufferPointer<ParameterSlot>,
        _ frame: UnsafeMutablePointer<UInt64>
    ) -> Verdict? {
        for index in 0..<parameters.count {
            let slot = parameters[index]
            let register = Int(slot.register)
            switch slot.kind {
            case .word:
                frame[register] = arguments.word(of: index)
            case .bounded(let greatest):
                frame[register] = arguments.word(of: index)
                guard frame[register] <= greatest else {
                    return .rejected(.argumentOutOfRange, rule: slot.rule, entity: nil)
                }
            case .text(byteCountMax: let byteCountMax):
                let text = arguments.text(of: index)
                if let code = Self.check(text, byteCountMax: byteCountMax) {
                    return .rejected(code, rule: slot.rule, entity: nil)
                }
                frame[register] = UInt64(UInt(bitPattern: text.baseAddress))
                frame[register + 1] = UInt64(text.count)
            case .bytes(byteCountMax: let byteCountMax):
                let bytes = arguments.text(of: index)
                guard bytes.count <= byteCountMax else {
                    return .rejected(.textTooLong, rule: slot.rule, entity: nil)
                }
                frame[register] = UInt64(UInt(bitPattern: bytes.baseAddress))
                frame[register + 1] = UInt64(bytes.count)
            case .uuid:
                let bytes = arguments.text(of: index)
                guard bytes.count == UUIDValue.byteCount else {
                    return .rejected(.argumentOutOfRange, rule: slot.rule, entity: nil)
                }
                frame[register] = UInt64(UInt(bitPattern: bytes.baseAddress))
                frame[register + 1] = UInt64(bytes.count)
            case .time(let kind):
                frame[register] = arguments.word(of: index)
                frame[register + 1] = arguments.nanoseconds(of: index)
                guard kind.contains((frame + register).time) else {
                    return .rejected(.argumentOutOfRange, rule: slot.rule, entity: nil)
                }
            case .reference(type: let type):
                if let code = check(key: index, of: arguments, type: type) {
                    return .rejected(code, rule: slot.rule, entity: nil)
                }
                guard let row = stores[type].find(key(index, of: arguments, type: type)) else {
                    return .rejected(.entityMissing, rule: slot.rule, entity: nil)
                }
                frame[register] = UInt64(UInt(bitPattern: row))
            case .key(type: let type):
                if let code = check(key: index, of: arguments, type: type) {
                    return .rejected(code, rule: slot.rule, entity: nil)
                }
                switch key(index, of: arguments, type: type) {
                case .number(let number): frame[register] = number
                case .text(let text):
                    frame[register] = UInt64(UInt(bitPattern: text.baseAddress))
                    frame[register + 1] = UInt64(text.count)
                }
            }
        }
        return nil
    }

    @inline(__always)
    private func key(
        _ index: Int, of arguments: borrowing ArgumentCursor, type: Int
    ) -> Key {
        stores[type].shape.keyType.isText
            ? .text(arguments.text(of: index)) : .number(arguments.word(of: index))
    }

    /// Why an argument can't be a key of the type; nil if it can.
    @inline(__always)
    private func check(
        key index: Int, of arguments: borrowing ArgumentCursor, type: Int
    ) -> RejectionCode? {
        switch stores[type].shape.keyType {
        case .uint64:
            return nil
        case .string:
            return Self.check(
                arguments.text(of: index), byteCountMax: EngineLimits.keyByteCountMax)
        case .uuid:
            let isUUID = arguments.text(of: index).count == UUIDValue.byteCount
            return isUUID ? nil : .argumentOutOfRange
        }
    }

    private static func check(
        _ text: UnsafeRawBufferPointer, byteCountMax: Int
    ) -> RejectionCode? {
        guard text.count <= byteCountMax else { return .textTooLong }
        return isUTF8(text) ? nil : .textMalformed
    }
}
