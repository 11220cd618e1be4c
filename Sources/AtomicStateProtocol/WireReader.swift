/// A message is not as the encoders here write it: protobuf-c reads it, or finds what is wrong with it.
struct UnusualForm: Error {}

/// Reads a message that is as the encoders here write it: known fields, of numbers below 16, each in the shortest
/// form there is.
struct WireReader {
    private var position: UnsafeRawPointer
    private let end: UnsafeRawPointer

    init(_ bytes: UnsafeRawBufferPointer) throws(UnusualForm) {
        guard let start = bytes.baseAddress else { throw UnusualForm() }
        position = start
        end = start + bytes.count
    }

    /// What stands before the next field, as `WireType.tag` tells it; nil at the end.
    mutating func nextTag() -> UInt8? {
        guard position < end else { return nil }
        defer { position += 1 }
        return position.load(as: UInt8.self)
    }

    mutating func varint() throws(UnusualForm) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < end, shift < 63 {
            let byte = position.load(as: UInt8.self)
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw UnusualForm()
    }

    mutating func uint32() throws(UnusualForm) -> UInt32 {
        guard let value = UInt32(exactly: try varint()) else { throw UnusualForm() }
        return value
    }

    mutating func bool() throws(UnusualForm) -> Bool {
        try varint() != 0
    }

    mutating func fixed64() throws(UnusualForm) -> UInt64 {
        guard end - position >= 8 else { throw UnusualForm() }
        defer { position += 8 }
        return UInt64(littleEndian: position.loadUnaligned(as: UInt64.self))
    }

    mutating func bytes() throws(UnusualForm) -> UnsafeRawBufferPointer {
        guard let count = Int(exactly: try varint()), count <= end - position else {
            throw UnusualForm()
        }
        defer { position += count }
        return UnsafeRawBufferPointer(start: position, count: count)
    }

    mutating func message() throws(UnusualForm) -> WireReader {
        try WireReader(try bytes())
    }

    /// A request or a response: its id, and its body, which stands behind this tag.
    static func envelope(
        _ bytes: UnsafeRawBufferPointer, bodyTag: UInt8
    ) throws(UnusualForm) -> (id: UInt64, body: WireReader) {
        var reader = try WireReader(bytes)
        var id: UInt64 = 0
        var body: WireReader?
        while let tag = reader.nextTag() {
            switch tag {
            case WireType.varint.tag(1): id = try reader.varint()
            case bodyTag where body == nil: body = try reader.message()
            default: throw UnusualForm()
            }
        }
        guard let body else { throw UnusualForm() }
        return (id, body)
    }

    /// The id of a request that is not read otherwise.
    static func requestID(of bytes: UnsafeRawBufferPointer) throws(UnusualForm) -> UInt64 {
        var reader = try WireReader(bytes)
        var id: UInt64 = 0
        while let tag = reader.nextTag() {
            if tag == WireType.varint.tag(1) {
                id = try reader.varint()
            } else {
                try reader.skip(tag)
            }
        }
        guard id != 0 else { throw UnusualForm() }
        return id
    }

    /// Numbers of a repeated field, copied to where they are aligned.
    mutating func packedFixed<Number: FixedWidthInteger & BitwiseCopyable>(
        _ type: Number.Type, in arena: inout Arena
    ) throws(UnusualForm) -> UnsafeBufferPointer<Number> {
        let bytes = try bytes()
        guard bytes.count % MemoryLayout<Number>.size == 0 else { throw UnusualForm() }
        let numbers = try arena.array(of: type, count: bytes.count / MemoryLayout<Number>.size)
        UnsafeMutableRawBufferPointer(numbers).copyMemory(from: bytes)
        return UnsafeBufferPointer(numbers)
    }

    /// Numbers of a repeated field.
    mutating func packed<Number>(
        _ number: (inout WireReader) throws(UnusualForm) -> Number
    ) throws(UnusualForm) -> [Number] {
        var reader = try message()
        var numbers: [Number] = []
        while reader.position < reader.end { numbers.append(try number(&reader)) }
        return numbers
    }

    mutating func packedVarints(
        in arena: inout Arena
    ) throws(UnusualForm) -> UnsafeBufferPointer<UInt32> {
        let bytes = try bytes()
        var count = 0
        for byte in bytes where byte < 0x80 { count += 1 }
        let numbers = try arena.array(of: UInt32.self, count: count)
        var reader = try WireReader(bytes)
        for index in 0..<count { numbers[index] = try reader.uint32() }
        guard reader.position == reader.end else { throw UnusualForm() }
        return UnsafeBufferPointer(numbers)
    }

    /// How many fields stand behind this tag.
    func count(of tag: UInt8) throws(UnusualForm) -> Int {
        var rest = self
        var count = 0
        while let next = rest.nextTag() {
            if next == tag { count += 1 }
            try rest.skip(next)
        }
        return count
    }

    /// - Parameter tag: of the field that comes.
    private mutating func skip(_ tag: UInt8) throws(UnusualForm) {
        switch WireType(rawValue: tag & 7) {
        case .varint: _ = try varint()
        case .fixed64: _ = try fixed64()
        case .bytes: _ = try bytes()
        case nil: throw UnusualForm()
        }
    }
}

extension Arena {
    /// - Throws: if the message takes more memory than one may.
    mutating func array<Element: BitwiseCopyable>(
        of type: Element.Type, count: Int
    ) throws(UnusualForm) -> UnsafeMutableBufferPointer<Element> {
        guard let memory = allocate(byteCount: count * MemoryLayout<Element>.stride) else {
            throw UnusualForm()
        }
        return UnsafeMutableBufferPointer(
            start: memory.bindMemory(to: type, capacity: count), count: count)
    }
}
