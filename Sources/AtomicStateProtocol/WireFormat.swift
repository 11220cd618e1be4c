/// How a field's value is laid out: https://protobuf.dev/programming-guides/encoding/#structure
enum WireType: UInt8 {
    case varint = 0
    case fixed64 = 1
    /// Its byte count, then its bytes: texts, messages, and repeated numbers.
    case bytes = 2

    /// What stands before the value of a field; 1 to 15 is the field's number.
    func tag(_ field: UInt8) -> UInt8 { field << 3 | rawValue }
}

/// A message as fields and their values.
protocol WireMessage {
    /// Hands the fields to the sink, in the order of their numbers. It is called several times, and hands over
    /// the same each time.
    func encode(into sink: inout some WireSink)
}

/// Takes a message's fields: counts their bytes, or writes them.
///
/// A field that has its type's default value is left out, as proto3 has it.
protocol WireSink {
    mutating func append(varint: UInt64)
    /// - Parameter fill: is given as much memory.
    mutating func append(byteCount: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Void)
    /// - Parameter byteCount: the message's.
    mutating func append(_ message: some WireMessage, byteCount: Int)
}

extension WireSink {
    mutating func varint(_ field: UInt8, _ value: some BinaryInteger) {
        if value != 0 { oneofVarint(field, value) }
    }

    /// One that is written whatever its value, as that of a oneof.
    mutating func oneofVarint(_ field: UInt8, _ value: some BinaryInteger) {
        append(tag: field, .varint)
        append(varint: UInt64(value))
    }

    mutating func bool(_ field: UInt8, _ value: Bool) {
        varint(field, value ? 1 : 0)
    }

    mutating func fixed64(_ field: UInt8, _ value: UInt64) {
        guard value != 0 else { return }
        append(tag: field, .fixed64)
        append(byteCount: 8) { $0.storeBytes(of: value.littleEndian, as: UInt64.self) }
    }

    mutating func string(_ field: UInt8, _ value: String) {
        bytes(field, value.utf8)
    }

    @inline(__always)
    mutating func bytes(_ field: UInt8, _ value: some Collection<UInt8>) {
        bytes(field, byteCount: value.count) { $0.copyBytes(from: value) }
    }

    @inline(__always)
    mutating func bytes(
        _ field: UInt8, byteCount: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Void
    ) {
        guard byteCount > 0 else { return }
        append(tag: field, .bytes)
        append(varint: UInt64(byteCount))
        append(byteCount: byteCount, fill)
    }

    mutating func message(_ field: UInt8, _ value: some WireMessage) {
        let byteCount = value.encodedByteCount
        append(tag: field, .bytes)
        append(varint: UInt64(byteCount))
        append(value, byteCount: byteCount)
    }

    // MARK: Repeated fields

    /// Numbers of four or eight bytes each, which stand in memory as on the wire: lowest byte first.
    mutating func packedFixed(_ field: UInt8, _ values: [some FixedWidthInteger & BitwiseCopyable])
    {
        values.withUnsafeBytes { values in
            bytes(field, byteCount: values.count) { $0.copyMemory(from: values) }
        }
    }

    mutating func packedVarints(_ field: UInt8, _ values: [some BinaryInteger]) {
        guard !values.isEmpty else { return }
        append(tag: field, .bytes)
        append(
            varint: values.reduce(into: 0) { $0 += UInt64(WireCounter.byteCount(of: UInt64($1))) })
        for value in values { append(varint: UInt64(value)) }
    }

    mutating func packedBools(_ field: UInt8, _ values: [Bool]) {
        bytes(field, byteCount: values.count) { memory in
            for (index, value) in values.enumerated() { memory[index] = value ? 1 : 0 }
        }
    }

    mutating func messages(_ field: UInt8, _ values: [some WireMessage]) {
        for value in values { message(field, value) }
    }

    mutating func strings(_ field: UInt8, _ values: [String]) {
        for value in values { message(field, EncodedMessage(bytes: value.utf8)) }
    }

    @inline(__always)
    private mutating func append(tag field: UInt8, _ type: WireType) {
        append(varint: UInt64(type.tag(field)))
    }
}

extension WireMessage {
    var encodedByteCount: Int {
        var counter = WireCounter()
        encode(into: &counter)
        return counter.byteCount
    }

    /// - Parameter memory: `encodedByteCount` bytes.
    func encode(to memory: UnsafeMutableRawBufferPointer) {
        var writer = WireWriter(memory)
        encode(into: &writer)
        precondition(writer.isFull, "a message takes as many bytes as were counted")
    }

    /// The message alone.
    var encoded: [UInt8] {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return bytes
    }

    func append(to bytes: inout [UInt8]) {
        let byteCount = encodedByteCount
        bytes.append(addingCapacity: byteCount) { span in
            span.withUnsafeMutableBufferPointer { memory, count in
                encode(to: UnsafeMutableRawBufferPointer(memory))
                count = byteCount
            }
        }
    }
}

/// A message that is there in bytes.
struct EncodedMessage<Bytes: Collection<UInt8>>: WireMessage {
    let bytes: Bytes

    func encode(into sink: inout some WireSink) {
        sink.append(byteCount: bytes.count) { $0.copyBytes(from: bytes) }
    }
}

private struct WireCounter: WireSink {
    var byteCount = 0

    mutating func append(varint: UInt64) {
        byteCount += Self.byteCount(of: varint)
    }

    mutating func append(byteCount: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Void) {
        self.byteCount += byteCount
    }

    mutating func append(_ message: some WireMessage, byteCount: Int) {
        self.byteCount += byteCount
    }

    /// Seven bits to a byte, and one byte for 0.
    static func byteCount(of varint: UInt64) -> Int {
        (70 - (varint | 1).leadingZeroBitCount) / 7
    }
}

private struct WireWriter: WireSink {
    private let memory: UnsafeMutableRawBufferPointer
    private var position = 0

    init(_ memory: UnsafeMutableRawBufferPointer) {
        self.memory = memory
    }

    var isFull: Bool { position == memory.count }

    @inline(__always)
    mutating func append(varint: UInt64) {
        var rest = varint
        while rest > 0x7F {
            memory[position] = UInt8(truncatingIfNeeded: rest) | 0x80
            position += 1
            rest >>= 7
        }
        memory[position] = UInt8(rest)
        position += 1
    }

    mutating func append(byteCount: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Void) {
        fill(UnsafeMutableRawBufferPointer(rebasing: memory[position..<(position + byteCount)]))
        position += byteCount
    }

    mutating func append(_ message: some WireMessage, byteCount: Int) {
        message.encode(into: &self)
    }
}
