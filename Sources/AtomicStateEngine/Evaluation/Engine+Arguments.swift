internal import AtomicStateSchema
internal import AtomicStateValues
internal import CPlatform

/// Arguments on their way into a frame.
extension Engine {
    /// Puts a transaction's arguments into its frame; a rejection if one is not a value of its
    /// parameter's type, or refers to an entity that does not exist.
    ///
    /// - Parameter likelyRows: of each reference, as `RowLookahead` found them.
    @inline(__always)
    mutating func bind(
        _ arguments: borrowing ArgumentCursor, to parameters: UnsafeBufferPointer<ParameterSlot>,
        _ frame: UnsafeMutablePointer<UInt64>, likelyRows: UnsafePointer<UInt64>
    ) -> Verdict? {
        var likelyRow = likelyRows
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
                let key = arguments.key(of: index)
                let likely = likelyRow.pointee
                likelyRow += Lookahead.rows.placeCount
                if isEntity(likely, key) {
                    frame[register] = likely
                    continue
                }
                if let code = check(key, type: type) {
                    return .rejected(code, rule: slot.rule, entity: nil)
                }
                guard let row = stores[type].find(key) else {
                    return .rejected(.entityMissing, rule: slot.rule, entity: nil)
                }
                frame[register] = UInt64(UInt(bitPattern: row))
            case .key(type: let type):
                let key = arguments.key(of: index)
                if let code = check(key, type: type) {
                    return .rejected(code, rule: slot.rule, entity: nil)
                }
                switch key {
                case .number(let number): frame[register] = number
                case .text(let text):
                    frame[register] = UInt64(UInt(bitPattern: text.baseAddress))
                    frame[register + 1] = UInt64(text.count)
                }
            }
        }
        return nil
    }

    /// Binds the arguments of the next transactions, column by column, if their form's routine allows it.
    ///
    /// - Parameters:
    ///   - count: at most those of a step of the look-ahead.
    ///   - likelyRows: of each reference, of the first one and those after it.
    /// - Returns: a bit for each transaction whose arguments are in its frame, the first one's being the lowest.
    ///   The others are for `bind`, which says what is wrong with them.
    @inline(never)
    mutating func bindAhead(
        _ arguments: borrowing ArgumentCursor, count: Int, form: Int,
        likelyRows: UnsafePointer<UInt64>
    ) -> UInt64 {
        guard routines[form].bindsAhead else { return 0 }
        let parameters = routines[form].parameters
        let frames = routines[form].frames
        let stride = routines[form].frameStride
        let first = arguments.transaction
        var missing: UInt64 = 0
        var likelyRow = likelyRows
        for index in 0..<parameters.count {
            let slot = parameters[index]
            let source = arguments.source(of: index)
            var place = frames + Int(slot.register)
            switch slot.kind {
            case .word, .bounded:
                let greatest =
                    if case .bounded(let greatest) = slot.kind { greatest } else { UInt64.max }
                // As the keys of references, which the look-ahead asks for.
                prefetch(
                    source.column.words.unsafelyUnwrapped + (first &+ 2 &* Lookahead.rows.step))
                for offset in 0..<count {
                    let word = source.word(of: first &+ offset)
                    if word > greatest { missing |= 1 << UInt64(offset) }
                    place.pointee = word
                    place += stride
                }
            case .reference:
                // Two loops, lest each transaction ask which kind of keys there are.
                if var texts = ArgumentColumn.Texts(source) {
                    for offset in 0..<count {
                        let key = Key.text(texts.next(first &+ offset))
                        if !isEntity(likelyRow[offset], key) { missing |= 1 << UInt64(offset) }
                    }
                } else {
                    for offset in 0..<count {
                        let key = Key.number(source.word(of: first &+ offset))
                        if !isEntity(likelyRow[offset], key) { missing |= 1 << UInt64(offset) }
                    }
                }
                for offset in 0..<count {
                    place.pointee = likelyRow[offset]
                    place += stride
                }
                likelyRow += Lookahead.rows.placeCount
            case .text, .bytes, .uuid, .time, .key:
                preconditionFailure("the routine allows no binding ahead")
            }
        }
        return ~missing
    }

    /// Whether a row that was found a while ago, at an address that may be 0, is an entity with the key.
    @inline(__always)
    private func isEntity(_ address: UInt64, _ key: Key) -> Bool {
        address != 0 && rowAt(address)[RowLayout.flagsOffset] & RowFlags.exists != 0
            && key.isKey(of: rowAt(address))
    }

    /// Why an argument can't be a key of the type; nil if it can.
    private mutating func check(_ key: Key, type: Int) -> RejectionCode? {
        guard case .text(let text) = key else { return nil }
        return if stores[type].shape.keyType == .uuid {
            text.count == UUIDValue.byteCount ? nil : .argumentOutOfRange
        } else {
            Self.check(text, byteCountMax: EngineLimits.keyByteCountMax)
        }
    }

    private static func check(
        _ text: UnsafeRawBufferPointer, byteCountMax: Int
    ) -> RejectionCode? {
        guard text.count <= byteCountMax else { return .textTooLong }
        return isUTF8(text) ? nil : .textMalformed
    }
}
